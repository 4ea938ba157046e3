"""The noise of a scan, read from the scan alone."""

from medddim.noise.filters import AxisFilter
from medddim.noise.passport import NoisePassport, noise_passport

__all__ = ["AxisFilter", "NoisePassport", "noise_passport"]
