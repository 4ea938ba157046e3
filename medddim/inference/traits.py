"""What a scan is like, in a dozen numbers: spacing, noise, texture, contrast, anatomy.

They are found from a few slices in a fraction of a second, without a network, and compared with
those of the scans that a model learnt from (`medddim.inference.range`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.ndimage import uniform_filter

from medddim.intensity import median, percentile
from medddim.metrics.noise import estimate_noise
from medddim.volume import Array, Volume

PLANES = 12
"""Slices that are read, spread over the scan."""
TINY = 1e-4
SCALES_MM = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Sizes at which it is asked how much structure there is."""
COARSE_MM = 6.0
"""Edge of the voxels on which the whole shape is looked at."""
LEAST_MM = 24.0
"""Along each axis, that a scan has to cover for the shape of its subject to be known."""


def traits(volume: Volume, *, scale: float) -> dict[str, float]:
    """The traits of a scan by name; `scale` is its bright end (MR), or 1000 HU.

    Those that are ratios are kept as logarithms, so that twice and half are as far.
    """
    planes, spacing = _planes(volume)
    planes = planes / np.float32(scale if scale > 0 else 1.0)
    inside = uniform_filter(planes, (0, 3, 3)) > (0.15 if not volume.in_hu else -0.3)
    found = dict(_sizes(volume, spacing))
    noise = estimate_noise(volume) / scale if scale > 0 else 0.0
    found["noise"] = float(np.log10(noise + TINY))
    found |= dict(_contrast(planes, inside))
    found |= dict(_texture(planes, inside))
    found |= dict(_structure(planes, inside, spacing))
    found |= dict(_shape(volume, scale))
    return found


def _planes(volume: Volume) -> tuple[Array, tuple[float, float]]:
    """A few slices `(slice, row, column)` of the first channel, and the spacing within them."""
    axis = volume.slice_axis
    image = np.moveaxis(volume.voxels[0], axis, 0)
    count = len(image)
    chosen = np.unique(
        np.linspace(0.2 * (count - 1), 0.8 * (count - 1), PLANES).round().astype(int)
    )
    row, column = np.delete(volume.spacing_mm, axis)
    return np.ascontiguousarray(image[chosen]), (float(row), float(column))


def _sizes(volume: Volume, spacing: tuple[float, float]) -> Iterator[tuple[str, float]]:
    yield "pixel", float(np.log2(spacing[0] * spacing[1])) / 2
    if min(volume.shape) > 1:
        yield "slice", float(np.log2(volume.spacing_mm[volume.slice_axis]))


def _contrast(planes: Array, inside: npt.NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
    """How intensities are spread over the object."""
    yield "below zero", float((planes < -0.05).mean())
    yield "object", float(inside.mean())
    if not inside.any():
        return
    values = planes[inside]
    low, quarter, half, three, high = (
        percentile(values, np.float64(share)) for share in (5, 25, 50, 75, 95)
    )
    yield "dark end", float(low)
    yield "median", float(half)
    yield "bright end", float(high)
    yield "contrast", float(np.log10(abs(three - quarter) + TINY))


def _texture(planes: Array, inside: npt.NDArray[np.bool_]) -> Iterator[tuple[str, float]]:
    """How the finest detail compares with that of twice the size; white noise gives 1.

    Smoothing and interpolation take the finest; see `medddim.metrics.noise`.
    """
    finest = _detail(planes, inside)
    twice = _detail(_halved(planes), _halved(inside.astype(np.float32)) > 0.5)
    four = _detail(_halved(_halved(planes)), _halved(_halved(inside.astype(np.float32))) > 0.5)
    yield "fine", float(np.log2((finest + TINY) / (2 * twice + TINY)))
    yield "less fine", float(np.log2((twice + TINY) / (2 * four + TINY)))
    for name, axis in (("row", 1), ("column", 2)):
        power = np.abs(rfft(planes - planes.mean(axis, keepdims=True), axis=axis)) ** 2
        power = power.mean(axis=(0, 3 - axis))
        half = len(power) // 2
        yield f"{name} spectrum", float(np.log10(power[half:].sum() / (power.sum() + TINY) + 1e-6))


def _detail(planes: Array, inside: npt.NDArray[np.bool_]) -> float:
    """The median size of the diagonal differences within the object."""
    if min(planes.shape[1:]) < 4:
        return 0.0
    rows = planes[:, 1:] - planes[:, :-1]
    detail = np.abs(rows[:, :, 1:] - rows[:, :, :-1])[inside[:, 1:, 1:]]
    return float(median(detail)) if detail.size else 0.0


def _halved(planes: Array) -> Array:
    n, rows, columns = planes.shape
    even = planes[:, : rows // 2 * 2, : columns // 2 * 2]
    halved: Array = even.reshape(n, rows // 2, 2, columns // 2, 2).mean((2, 4))
    return halved


def _structure(
    planes: Array, inside: npt.NDArray[np.bool_], spacing: tuple[float, float]
) -> Iterator[tuple[str, float]]:
    """How much structure of each size the object holds, against all of it."""
    if not inside.any():
        return
    planes = planes.clip(-1.0, 2.0)
    finer, whole = planes, float(planes[inside].std()) + TINY
    for size in SCALES_MM:
        edges = [1 | round(size / one) for one in spacing]
        if max(edges) == 1:  # smaller than a pixel
            continue
        coarser = uniform_filter(planes, (0, *edges))
        band = float((finer - coarser)[inside].std())
        yield f"structure of {size:g} mm", float(np.log2((band + TINY) / whole))
        finer = coarser


def _shape(volume: Volume, scale: float) -> Iterator[tuple[str, float]]:
    """How large the object is, how round, and how alike its halves, left and right."""
    if min(n * mm for n, mm in zip(volume.shape, volume.spacing_mm, strict=True)) < LEAST_MM:
        return  # a slice or a slab may lie anywhere in the subject: its size tells nothing
    image = volume.voxels[0]
    steps = [max(1, int(COARSE_MM / one)) for one in volume.spacing_mm]
    x, y, z = (slice(None, None, step) for step in steps)
    coarse = image[x, y, z] / np.float32(scale if scale > 0 else 1.0)
    axes = volume.axes_of_world
    coarse = coarse.transpose(axes)
    spacing = [volume.spacing_mm[axis] * steps[axis] for axis in axes]
    inside = coarse > (0.15 if not volume.in_hu else -0.3)
    if not inside.any():
        return
    for name, along in (("width", 0), ("depth", 1)):
        if coarse.shape[along] < 4:
            continue
        profile = inside.mean(axis=tuple(set(range(3)) - {along}))
        length = spacing[along] * float((profile > 0.2 * profile.max()).sum())
        yield name, float(np.log2(length + 1))
    if coarse.shape[0] >= 4:
        yield "symmetry", _symmetry(coarse.clip(-1, 2), inside)


def _symmetry(coarse: Array, inside: npt.NDArray[np.bool_]) -> float:
    """The correlation of the object with its mirror image, left to right, at the best shift."""
    centred = np.where(inside, coarse, 0)
    there = np.flatnonzero(inside.any(axis=(1, 2)))
    centred = centred[there[0] : there[-1] + 1]
    best = 0.0
    for cut in range(max(1, len(centred) // 8)):
        for part in (centred[cut:], centred[: len(centred) - cut]):
            pair = np.corrcoef(part.ravel(), part[::-1].ravel())
            best = max(best, float(np.nan_to_num(pair[0, 1])))
    return best
