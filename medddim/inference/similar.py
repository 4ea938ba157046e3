"""Means over voxels nearby that are alike: noise that a network left in even tissue goes.

Non-local means (Buades, Coll & Morel 2005, CVPR 2:60) whose weights come from an estimate with
little noise, and from values and local means of it in place of whole patches, so that they do not
depend on how structure is turned (Manjon et al. 2012, Med Image Anal 16:18, section 2.3). What is
not alike in the estimate is not averaged: an edge stays where it is. What the network blurred there
it blurred alike all along the edge: the mean of what was taken from the scan at voxels that are
alike tells how much, and goes back where it stands out of its noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from medddim.inference.blocks import SIDE, alike_reach, block_sizes, kind_of
from medddim.noise.cosines import cosine_power
from medddim.noise.filters import AxisFilter, Round
from medddim.noise.rice import mean_of_signal
from medddim.volume import Array

ALIKE = {"thin": 0.8, "thick": 0.55}
"""Times the noise, by which values of voxels differ that are alike: in three axes, and in two."""
USUAL, LESS, MORE = 0.05, 0.8, 2.5
"""Noise for which `ALIKE` is, as a share of what the network sees as 1. Where there is less, more
counts as alike, by the root of its share: anatomy stands out of it further. How much less and more,
at most. See docs/decisions/0261."""
MEANS = 6.0
"""How much more than values local means count, in squares. See docs/decisions/0253."""
BACK = {"thin": 4.0, "thick": 2.0}
"""Times the variance of a mean of what was taken, is its square where half of it goes back."""
UNLIKE = 50.0
"""What is smaller than the exponential of its negative counts as that: such numbers are slow."""
LEAST = np.float32(1e-12)
"""Of the noise, to divide by."""
TOGETHER = 2**15
"""Voxels that are computed together: they stay in the cache."""


def means_of_similar(  # noqa: PLR0913 - two images, and what is known of their grid and noise
    answer: Array,
    measured: Array,
    noise: Array | float,
    spacing_mm: Sequence[float],
    *,
    bright: float,
    filters: Sequence[AxisFilter] = (AxisFilter(), AxisFilter(), AxisFilter()),
    around: Round | None = None,
) -> Array:
    """The mean of each voxel and those nearby that are alike; what the answer lost is put back.

    Images `(x, y, z)` of a magnitude in one unit, `noise` its standard deviation (at each voxel),
    `bright` what the network sees as 1; `filters` and `around` what k-space went through: means of
    correlated noise hold more of it. A voxel depends on those within `blocks.similar_reach`.
    """
    level = np.maximum(np.float32(noise), LEAST)
    guide = np.divide(answer, level, dtype=np.float32)
    taken = np.divide(measured, level, dtype=np.float32)
    taken -= mean_of_signal(guide.clip(0)).astype(np.float32)
    sizes = block_sizes(answer.shape, spacing_mm)
    power = float(cosine_power(filters, sizes, around)[0, 0, 0])
    similar = Similar(torch.from_numpy(guide), sizes, torch.as_tensor(level / np.float32(bright)))
    del guide
    restored: Array = similar.restored(torch.from_numpy(taken), power).numpy()
    restored *= level
    return restored


class Similar:
    """Which voxels of an image of three axes are alike, `guide` being in units of the noise.

    `sizes` are those of the blocks in which the image is filtered (`medddim.inference.blocks`),
    `share` is the noise (at each voxel) as a share of what the network sees as 1.
    """

    def __init__(self, guide: Tensor, sizes: Sequence[int], share: Tensor) -> None:
        self.guide, self._reach = guide, alike_reach(sizes)
        self._kind = kind_of(sizes)
        wider = (USUAL / share).sqrt_().clamp_(LESS, MORE)
        value = guide / wider.mul_(ALIKE[self._kind] * 2**0.5)
        mean = _local_mean(value, self._reach).mul_(MEANS**0.5)
        # What lies beyond an edge is like nothing.
        self._value, self._mean = (self._padded(one, torch.inf) for one in (value, mean))
        self._steps = _steps(guide.shape, self._reach)

    def restored(self, taken: Tensor, power: float) -> Tensor:
        """The means of the guide, and of what was `taken` from the scan what stands out.

        `power` is that of the noise in local means, 1 if it is white.
        """
        return self._each((self.guide, taken), lambda sums: self._restored(sums, power)[:1])[0]

    def learnt(self, taken: Tensor, power: float) -> list[Tensor]:
        """The same; the sums of the weights, and how much of each mean of `taken` went back."""
        return self._each((self.guide, taken), lambda sums: self._restored(sums, power))

    def sums(self, image: Tensor) -> Tensor:
        """Those of an image, weighted. The weight of two voxels is the same for both."""
        return self._each((image,), lambda sums: sums[:1])[0]

    def _restored(self, sums: list[Tensor], power: float) -> list[Tensor]:
        means, back, weights, squares = sums
        means, back = means.div_(weights), back.div_(weights)
        square = back.square()
        least = squares.div_(weights.square()).mul_(BACK[self._kind] * power)
        share = square.square_().div_(square + least.square_())
        return [means.addcmul_(share, back), weights, share]

    def _each(
        self, images: Sequence[Tensor], finished: Callable[[list[Tensor]], list[Tensor]]
    ) -> list[Tensor]:
        """What is made of the sums, a part of the image after the other."""
        values = [self._padded(image, 0) for image in images]
        margin, whole = max(self._steps, default=0), len(values[0])
        found: list[Tensor] = []
        for start in range(margin, whole - margin, TOGETHER):
            here = slice(start, min(start + TOGETHER, whole - margin))
            parts = finished(self._sums(values, here))
            found = found or [torch.empty_like(values[0]) for _ in parts]
            for image, part in zip(found, parts, strict=True):
                image[here] = part
        return [self._within(image) for image in found]

    def _sums(self, values: Sequence[Tensor], here: slice) -> list[Tensor]:
        value, mean = self._value[here], self._mean[here]
        alike, apart = torch.empty_like(value), torch.empty_like(value)
        sums = [image[here].clone() for image in values]
        weights, squares = torch.ones_like(value), torch.ones_like(value)
        for step in self._steps:
            there = slice(here.start + step, here.stop + step)
            torch.sub(value, self._value[there], out=alike)
            torch.sub(mean, self._mean[there], out=apart)
            alike.square_().addcmul_(apart, apart).clamp_(max=UNLIKE).neg_().exp_()
            weights += alike
            squares.addcmul_(alike, alike)
            for total, image in zip(sums, values, strict=True):
                total.addcmul_(alike, image[there])
        return [*sums, weights, squares]

    def _padded(self, image: Tensor, beyond: float) -> Tensor:
        """An image with a margin, in one line: a step to a neighbour is the same everywhere."""
        margins = [reach for reach in reversed(self._reach) for _ in range(2)]
        return torch.nn.functional.pad(image, margins, value=beyond).flatten()

    def _within(self, line: Tensor) -> Tensor:
        sides = list(zip(self.guide.shape, self._reach, strict=True))
        image = line.reshape([n + 2 * reach for n, reach in sides])
        for axis, (n, reach) in enumerate(sides):
            image = image.narrow(axis, reach, n)
        return image.contiguous()


def _steps(shape: Sequence[int], reach: Sequence[int]) -> list[int]:
    """From a voxel to those in a ball around it, in one line of a padded image."""
    _, rows, columns = (n + 2 * far for n, far in zip(shape, reach, strict=True))
    offsets = product(*(range(-far, far + 1) for far in reach))
    furthest = 1.5 * max(reach) ** 2
    near = [one for one in offsets if 0 < sum(n * n for n in one) <= furthest]
    return [(x * rows + y) * columns + z for x, y, z in near]


def _local_mean(image: Tensor, reach: Sequence[int]) -> Tensor:
    """Over three voxels along each axis that reaches; at its ends, their own counts twice."""
    for axis, n in enumerate(image.shape):
        if not reach[axis]:
            continue
        at = torch.arange(n, device=image.device)
        before, behind = (at - SIDE).clamp_(min=0), (at + SIDE).clamp_(max=n - 1)
        image = (image + image.index_select(axis, before)).add_(image.index_select(axis, behind))
        image /= 2 * SIDE + 1
    return image
