"""medddim: enhance a folder of medical scans, in the format they came in.

The public names, each imported when it is first used: `import medddim` stays fast.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medddim import degradation, diffusion, errors
    from medddim.degradation import (
        ChiNoise,
        KernelChange,
        LargerVoxels,
        LowDose,
        LowMatrix,
        MrScanner,
        RicianNoise,
        ThickSlices,
    )
    from medddim.formats import Series, find, read, write, write_map
    from medddim.formats import nibabel_image as nibabel_image
    from medddim.formats import sitk_image as sitk_image
    from medddim.inference.enhancer import Enhancer
    from medddim.integrations.monai import metatensor as metatensor
    from medddim.metrics import Scores, compare, estimate_noise
    from medddim.noise import NoisePassport, noise_passport
    from medddim.recipe import Recipe
    from medddim.report.show import show
    from medddim.training.trainer import train
    from medddim.volume import Volume

__version__ = "0.1.0"

_HOME = {
    "ChiNoise": "degradation",
    "Enhancer": "inference.enhancer",
    "KernelChange": "degradation",
    "LargerVoxels": "degradation",
    "LowDose": "degradation",
    "LowMatrix": "degradation",
    "MrScanner": "degradation",
    "NoisePassport": "noise",
    "Recipe": "recipe",
    "RicianNoise": "degradation",
    "Scores": "metrics",
    "Series": "formats",
    "ThickSlices": "degradation",
    "Volume": "volume",
    "compare": "metrics",
    "estimate_noise": "metrics",
    "find": "formats",
    "noise_passport": "noise",
    "read": "formats",
    "show": "report.show",
    "train": "training.trainer",
    "write": "formats",
    "write_map": "formats",
}
_MODULES = {name: name for name in ("degradation", "diffusion", "errors")} | {
    # what Volume.from_nibabel, to_sitk and their like do: docs/decisions/0185
    "metatensor": "integrations.monai.metatensor",
    "nibabel_image": "formats.nibabel_image",
    "sitk_image": "formats.sitk_image",
}

__all__ = [
    "ChiNoise",
    "Enhancer",
    "KernelChange",
    "LargerVoxels",
    "LowDose",
    "LowMatrix",
    "MrScanner",
    "NoisePassport",
    "Recipe",
    "RicianNoise",
    "Scores",
    "Series",
    "ThickSlices",
    "Volume",
    "__version__",
    "compare",
    "degradation",
    "diffusion",
    "errors",
    "estimate_noise",
    "find",
    "noise_passport",
    "read",
    "show",
    "train",
    "write",
    "write_map",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
