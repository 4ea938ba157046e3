"""MONAI: MetaTensors, transforms for any `Compose`, and an inferer that walks our sampler."""

from medddim.integrations.monai.inferer import DDIMInferer
from medddim.integrations.monai.metatensor import from_metatensor, to_metatensor
from medddim.integrations.monai.transforms import Degrade, DegradeD, Enhance, EnhanceD

__all__ = [
    "DDIMInferer",
    "Degrade",
    "DegradeD",
    "Enhance",
    "EnhanceD",
    "from_metatensor",
    "to_metatensor",
]
