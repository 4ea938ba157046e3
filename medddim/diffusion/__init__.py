"""The diffusion core: paths, the denoiser, the DDIM sampler. Knows torch and nothing else."""

from medddim.diffusion.denoiser import Beyond, Condition, Denoiser, Prediction, prediction_loss
from medddim.diffusion.inversion import invert
from medddim.diffusion.ladder import karras, trailing, uniform_log_snr
from medddim.diffusion.noise import keyed_noise
from medddim.diffusion.path import (
    Bridge,
    CleanEstimate,
    LinearBeta,
    Path,
    Posterior,
    ScanNoise,
    VariancePreserving,
)
from medddim.diffusion.samplers import SAMPLERS, Sampler, ancestral, ddim, second_order

PATHS: dict[str, type[Path]] = {
    "scan-noise": ScanNoise, "posterior": Posterior, "bridge": Bridge,
    "variance-preserving": VariancePreserving, "linear-beta": LinearBeta,
}  # fmt: skip

__all__ = [
    "PATHS", "SAMPLERS", "Beyond", "Bridge", "CleanEstimate", "Condition", "Denoiser", "LinearBeta",
    "Path", "Posterior", "Prediction", "Sampler", "ScanNoise", "VariancePreserving", "ancestral",
    "ddim", "invert", "karras", "keyed_noise", "prediction_loss", "second_order", "trailing",
    "uniform_log_snr",
]  # fmt: skip
