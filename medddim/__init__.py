"""medddim: enhance a folder of medical scans, in the format they came in.

The public names, each imported when it is first used: `import medddim` stays fast.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medddim import diffusion, errors
    from medddim.degradation import RicianNoise, ThickSlices
    from medddim.enhancer import Enhancer
    from medddim.formats import find, read, write
    from medddim.metrics import Scores, compare
    from medddim.recipe import Recipe
    from medddim.trainer import train
    from medddim.volume import Volume

__version__ = "0.1.0"

__all__ = [
    "Enhancer",
    "Recipe",
    "RicianNoise",
    "Scores",
    "ThickSlices",
    "Volume",
    "__version__",
    "compare",
    "diffusion",
    "errors",
    "find",
    "read",
    "train",
    "write",
]

_HOME = {
    "Enhancer": "enhancer",
    "Recipe": "recipe",
    "RicianNoise": "degradation",
    "Scores": "metrics",
    "ThickSlices": "degradation",
    "Volume": "volume",
    "compare": "metrics",
    "find": "formats",
    "read": "formats",
    "train": "trainer",
    "write": "formats",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in ("diffusion", "errors"):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
