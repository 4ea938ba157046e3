"""What a worse acquisition would have measured: one file, one way to degrade a scan."""

from medddim.degradation.chi import ChiNoise
from medddim.degradation.contract import Degradation, generator_of
from medddim.degradation.ct_kernel import KernelChange
from medddim.degradation.low_dose import LowDose, low_dose_noise, photons_for
from medddim.degradation.low_matrix import LowMatrix
from medddim.degradation.mr_scanner import MrScanner
from medddim.degradation.rician import RicianNoise
from medddim.degradation.thick_slices import ThickSlices

__all__ = [
    "ChiNoise",
    "Degradation",
    "KernelChange",
    "LowDose",
    "LowMatrix",
    "MrScanner",
    "RicianNoise",
    "ThickSlices",
    "generator_of",
    "low_dose_noise",
    "photons_for",
]
