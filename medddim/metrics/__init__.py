"""What a result is worth: figures that always carry the range, window and mask they were made with.

The measures (`psnr`, `ssim`, `rmse`, `hf_power`) work on arrays and take every range from the
caller; a protocol decides range, window and mask for a scan; `compare` joins the two.
"""

from medddim.metrics.masks import body, foreground
from medddim.metrics.measures import hf_power, psnr, rmse, ssim
from medddim.metrics.protocols import PROTOCOLS, Protocol, compare
from medddim.metrics.scores import Scores

__all__ = [
    "PROTOCOLS",
    "Protocol",
    "Scores",
    "body",
    "compare",
    "foreground",
    "hf_power",
    "psnr",
    "rmse",
    "ssim",
]
