"""Paired insertion: the same scan with and without small structures, and what an answer keeps.

The noise is the same in both, so that the difference of the two answers is what the method makes of
the inserts alone. Kept is that difference over the contrast put in, within the inserts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter, uniform_filter

from medddim.degradation.inserts import Insert
from medddim.volume import Array, Volume

Answer = Callable[[Volume], Volume]
"""What a method makes of a scan, on the same grid."""

SIZES_MM = (2.0, 4.0, 6.0, 10.0)
CONTRASTS = (1.0, 2.0, 4.0)
"""Of the inserts of a receipt: diameters, and contrasts as multiples of the noise."""

GAP = 10
"""Voxels between the edges of two inserts: what they change of each other's share is below 0.01."""
CORE = 0.75
"""The core of an insert has this share of its contrast and more."""
EVEN_SHARE = 0.15
"""Of the places that are free, the most even share is drawn from."""
TISSUE = 0.2
"""An insert lies where the scan is brighter than this share of its bright end."""
TISSUE_HU = -300.0


@dataclass(frozen=True)
class Planted:
    """One insert: its diameter, its contrast as a multiple of the noise, and in the scan's unit.

    `contrast` is below 0 for a dark one.
    """

    insert: Insert
    diameter_mm: float
    times_noise: float
    contrast: float


@dataclass(frozen=True)
class Kept:
    """What an answer keeps of one insert.

    `times_noise` is its contrast as a multiple of the noise, `snr` that of a matched filter in
    white noise, `share` the contrast kept: 1 is all of it.
    """

    diameter_mm: float
    times_noise: float
    snr: float
    share: float


def plant(
    volume: Volume,
    wanted: Sequence[tuple[float, float]],
    *,
    noise: float,
    floor: float,
    generator: np.random.Generator,
    margin: Sequence[int] = (0, 0, 0),
) -> list[Planted]:
    """Inserts at the most even places of the first channel, as many of those wanted as fit.

    `wanted` are diameters in mm and contrasts as multiples of `noise`, drawn in this order; bright
    and dark by turns of the generator, bright alone where the signal is too low to be made darker.
    Places lie where the local mean is above `floor`, at least `margin` voxels within the image.
    """
    image, spacing_mm = volume.voxels[0], volume.spacing_mm
    taken = np.zeros(image.shape, dtype=bool)
    sizes = {size for size, _ in wanted}
    evenness = {size: _evenness(image, radii_of(size, spacing_mm)) for size in sizes}
    planted = []
    for size, times in wanted:
        radii = radii_of(size, spacing_mm)
        deviation, mean = evenness[size]
        free = _inside(image.shape, [r + m for r, m in zip(radii, margin, strict=True)])
        free &= mean > floor
        free &= ~_near(taken, [r + GAP for r in radii])
        if not free.any():
            continue
        enough = np.quantile(deviation[free], EVEN_SHARE)
        chosen = generator.choice(np.flatnonzero(free & (deviation <= enough)))
        place = np.unravel_index(int(chosen), image.shape)
        contrast = times * noise
        if generator.random() < 0.5 and mean[place] - contrast > floor:
            contrast = -contrast
        one = Insert(tuple(map(float, place)), tuple(radii))
        box, profile = one.profile(image.shape)
        taken[box] |= profile > 0
        planted.append(Planted(one, size, times, contrast))
    return planted


def with_inserts(image: Array, planted: Sequence[Planted]) -> Array:
    """The image with its inserts."""
    there = image.copy()
    for one in planted:
        box, profile = one.insert.profile(image.shape)
        there[box] += np.float32(one.contrast) * profile
    return there


def kept(difference: Array, planted: Sequence[Planted]) -> Iterator[Kept]:
    """What is left of each insert in the `difference` of the answers with and without them."""
    for one in planted:
        box, profile = one.insert.profile(difference.shape)
        core = profile >= CORE * profile.max()
        yield Kept(
            one.diameter_mm,
            one.times_noise,
            float(one.times_noise * np.sqrt(np.sum(np.square(profile)))),
            float(difference[box][core].mean() / (one.contrast * profile[core].mean())),
        )


def floor_of(volume: Volume, bright_end: float) -> float:
    """Above this the local mean of a scan is tissue, in its unit."""
    return TISSUE_HU if volume.in_hu else TISSUE * bright_end


def radii_of(size_mm: float, spacing_mm: Sequence[float]) -> list[float]:
    """Radii in voxels; what is thinner than a voxel is as thick as one."""
    return [max(size_mm / 2 / spacing, 0.5) for spacing in spacing_mm]


def _evenness(image: Array, radii: Sequence[float]) -> tuple[Array, Array]:
    """The standard deviation and the mean of the image where an insert would lie, and around it."""
    size = [min(int(2 * radius + 3), n) for radius, n in zip(radii, image.shape, strict=True)]
    size = [1 if n == 1 else edge for edge, n in zip(size, image.shape, strict=True)]
    mean: Array = uniform_filter(image, size)
    offset = np.float32(image.mean())  # keeps the digits of float32
    square = uniform_filter(np.square(image - offset), size)
    deviation: Array = np.sqrt(np.maximum(square - np.square(mean - offset), 0))
    return deviation, mean


def _inside(shape: Sequence[int], margin: Sequence[float]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(shape, dtype=bool)
    box = []
    for n, away in zip(shape, margin, strict=True):
        first = min(int(np.ceil(away - 0.5)), (n - 1) // 2)
        box.append(slice(first, n - first))
    inside[tuple(box)] = True
    return inside


def _near(taken: npt.NDArray[np.bool_], reach: Sequence[float]) -> npt.NDArray[np.bool_]:
    """Which voxels have a taken one within a box of this reach around them."""
    if not taken.any():
        return taken
    size = [2 * int(np.ceil(r)) + 1 for r in reach]
    near: npt.NDArray[np.bool_] = maximum_filter(taken.astype(np.uint8), size).astype(bool)
    return near
