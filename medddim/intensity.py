"""What the intensities of a scan mean: its modality, and where there is no unit its bright end.

One percentile, here and nowhere else: scaling, noise levels as a share, masks, data ranges and
grey scales all refer to it. Beside it, percentiles in a tenth of numpy's time.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import RequestProblem

BRIGHT_PERCENTILE = 99.5
LONGER = {"BMD", "IVUS", "OCT", "OPM", "OPT", "OPTBSV", "OPTENF", "RTDOSE", "RTIMAGE", "SEG"}
"""Modalities of images whose code has more than two letters."""


def in_digits(value: float, *, digits: int = 3, sign: str = "") -> str:
    """An intensity for people: so many digits, and 1360 where Python says 1.36e+03."""
    return f"{float(f'{value:.{digits}g}'):{sign}.15g}"


def modality_code(said: Any) -> str:
    """The DICOM code (PS3.3 C.7.3.1.1.1), in capitals however it is written; "" for unknown.

    Raises RequestProblem for what is no such code: "MRI", "T1w".
    """
    code = str(said or "").strip().upper()
    if code and code not in LONGER and not re.fullmatch("[A-Z]{2}", code):
        raise RequestProblem(
            f'expected the modality "MR" or "CT", or "" where it is not known; found {said!r}'
        )
    return code


def bright_end(values: npt.NDArray[np.floating[Any]]) -> np.floating[Any]:
    """The 99.5th percentile of the values, in their own precision: outliers are left out."""
    end: np.floating[Any] = percentile(values, BRIGHT_PERCENTILE)
    return end


def percentile(values: npt.NDArray[Any], share: float | np.float64) -> Any:
    """What `share` per cent of the values are below: what `numpy.percentile` gives, to the bit.

    In the precision of the values, or in double if `share` is of numpy. One of the two neighbours
    is looked for, and the other found beyond it: partitioning at both takes ten times as long.
    """
    flat = values.ravel()
    place = (flat.size - 1) * (share / 100)
    below = int(place)
    ordered = np.partition(flat, below)
    low, part = ordered[below], place - below
    high = ordered[below + 1 :].min() if below + 1 < flat.size else low
    rise = high - low
    return low + rise * part if part < 0.5 else high - rise * (1 - part)


def median(values: npt.NDArray[Any]) -> Any:
    """The middle one of numbers without NaN, as `numpy.median` gives it."""
    flat, half = values.ravel(), values.size // 2
    ordered = np.partition(flat, half)
    return ordered[half] if flat.size % 2 else (ordered[:half].max() + ordered[half]) / 2
