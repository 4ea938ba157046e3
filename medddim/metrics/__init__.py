"""What a result is worth: figures that always carry the range, window and mask they were made with.

The measures (`psnr`, `ssim`, `nmse`, `rmse`, `hf_power`, `local_bias`) work on arrays and take
every range from the caller; a protocol decides range, window and mask for a scan; `compare` joins
the two. `residual` and `radial_spectrum` describe, without a range.
"""

from medddim.metrics.comparison import compare
from medddim.metrics.masks import body, foreground
from medddim.metrics.measures import local_bias, nmse, psnr, rmse
from medddim.metrics.noise import estimate_noise
from medddim.metrics.protocols import PROTOCOLS, Protocol, meant_for
from medddim.metrics.residual import Residual, residual
from medddim.metrics.scores import Passport, Scores
from medddim.metrics.similarity import ssim
from medddim.metrics.spectrum import Spectrum, hf_power, radial_spectrum

__all__ = [
    "PROTOCOLS",
    "Passport",
    "Protocol",
    "Residual",
    "Scores",
    "Spectrum",
    "body",
    "compare",
    "estimate_noise",
    "foreground",
    "hf_power",
    "local_bias",
    "meant_for",
    "nmse",
    "psnr",
    "radial_spectrum",
    "residual",
    "rmse",
    "ssim",
]
