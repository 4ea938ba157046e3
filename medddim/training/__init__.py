"""A model from scans: the pairs it learns from, the loop, and how it is judged on the way."""
