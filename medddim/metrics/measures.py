"""PSNR, SSIM, RMSE and high-frequency power, on arrays `(x, y, z)` or `(channel, x, y, z)`.

No measure ever takes a range from the images: one and the same result scores 24 to 45 dB under
the ranges in use in the field. Masks are `(x, y, z)` and serve every channel. Every measure raises
GridMismatch if shapes differ and ScoreError if there is nothing to measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from medddim.errors import GridMismatch, ScoreError

Image = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
Pair = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Mask]

SSIM_SIGMA = 1.5
SSIM_TRUNCATE = 3.5
SSIM_BORDER = 5
"""Half of the 11-voxel window: what scikit-image leaves out at each border."""

HIGH_BAND = (0.25, 0.5)
"""Radial frequency in cycles per voxel, lower edge open: from half Nyquist up to Nyquist."""

MASK_SOFTENING = 2.0
"""Voxels; a mask edge this soft puts less than 1 % of its amplitude into the high band."""


def rmse(candidate: Image, reference: Image, *, mask: Mask | None = None) -> float:
    """Root of the mean squared difference over the mask, in the unit of the images."""
    _require_comparable(candidate, reference, mask=mask)
    difference = np.subtract(candidate, reference, dtype=np.float64)
    inside = difference if mask is None else difference[..., mask]
    return float(np.sqrt(np.mean(np.square(inside))))


def psnr(
    candidate: Image, reference: Image, *, data_range: float, mask: Mask | None = None
) -> float:
    """`20 log10(data_range / rmse)` in dB over the mask; infinite for equal images."""
    _require_range(data_range)
    error = rmse(candidate, reference, mask=mask)
    return float(20 * np.log10(data_range / error)) if error > 0 else float("inf")


def ssim(
    candidate: Image,
    reference: Image,
    *,
    data_range: float,
    mask: Mask | None = None,
    dimensions: Literal[2, 3] = 2,
    slice_axis: int = 2,
) -> float:
    """Structural similarity as Wang et al. 2004 and scikit-image define it.

    Equal to `skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)`: in 2D within each slice across `slice_axis`, in 3D in the volume.
    With a mask, the mean of the full map over the mask; without, over all but the 5 voxels at each
    border of a slice (2D) or of the volume (3D), which is scikit-image's own mean.
    """
    _require_range(data_range)
    _require_comparable(candidate, reference, mask=mask)
    border = _without_border(reference.shape[-3:], flat_axis=_flat(dimensions, slice_axis))
    region = border if mask is None else mask
    if not region.any():
        raise ScoreError(f"expected at least 11 voxels across, found {reference.shape[-3:]}")
    total = count = 0.0
    pieces = _pieces(candidate, reference, region, flat_axis=_flat(dimensions, slice_axis))
    for ours, theirs, inside in pieces:
        values = _ssim_map(ours, theirs, data_range=data_range)[inside]
        total += values.sum()
        count += values.size
    return float(total / count)


def hf_power(
    candidate: Image, reference: Image, *, slice_axis: int = 2, mask: Mask | None = None
) -> float:
    """Power of the candidate in the high band over that of the reference; 1 = as much texture.

    Each slice across `slice_axis` is multiplied by a Hann window (against leakage from its border)
    and, with a mask, by the mask smoothed with a Gaussian of 2 voxels (so that its edge adds next
    to nothing); its 2D power spectrum is summed over radial in-plane frequencies |f| in
    (0.25, 0.5] cycles per voxel, then over slices and channels. Below 1 is smoother than the
    reference, above 1 holds more texture or more noise: the figure cannot tell which. NaN if the
    reference has no power there.
    """
    _require_comparable(candidate, reference, mask=mask)
    region = np.ones(reference.shape[-3:], dtype=bool) if mask is None else mask
    power = np.zeros(2)
    for ours, theirs, inside in _pieces(candidate, reference, region, flat_axis=slice_axis):
        window = _hann(inside.shape) * _soften(inside)
        power += [_band_power(image * window) for image in (ours, theirs)]
    return float(power[0] / power[1]) if power[1] > 0 else float("nan")


def _ssim_map(
    candidate: npt.NDArray[np.float64], reference: npt.NDArray[np.float64], *, data_range: float
) -> npt.NDArray[np.float64]:
    def mean(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        blurred: npt.NDArray[np.float64] = ndimage.gaussian_filter(
            image, SSIM_SIGMA, truncate=SSIM_TRUNCATE, mode="reflect"
        )
        return blurred

    luminance, contrast = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ours, theirs = mean(candidate), mean(reference)
    variances = mean(candidate**2) - ours**2 + mean(reference**2) - theirs**2
    covariance = mean(candidate * reference) - ours * theirs
    above = (2 * ours * theirs + luminance) * (2 * covariance + contrast)
    below = (ours**2 + theirs**2 + luminance) * (variances + contrast)
    return above / below


def _band_power(image: npt.NDArray[np.float64]) -> float:
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n) for n in image.shape], indexing="ij"))
    low, high = HIGH_BAND
    band = (radius > low) & (radius <= high)
    return float(np.sum(np.abs(np.fft.fft2(image)[band]) ** 2))


def _hann(shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    rows, columns = (np.hanning(n + 2)[1:-1] for n in shape)
    return np.outer(rows, columns)


def _soften(mask: Mask) -> npt.NDArray[np.float64]:
    soft: npt.NDArray[np.float64] = ndimage.gaussian_filter(
        mask.astype(np.float64), MASK_SOFTENING, mode="nearest"
    )
    return soft


def _flat(dimensions: int, slice_axis: int) -> int | None:
    return slice_axis if dimensions == 2 else None


def _pieces(
    candidate: Image, reference: Image, region: Mask, *, flat_axis: int | None
) -> Iterator[Pair]:
    """One image pair at a time, float64, with its mask: slices, or whole channels without an axis.

    One at a time because the intermediate arrays of a chest CT would not fit in memory together.
    """
    for ours, theirs in zip(_channels(candidate), _channels(reference), strict=True):
        if flat_axis is None:
            yield ours.astype(np.float64), theirs.astype(np.float64), region
            continue
        stacks = (np.moveaxis(array, flat_axis, 0) for array in (ours, theirs, region))
        for one, other, inside in zip(*stacks, strict=True):
            if inside.any():
                yield one.astype(np.float64), other.astype(np.float64), inside


def _channels(image: Image) -> Image:
    return image.reshape(-1, *image.shape[-3:])


def _without_border(shape: tuple[int, ...], *, flat_axis: int | None) -> Mask:
    inner = np.zeros(shape, dtype=bool)
    cut = slice(SSIM_BORDER, -SSIM_BORDER)
    inner[tuple(slice(None) if axis == flat_axis else cut for axis in range(3))] = True
    return inner


def _require_range(data_range: float) -> None:
    if not (np.isfinite(data_range) and data_range > 0):
        raise ScoreError(f"expected a data range above 0, found {data_range}")


def _require_comparable(candidate: Image, reference: Image, *, mask: Mask | None) -> None:
    if candidate.shape != reference.shape or candidate.ndim not in (3, 4):
        raise GridMismatch(
            "expected two images of one shape, (x, y, z) or (channel, x, y, z); "
            f"found {candidate.shape} against {reference.shape}"
        )
    if mask is not None and mask.shape != reference.shape[-3:]:
        raise GridMismatch(f"expected a mask on {reference.shape[-3:]}, found {mask.shape}")
    if mask is not None and not mask.any():
        raise ScoreError("the mask holds no voxel, so there is nothing to measure")
    for name, image in (("candidate", candidate), ("reference", reference)):
        if broken := image.size - int(np.isfinite(image).sum()):
            raise ScoreError(f"{broken} voxels of the {name} are not finite numbers")
