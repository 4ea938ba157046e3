"""What a worse acquisition would have measured: one file, one way to degrade a scan."""

from medddim.degradation.chi import ChiNoise
from medddim.degradation.contract import Degradation
from medddim.degradation.ct_kernel import KernelChange
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.degradation.low_dose import LowDose, low_dose_noise, photons_for
from medddim.degradation.low_matrix import LowMatrix
from medddim.degradation.mr_scanner import MrScanner
from medddim.degradation.rician import RicianNoise
from medddim.degradation.thick_slices import ThickSlices

DEGRADATIONS: dict[str, type[Degradation]] = {
    "rician": RicianNoise,
    "chi": ChiNoise,
    "mr-scanner": MrScanner,
    "low-matrix": LowMatrix,
    "thick-slices": ThickSlices,
    "larger-voxels": LargerVoxels,
    "low-dose": LowDose,
    "kernel": KernelChange,
}
"""Every degradation by its name: one module, one line."""

__all__ = [
    "DEGRADATIONS",
    "ChiNoise",
    "Degradation",
    "KernelChange",
    "LargerVoxels",
    "LowDose",
    "LowMatrix",
    "MrScanner",
    "RicianNoise",
    "ThickSlices",
    "low_dose_noise",
    "photons_for",
]
