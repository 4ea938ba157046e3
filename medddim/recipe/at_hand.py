"""The paths and samplers that a recipe may name, known without loading torch."""

from __future__ import annotations

import sys
from collections.abc import Collection

PATHS_AT_HAND = {
    "scan-noise": False,
    "posterior": True,
    "bridge": False,
    "variance-preserving": True,
    "linear-beta": True,
}
SAMPLERS_AT_HAND = ("ddim", "second-order", "ancestral")
"""What the tables of `medddim.diffusion` ship, and whether a path is random; a test compares."""


def known_paths() -> Collection[str]:
    """The keys of `medddim.diffusion.PATHS`, without loading torch."""
    return _table("PATHS", PATHS_AT_HAND)


def known_samplers() -> Collection[str]:
    """The keys of `medddim.diffusion.SAMPLERS`, without loading torch."""
    return _table("SAMPLERS", SAMPLERS_AT_HAND)


def _table(name: str, at_hand: Collection[str]) -> Collection[str]:
    # who adds to a table has imported it: where nobody has, it holds what ships
    diffusion = sys.modules.get("medddim.diffusion")
    return getattr(diffusion, name, at_hand)


def is_random(path: str) -> bool:
    """Whether a walk along the path begins with noise that has to be drawn.

    A bridge does if its recipe says how much.
    """
    if path in PATHS_AT_HAND:
        return PATHS_AT_HAND[path]
    from medddim.diffusion import PATHS  # loaded by whoever added to it

    return PATHS[path].random
