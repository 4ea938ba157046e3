"""A BIDS data set in, a BIDS derivative out, after the BIDS-App contract."""

from medddim.integrations.bids.choice import Choice
from medddim.integrations.bids.participants import participants

__all__ = ["Choice", "participants"]
