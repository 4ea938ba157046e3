"""The diffusion core: paths, the denoiser, the DDIM sampler. Knows torch and nothing else."""

from medddim.diffusion.ancestral import ancestral
from medddim.diffusion.ddim import ddim, invert, second_order
from medddim.diffusion.denoiser import Condition, Denoiser, Prediction
from medddim.diffusion.ladder import karras, trailing, uniform_log_snr
from medddim.diffusion.loss import prediction_loss
from medddim.diffusion.noise import keyed_noise
from medddim.diffusion.path import Bridge, LinearBeta, Path, ScanNoise, VariancePreserving

PATHS: dict[str, type[Path]] = {
    "scan-noise": ScanNoise,
    "variance-preserving": VariancePreserving,
    "linear-beta": LinearBeta,
    "bridge": Bridge,
}

__all__ = [
    "PATHS",
    "Bridge",
    "Condition",
    "Denoiser",
    "LinearBeta",
    "Path",
    "Prediction",
    "ScanNoise",
    "VariancePreserving",
    "ancestral",
    "ddim",
    "invert",
    "karras",
    "keyed_noise",
    "prediction_loss",
    "second_order",
    "trailing",
    "uniform_log_snr",
]
