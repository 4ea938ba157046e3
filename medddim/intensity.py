"""The bright end of a scan: what counts as full signal where intensities have no unit.

One percentile, here and nowhere else: scaling, noise levels as a share, masks, data ranges and
grey scales all refer to it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

BRIGHT_PERCENTILE = 99.5


def bright_end(values: npt.NDArray[np.floating[Any]]) -> np.floating[Any]:
    """The 99.5th percentile of the values, in their own precision: outliers are left out."""
    end: np.floating[Any] = np.percentile(values, BRIGHT_PERCENTILE)
    return end
