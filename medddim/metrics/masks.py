"""Where a figure is measured: deterministic masks of the imaged object, made from the reference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from medddim.errors import ScoreError
from medddim.intensity import bright_end
from medddim.volume import Mask

Image = npt.NDArray[np.floating]

FOREGROUND_SHARE = 0.10
BODY_HU = -500.0
SMALLEST_PART = 0.1
"""Parts smaller than this share of the largest are noise or equipment; two legs are both kept."""


def foreground(reference: Image, *, slice_axis: int = 2) -> Mask:
    """Mask `(x, y, z)` of an MR scan: above 10 % of the 99.5th percentile after slight smoothing.

    Channels are averaged, then smoothed with a Gaussian of 1 voxel; parts under a tenth of the
    largest are dropped and holes are filled within each slice. Raises ScoreError if there is no
    signal.
    """
    mean = _channel_mean(reference)
    level = float(bright_end(mean))
    if not level > 0:
        raise ScoreError(f"expected signal above 0, found a 99.5th percentile of {level:g}")
    smooth = ndimage.gaussian_filter(mean, 1.0)
    return _solid(smooth > FOREGROUND_SHARE * level, slice_axis=slice_axis)


def body(reference: Image, *, slice_axis: int = 2) -> Mask:
    """Mask `(x, y, z)` of a CT scan in HU: above -500 HU, lungs and bowel gas filled in.

    Channels are averaged; parts under a tenth of the largest are dropped and holes are filled
    within each slice. Raises ScoreError if there is nothing above -500 HU.
    """
    mask = _solid(_channel_mean(reference) > BODY_HU, slice_axis=slice_axis)
    if not mask.any():
        raise ScoreError("expected a body above -500 HU, found none; are the voxels in HU?")
    return mask


def _channel_mean(image: Image) -> npt.NDArray[np.float64]:
    channels = image.reshape(-1, *image.shape[-3:]).astype(np.float64)
    mean: npt.NDArray[np.float64] = channels.mean(axis=0)
    return mean


def _solid(mask: Mask, *, slice_axis: int) -> Mask:
    """The large parts of a mask, with holes filled within each slice."""
    parts, _ = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large = (sizes > 0) & (sizes >= SMALLEST_PART * sizes.max())
    within_slice = np.moveaxis(np.ones((1, 3, 3), dtype=bool), 0, slice_axis)
    solid: Mask = ndimage.binary_fill_holes(large[parts], structure=within_slice)
    return solid
