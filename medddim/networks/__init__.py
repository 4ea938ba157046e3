"""MONAI's networks behind one door, the device they run on, and the number format they run in.

A new network is one module with a class that keeps the contract of `Network`, one line in
`NETWORKS`, and its record of arguments in the recipe.
"""

from medddim.networks.contract import Network, require_tileable
from medddim.networks.device import (
    Precision,
    autocast,
    choose_device,
    choose_precision,
    require_own_threads,
)
from medddim.networks.noise_unet import NoiseUNet
from medddim.networks.unet import UNet

NETWORKS: dict[str, type[Network]] = {network.kind: network for network in (UNet, NoiseUNet)}
"""The networks by what a recipe calls them (`network.kind`)."""

__all__ = [
    "NETWORKS",
    "Network",
    "NoiseUNet",
    "Precision",
    "UNet",
    "autocast",
    "choose_device",
    "choose_precision",
    "require_own_threads",
    "require_tileable",
]
