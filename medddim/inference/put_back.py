"""What an answer lost of the scan is put back: local means, and what stands out of the noise.

The difference of scan and answer is noise, and what the network took for noise. Noise has no mean:
smoothed over a few voxels little of it is left, while what a small faint structure lost stays. So
wide local means of the difference go back: of a magnitude a share of them, of CT all, for hardly
any of its noise is left there. Of what is finer, that goes back which stands out of the noise
around it (a matched filter's test: Turin 1960, IRE Trans IT-6:311). A structure that shrank is
still there in the answer, so that the difference holds it in proportion: the slope of its local
regression on the answer tells how much (a guided filter of the difference: He et al. 2013, IEEE
TPAMI 35:1397, eq. 5 and 6).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medddim.inference.local_means import LocalMeans, Taps, boxes_of, even, gaussian
from medddim.inference.slabs import Box, parts_of
from medddim.noise.rice import mean_of_signal
from medddim.volume import Array

MEAN, MEAN_HU, FINE = 1.4, 2.0, 0.8
"""Standard deviations of the Gaussians, in smallest voxel edges: of a local mean, and of the test.

The noise of CT is smoother, so that more of it is left in a mean. See docs/decisions/0160.
"""
WIDER = 1.5
"""Times MEAN, that a mean has to be wide to go back untested. See docs/decisions/0234."""
CUT = 2.0
"""Where a Gaussian ends, in its standard deviations."""
OUT, OUT_FINE, OUT_FINE_HU = 2.5, 3.5, 4.0
"""Times the noise, as smooth, that stands out of it; of fine CT the streaks do so, too."""
AROUND, AROUND_HU = 15, 21
"""Voxels along the edge of the square, within a slice, that tells how strong noise is."""
LOST = 0.12
"""How much of the noise a network takes from small structures, as a rule."""
SHRUNK = 0.2
"""How much of its contrast a plain small structure loses: decisions 0206, 0226 and 0240."""
PLAIN_HU = 2.0
"""Times the noise, as fine, that structure of CT has to have for half of its slope to count."""
STREAKS_HU = 0.45, 0.75
"""Coherence of the noise of CT up to which it is no streaks, and from which it is."""
LEAST_HU = np.float32(0.01)
"""Where nothing was taken away, no structure is weighed against less than this."""
FAINT, BRIGHT = 2.0, 5.0
"""Times the noise: below, a magnitude says little of its signal's mean; above, all counts."""
LEAST = np.float32(1e-12)
"""Of a standard deviation, to divide by."""


def put_back(  # noqa: PLR0913 - two images, what is known of their grid and of their noise
    answer: Array,
    measured: Array,
    *,
    spacing_mm: Sequence[float],
    slice_axis: int,
    noise: Array | float | None = None,
    wide: float | None = None,
    lag_1: Sequence[float] = (0.0, 0.0, 0.0),
) -> Array:
    """The answer with what it lost of the scan, both images `(x, y, z)` in one unit.

    Of three local means of what was lost, the finest that stands out of the noise goes back, and a
    share of the widest where none does. Of a magnitude, `noise` is its standard deviation (at each
    voxel): its mean lies above its signal (`medddim.noise.rice`), and that much is taken off;
    signal below twice the noise is left alone. None: no magnitude, but signed values like CT's.
    `lag_1` is the correlation of the noise to the next voxel along each axis: the fewer independent
    voxels a mean has, the less of it is put back, `LOST` squared over itself and its variance.
    `wide`, the standard deviation of a local mean's Gaussian, is MEAN or MEAN_HU if not given.
    """
    if noise is None:
        wide = wide or MEAN_HU
        return _put_back_hu(
            answer, measured, spacing_mm=spacing_mm, slice_axis=slice_axis, wide=wide
        )
    wide = wide or MEAN
    widths = [_widths(answer.shape, spacing_mm, sd) for sd in (WIDER * wide, wide, FINE)]
    weight, white = _weight(answer, noise), np.broadcast_to(np.float32(noise), answer.shape)
    boxes = list(boxes_of(answer, weight))
    widest, coarse, fine = (
        [LocalMeans(weight, _gaussians(sds), box) for box in boxes] for sds in widths
    )
    untested, tested = (_variance_of_mean(sds, lag_1) for sds in widths[:2])
    lost = _lost(answer, measured, noise, boxes)
    grown = _grown(answer, lost, coarse, white, tested / SHRUNK**2)
    lost -= grown
    finer = (coarse, OUT, widths[1]), (fine, OUT_FINE, widths[2])
    tests = [(_of_all(near, lost), *_out(out, sds, lag_1)) for near, out, sds in finer]
    around = [even(1 if axis == slice_axis else AROUND) for axis in range(3)]
    back = np.array(answer, np.float32)
    for wider in widest:
        box, level = wider.box, LocalMeans(weight, around, wider.box)
        part = wider.of(lost) * np.float32(LOST**2 / (LOST**2 + untested))
        for mean, out, known in tests:  # what was lost itself is no noise around it
            size = np.minimum(np.sqrt(level.of(mean, mean)), white[box] * known)
            np.copyto(part, mean[box], where=np.abs(mean[box]) > out * size)
        part += grown[box]
        part *= weight[box]
        back[box] += part
    return back


def _out(
    out: float, widths: Sequence[float], lag_1: Sequence[float]
) -> tuple[np.float32, np.float32]:
    """Times its noise that a mean stands out of; its noise. `out` is the first of white noise.

    A mean of correlated noise has more of its power, and what stands out by chance brings that
    back: the tail of a normal law, exp(-t^2 / 2), is made smaller by as much.
    """
    variance = _variance_of_mean(widths, lag_1)
    more = max(variance / _variance_of_mean(widths, (0.0, 0.0, 0.0)), 1.0)
    return np.float32(np.sqrt(out**2 + 2 * np.log(more))), np.float32(variance**0.5)


def _grown(
    answer: Array, lost: Array, near: Sequence[LocalMeans], noise: Array, plain: float
) -> Array:
    """What shrank; half of it where structure has `plain` times the power of the noise."""
    mean, grown = _of_all(near, lost), np.zeros(answer.shape, np.float32)
    for here in near:
        least = np.square(np.maximum(noise[here.box], LEAST)) * np.float32(plain)
        grown[here.box] = _shrunk(answer, lost, mean[here.box], here, least)
    return grown


def _put_back_hu(
    answer: Array, measured: Array, *, spacing_mm: Sequence[float], slice_axis: int, wide: float
) -> Array:
    """That of CT: of three local means of what was lost, the finest that stands out goes back.

    The widest is not tested, but stays away where noise comes in streaks, as slopes do.
    """
    lost = np.subtract(measured, answer, dtype=np.float32)
    boxes = list(boxes_of(answer, None))
    widest, coarse, fine = (
        [LocalMeans(None, _gaussians(_widths(answer.shape, spacing_mm, sd)), box) for box in boxes]
        for sd in (WIDER * wide, wide, FINE)
    )
    mean, rest = _of_all(coarse, lost), _of_all(fine, lost)
    within = [axis for axis in range(3) if axis != slice_axis]
    x, y = (_rise(lost, axis) for axis in within)
    around = [even(AROUND_HU if axis in within else 1) for axis in range(3)]
    back = np.empty_like(lost)
    for here, wider in zip(coarse, widest, strict=True):
        box, level = here.box, LocalMeans(None, around, here.box)
        noise, finer = (np.sqrt(level.of(image, image)) for image in (mean, rest))
        least = np.maximum(finer * np.float32(PLAIN_HU), LEAST_HU)
        part = wider.of(lost)
        shrunk = _shrunk(answer, lost, mean[box], here, np.square(least))
        believed = _believed(x, y, level)
        part *= believed
        shrunk *= believed
        np.copyto(part, mean[box], where=np.abs(mean[box]) > np.float32(OUT) * noise)
        np.copyto(part, rest[box], where=np.abs(rest[box]) > np.float32(OUT_FINE_HU) * finer)
        part += shrunk
        np.add(part, answer[box], out=back[box])
    return back


def _rise(image: Array, axis: int) -> Array:
    """The difference from voxel to voxel along an axis."""
    return np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image)


def _believed(x: Array, y: Array, level: LocalMeans) -> Array:
    """How much what looks like structure of CT is believed: not where noise is streaks.

    `x` and `y` are the rises of the noise within a slice. Their coherence is 0 where it is alike
    in all directions, and 1 where it is stripes (structure tensor: Bigun and Granlund 1987, ICCV).
    """
    along, across, both = level.of(x, x), level.of(y, y), level.of(x, y)
    strength = np.maximum(along + across, LEAST_HU**2)
    coherence = np.hypot(along - across, 2 * both) / strength
    low, high = STREAKS_HU
    believed: Array = (high - coherence) / np.float32(high - low)
    return believed.clip(0, 1, out=believed)


def reach(spacing_mm: Sequence[float], axis: int, *, slice_axis: int, hu: bool) -> int:
    """How many voxels away along an axis a voxel still counts, of CT (`hu`) or of a magnitude."""
    scale = _scale(spacing_mm[axis], spacing_mm)
    widest = MEAN_HU if hu else MEAN
    mean, wider = (int(CUT * wide * scale + 0.5) for wide in (widest, WIDER * widest))
    around = 0 if axis == slice_axis else (AROUND_HU if hu else AROUND) // 2
    if hu:
        return max(mean + around, wider)
    return mean + max(mean + around, wider)  # what grew is taken off before


def _weight(answer: Array, noise: Array | float) -> Array:
    """How much of a magnitude counts at each voxel."""
    weight = np.empty(answer.shape, np.float32)
    noise = np.broadcast_to(np.float32(noise), answer.shape)
    for part in parts_of(answer.shape):
        signal = answer[part] / np.maximum(noise[part], LEAST)
        weight[part] = ((signal - FAINT) / (BRIGHT - FAINT)).clip(0, 1)
    return weight


def _lost(answer: Array, measured: Array, noise: Array | float, boxes: Sequence[Box]) -> Array:
    """The difference of the signals of a magnitude, in these boxes."""
    lost = np.zeros(answer.shape, np.float32)
    noise = np.broadcast_to(np.float32(noise), answer.shape)
    for box in boxes:
        level = np.maximum(noise[box], LEAST)
        mean = mean_of_signal((answer[box] / level).clip(0)).astype(np.float32)
        lost[box] = measured[box] - level * mean
    return lost


def _gaussians(widths: Sequence[float]) -> list[Taps]:
    return [gaussian(sd, CUT) for sd in widths]


def _of_all(means: Sequence[LocalMeans], image: Array) -> Array:
    """The local means in all boxes; 0 elsewhere."""
    found = np.zeros(image.shape, np.float32)
    for here in means:
        found[here.box] = here.of(image)
    return found


def _shrunk(answer: Array, lost: Array, mean: Array, near: LocalMeans, least: Array) -> Array:
    """What the answer's structure lost in proportion to itself; `mean` is the local one of `lost`.

    `least` is the variance of structure at which half of the slope of what was lost on it counts,
    all of it where there is more.
    """
    around = near.of(answer)
    slope = near.of(answer, lost)
    slope -= around * mean
    variance = near.of(answer, answer)
    variance -= np.square(around)
    variance /= least
    slope *= variance.clip(0, out=variance)
    slope /= least
    np.square(variance, out=variance)
    variance += 1
    slope /= variance
    slope.clip(0, 1, out=slope)
    slope *= np.subtract(answer[near.box], around, out=around)
    return slope


def _widths(shape: Sequence[int], spacing_mm: Sequence[float], wide: float) -> list[float]:
    """Standard deviations in voxels along each axis; none along a single slice."""
    return [
        wide * _scale(mm, spacing_mm) if n > 1 else 0.0
        for n, mm in zip(shape, spacing_mm, strict=True)
    ]


def _scale(mm: float, spacing_mm: Sequence[float]) -> float:
    """The smallest voxel edge in voxels of this edge."""
    return min(1.0, min(spacing_mm) / mm)


def _variance_of_mean(widths: Sequence[float], lag_1: Sequence[float]) -> float:
    """Of the local mean of noise of variance 1, whose correlation falls as a Gaussian does."""
    steps = np.arange(-20, 21)
    variance = 1.0
    for width, lag in zip(widths, lag_1, strict=True):
        alike = float((np.clip(lag, 0, 0.95) ** (steps**2)).sum())
        variance *= min(1.0, alike / max(2 * np.pi**0.5 * width, 1.0))
    return variance
