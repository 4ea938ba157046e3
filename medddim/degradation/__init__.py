"""What a worse acquisition would have measured: one file, one way to degrade a scan."""

from medddim.degradation.contract import Degradation
from medddim.degradation.rician import RicianNoise
from medddim.degradation.thick_slices import ThickSlices

__all__ = ["Degradation", "RicianNoise", "ThickSlices"]
