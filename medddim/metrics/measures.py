"""RMSE, NMSE, PSNR and local bias, on arrays `(x, y, z)` or `(channel, x, y, z)`.

No measure ever takes a range from the images: one and the same result scores 24 to 45 dB under
the ranges in use in the field. Masks are `(x, y, z)` and serve every channel. Every measure raises
GridMismatch if shapes differ and ScoreError if there is nothing to measure.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from medddim.errors import ScoreError
from medddim.metrics.slices import (
    Float,
    Image,
    everywhere,
    pieces,
    require_comparable,
    require_range,
)
from medddim.volume import Mask

BIAS_SIGMA = 4.0
"""Voxels, in the slice: small enough to see an organ, wide enough to average noise away."""


def rmse(candidate: Image, reference: Image, *, mask: Mask | None = None) -> float:
    """Root of the mean squared difference over the mask, in the unit of the images."""
    require_comparable(candidate, reference, mask=mask)
    difference = np.subtract(candidate, reference, dtype=np.float64)
    inside = difference if mask is None else difference[..., mask]
    return float(np.sqrt(np.mean(np.square(inside))))


def nmse(candidate: Image, reference: Image, *, mask: Mask | None = None) -> float:
    """Squared error over the squared reference, summed over the mask; depends on where zero lies.

    `|candidate - reference|^2 / |reference|^2`, as fastMRI has it (Zbontar et al. 2018, eq. 5).
    """
    error = rmse(candidate, reference, mask=mask)
    inside = reference if mask is None else reference[..., mask]
    energy = float(np.mean(np.square(inside, dtype=np.float64)))
    if energy == 0:
        raise ScoreError("expected a reference with signal, found zeros only")
    return error**2 / energy


def psnr(
    candidate: Image, reference: Image, *, data_range: float, mask: Mask | None = None
) -> float:
    """`20 log10(data_range / rmse)` in dB over the mask; infinite for equal images."""
    require_range(data_range)
    error = rmse(candidate, reference, mask=mask)
    return float(20 * np.log10(data_range / error)) if error > 0 else float("inf")


def local_bias(
    candidate: Image, reference: Image, *, slice_axis: int = 2, mask: Mask | None = None
) -> float:
    """Root mean square over the mask of the local mean difference, in the unit of the images.

    The local mean is a Gaussian of 4 voxels within the slice that sees only the mask. A shift of
    the whole image counts in full; white noise of standard deviation s adds 0.07 s (that is
    s / (2 sqrt(pi) 4)), so a figure well above that is brightness moved, not noise left.
    """
    require_comparable(candidate, reference, mask=mask)
    region = everywhere(reference) if mask is None else mask
    total = count = 0.0
    for ours, theirs, inside in pieces(candidate, reference, region, flat_axis=slice_axis):
        weight = _smooth(inside.astype(np.float64))
        mean = _smooth((ours - theirs) * inside)[inside] / weight[inside]
        total += np.sum(np.square(mean))
        count += mean.size
    return float(np.sqrt(total / count))


def _smooth(image: Float) -> Float:
    smooth: Float = ndimage.gaussian_filter(image, BIAS_SIGMA, mode="constant")
    return smooth
