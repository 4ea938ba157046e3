"""What did it invent? Structure that an answer shows and the scan it was made from does not hold.

An answer without invention takes away: in no band of sizes does it show more than the scan did
there. Where it shows more, by far more than the change differs elsewhere, something was added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from medddim.noise.level import spread
from medddim.volume import Array, Mask

SCALES = (0.8, 1.6, 3.2)
"""Voxels within a slice; structures of about 2 to 12 voxels across stand out at one of them."""
BEYOND_CHANCE = 6.0
"""Deviations; planted discs of three times the noise reach more, removed noise does not."""


@dataclass(frozen=True)
class Invention:
    """How much of the object shows structure that the scan does not hold.

    `share` is that of its voxels beyond `BEYOND_CHANCE`, `most` the furthest, in deviations.
    """

    share: float
    most: float

    @property
    def words(self) -> str:
        """One sentence for people."""
        if not self.share:
            return "nothing stands out in the result that the scan does not hold"
        return (
            f"in {self.share:.2%} of the object the result shows structure that the scan does not "
            f"hold (up to {self.most:.0f} standard deviations): look at the map"
        )


def invented(answer: Array, scan: Array, *, slice_axis: int, inside: Mask | None = None) -> Array:
    """How far the answer shows more than the scan, `(x, y, z)`, in standard deviations.

    Both are images `(x, y, z)` on one grid and in one unit (of super-resolution the scan brought to
    the finer grid). In bands of sizes (differences of Gaussians within each slice), what the answer
    has beyond the scan, in the direction in which it has it, over the deviation of their difference
    in the object (from its median absolute value, so that noise of any colour and rare inventions
    do not matter); the most of all bands. 0 where nothing was added, or something taken away.
    """
    most: Array = np.zeros(answer.shape, dtype=np.float32)
    for scale in SCALES:
        shown, held = (_band(image, scale, slice_axis) for image in (answer, scan))
        added = np.sign(shown) * (shown - held)
        size = np.abs(shown - held)[... if inside is None else inside]
        deviation = spread(size)
        if deviation > 0:
            np.maximum(most, added / np.float32(deviation), out=most)
    return most


def summarised(deviations: Array, inside: Mask) -> Invention:
    """What the map of `invented` says within the object."""
    values = deviations[inside]
    if not values.size:
        return Invention(0.0, 0.0)
    return Invention(float((values > BEYOND_CHANCE).mean()), float(values.max()))


def _band(image: Array, scale: float, slice_axis: int) -> Array:
    narrow, wide = [scale] * 3, [2 * scale] * 3
    narrow[slice_axis] = wide[slice_axis] = 0.0
    band: Array = gaussian_filter(image, narrow) - gaussian_filter(image, wide)
    return band
