"""What a scan is whose file does not say: a NIfTI file alone has no modality."""

from __future__ import annotations

import numpy as np

from medddim import formats
from medddim.formats import Series
from medddim.volume import Volume

AIR_HU, AROUND_HU, AIR_SHARE = -1000.0, 100.0, 0.05
"""A scan of which more than this share is air, in Hounsfield units, is a CT scan."""


def modality_of(series: Series) -> str:
    """What a scan says it is; where it does not say, "CT" if it holds air in Hounsfield units.

    A NIfTI file alone does not say: only the JSON file beside it does, if there is one.
    """
    if series.modality or series.refusal:
        return series.modality
    try:
        return "CT" if has_air_in_hu(formats.read(series)) else "MR"
    except Exception:
        # Whatever it is must not cost the other scans: the run meets it again, and says so.
        return "MR"


def has_air_in_hu(volume: Volume) -> bool:
    """Whether so many voxels lie near -1000 as in scans of air around or in a body."""
    near = np.abs(volume.voxels - AIR_HU) < AROUND_HU
    return bool(near.mean() > AIR_SHARE)
