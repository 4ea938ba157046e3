"""MONAI's networks behind one door, the device they run on, and the number format they run in."""

from medddim.networks.device import Precision, autocast, choose_device, choose_precision
from medddim.networks.unet import UNet

__all__ = ["Precision", "UNet", "autocast", "choose_device", "choose_precision"]
