"""A scan through a model: what is asked of it, its tiles, and the answer put together."""
