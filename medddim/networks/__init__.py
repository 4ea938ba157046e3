"""MONAI's networks behind one door, and the number format they run in."""

from medddim.networks.precision import Precision, autocast, choose_precision
from medddim.networks.unet import UNet

__all__ = ["Precision", "UNet", "autocast", "choose_precision"]
