"""Paired insertion: the same scan with and without small structures, and what an answer keeps.

The noise is the same in both, so that the difference of the two answers is what the method makes of
the inserts alone. Kept is that difference over the contrast put in, within the inserts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from medddim.degradation.inserts import Insert
from medddim.volume import Array, Volume

Answer = Callable[[Volume], Volume]
"""What a method makes of a scan, on the same grid."""

Places = Mapping[float, npt.NDArray[np.int32]]
"""By diameter in mm."""

SIZES_MM = (2.0, 4.0, 6.0, 10.0)
CONTRASTS = (1.0, 2.0, 4.0)
"""Of the inserts of a receipt: diameters, and contrasts as multiples of the noise."""

GAP = 8
"""Voxels between the edges of two inserts: what they change of each other's share is below 0.01."""
EVEN_SHARE = 0.3
"""Of the places that are free, the most even share is drawn from; see decision 220."""
ENOUGH = 5_000
"""Places that are looked at, of inserts of one size."""
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


def even_places(
    volume: Volume,
    sizes: Iterable[float],
    *,
    floor: float,
    generator: np.random.Generator,
    margin: Sequence[int] = (0, 0, 0),
    even: float = EVEN_SHARE,
) -> Places:
    """Where inserts of these diameters in mm may lie, `(axis, place)`: enough to draw from.

    The most `even` share of places in the first channel whose local mean is above `floor`, at least
    `margin` voxels within the image.
    """
    image, found = volume.voxels[0], dict[float, npt.NDArray[np.int32]]()
    for size in dict.fromkeys(sizes):
        radii = np.array(radii_of(size, volume.spacing_mm))
        deviation, mean = _evenness(image, radii)
        free = _inside(image.shape, [r + m for r, m in zip(radii, margin, strict=True)])
        free &= mean > floor
        if free.any():
            free &= deviation <= np.quantile(deviation[free], even)
        there = np.flatnonzero(free)
        if len(there) > ENOUGH:
            there = generator.choice(there, ENOUGH, replace=False)
        found[size] = np.stack(np.unravel_index(there, image.shape)).astype(np.int32)
    return found


def plant(  # noqa: PLR0913 - what, and where it may lie
    volume: Volume,
    wanted: Sequence[tuple[float, float]],
    places: Places,
    *,
    noise: float,
    floor: float,
    generator: np.random.Generator,
    gap: Sequence[int] | None = (GAP, GAP, GAP),
) -> list[Planted]:
    """Inserts at some of these places in the first channel, as many as wanted and fit.

    `wanted` are diameters in mm and contrasts as multiples of `noise`, placed in this order; bright
    and dark as the generator says, bright alone where the signal is not as far above `floor`. They
    lie `gap` voxels along one axis at least from each other, or each anywhere, if None.
    """
    image, planted, left = volume.voxels[0], list[Planted](), dict(places)
    radii = {size: np.array(radii_of(size, volume.spacing_mm)) for size in places}
    for size, times in wanted:
        if not left[size].size:
            continue
        place = left[size][:, generator.integers(left[size].shape[1])]
        contrast = times * noise
        if generator.random() < 0.5 and _mean(image, place, radii[size]) - contrast > floor:
            contrast = -contrast
        one = Insert(tuple(map(float, place)), tuple(radii[size]))
        planted.append(Planted(one, size, times, contrast))
        for other, free in left.items() if gap is not None else ():
            near = np.floor(radii[size] + radii[other] + gap).astype(free.dtype)
            apart = np.abs(free - place[:, None]) > near[:, None]
            left[other] = free[:, apart.any(axis=0)]
    return planted


def apart(planted: Sequence[Planted], gap: Sequence[int]) -> tuple[list[Planted], list[Planted]]:
    """As many as lie `gap` voxels along one axis at least from each other, in order; the others."""
    centres, radii = (
        np.array([getattr(one.insert, name) for one in planted]).reshape(-1, 3)
        for name in ("centre", "radii")
    )
    some: list[int] = []
    for number, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        near = np.abs(centres[some] - centre) <= radii[some] + radius + gap
        if not near.all(axis=1).any():
            some.append(number)
    others = sorted({*range(len(planted))} - {*some})
    return [planted[number] for number in some], [planted[number] for number in others]


def with_inserts(image: Array, planted: Sequence[Planted]) -> Array:
    """The image with its inserts."""
    there = image.copy()
    for one in planted:
        box, profile = one.insert.profile(image.shape)
        there[box] += np.float32(one.contrast) * profile
    return there


def kept(difference: Array, planted: Sequence[Planted]) -> Iterator[Kept]:
    """What is left of each insert in the `difference` of the answers with and without them.

    The share is the least-squares contrast of its profile, as a matched filter sees it, over the
    contrast put in; of a few voxels it varies half as much as the mean of their core.
    """
    for one in planted:
        box, profile = one.insert.profile(difference.shape)
        power = float(np.sum(np.square(profile)))
        yield Kept(
            one.diameter_mm,
            one.times_noise,
            float(one.times_noise * np.sqrt(power)),
            float(np.sum(profile * difference[box]) / (one.contrast * power)),
        )


def floor_of(volume: Volume, bright_end: float) -> float:
    """Above this the local mean of a scan is tissue, in its unit."""
    return TISSUE_HU if volume.in_hu else TISSUE * bright_end


def radii_of(size_mm: float, spacing_mm: Sequence[float]) -> list[float]:
    """Radii in voxels; what is thinner than a voxel is as thick as one."""
    return [max(size_mm / 2 / spacing, 0.5) for spacing in spacing_mm]


def _evenness(image: Array, radii: Sequence[float] | Array) -> tuple[Array, Array]:
    """The standard deviation and the mean of the image where an insert would lie, and around it."""
    size = _window(image.shape, radii)
    mean: Array = uniform_filter(image, size)
    offset = np.float32(image.mean())  # keeps the digits of float32
    square = uniform_filter(np.square(image - offset), size)
    deviation: Array = np.sqrt(np.maximum(square - np.square(mean - offset), 0))
    return deviation, mean


def _mean(image: Array, place: npt.NDArray[np.int32], radii: Array) -> float:
    """The mean of the image where an insert would lie, and around it."""
    first = [max(c - n // 2, 0) for c, n in zip(place, _window(image.shape, radii), strict=True)]
    x, y, z = (slice(one, 2 * c - one + 1) for one, c in zip(first, place, strict=True))
    return float(image[x, y, z].mean())


def _window(shape: Sequence[int], radii: Sequence[float] | Array) -> list[int]:
    size = [min(int(2 * radius + 3), n) for radius, n in zip(radii, shape, strict=True)]
    return [1 if n == 1 else edge for edge, n in zip(size, shape, strict=True)]


def _inside(shape: Sequence[int], margin: Sequence[float]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(shape, dtype=bool)
    box = []
    for n, away in zip(shape, margin, strict=True):
        first = min(int(np.ceil(away - 0.5)), (n - 1) // 2)
        box.append(slice(first, n - first))
    inside[tuple(box)] = True
    return inside
