"""The lesion receipt: how much of the contrast of small structures an answer keeps, in this scan.

Inserts of known size and contrast are put into the scan itself, which is answered once more with
them; by a small network once for those that lie apart, each at a place drawn by itself, and again
for the others. Of a large scan, blocks are, with and without them (`medddim.inference.insertion`).
Scaling, noise level and views are those of the scan, so that a block is answered as the scan was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import RequestProblem
from medddim.inference.consistency import SameGrid
from medddim.inference.insertion import (
    CONTRASTS,
    SIZES_MM,
    Kept,
    Planted,
    apart,
    even_places,
    floor_of,
    kept,
    plant,
    with_inserts,
)
from medddim.inference.plan import ScanPlan
from medddim.inference.shares import Found, Line, removed
from medddim.volume import Volume

Box = tuple[slice, slice, slice]
Answer = Callable[[ScanPlan], Volume]

COUNTS = dict(zip(SIZES_MM, (96, 48, 24, 12), strict=True))
"""Inserts of each size, for each contrast, where the scan has room for them.

What is kept of the small ones varies most from place to place (decision 220).
"""
TURNS, FEW = 2, 0.5
"""Answers with inserts of a whole scan, at most, by a network that reads the noise, as only small
ones do: those that lie too near to others in one go into the next, if they are more than this share
of all. See docs/decisions/0262."""
BLOCKS = 6
"""A scan so large that this is less work is looked at in so many blocks, not as a whole."""
EDGE = 80
"""Voxels along each side of a block, its margin not counted."""
MARGIN = 16
"""Voxels around them that the network sees and no insert lies in."""
SLAB = 7
"""Where a network sees no further than this along an axis, blocks are slabs across it."""
NEAR = 4
"""Voxels between two inserts: what each changes of the other's share goes from a mean of many."""
SHOWN_MM = 4.0
"""The sentence is about inserts of this size."""


@dataclass(frozen=True)
class Receipt:
    """How much of the contrast of inserts an answer keeps, by size and contrast.

    `noise` is the level that contrasts are multiples of, in the scan's unit. A size and contrast
    of which too little is known has no line; empty `lines` mean that the scan has too little even
    tissue to put inserts into.
    """

    noise: float
    lines: tuple[Line, ...]

    @property
    def words(self) -> str:
        """One sentence for people; behind each share, the standard error of its mean."""
        groups: dict[float, list[Line]] = defaultdict(list)
        for line in self.lines:
            groups[line.diameter_mm].append(line)
        if not groups:
            return "too little even tissue was found to measure what small lesions keep"
        size = min(groups, key=lambda one: (-len(groups[one]), abs(one - SHOWN_MM)))
        first, *others = groups[size]
        one = f"{size:g} mm lesion (contrast {first.times_noise:g}x noise) keeps {first.words}"
        if not others:
            return f"a {one} of its contrast here"
        plain = others[-1]
        return (
            f"a faint {one} of its contrast here, a plain one ({plain.times_noise:g}x) "
            f"{plain.words}"
        )

    @property
    def facts(self) -> dict[str, Any]:
        """For the record: the sentence, and mean, error, spread, count by size and contrast."""
        table: dict[str, dict[str, Any]] = defaultdict(dict)
        for line in self.lines:
            table[f"{line.diameter_mm:g} mm"][f"{line.times_noise:g}x noise"] = line.facts
        return {"receipt": self.words, "contrast_kept": dict(table)}


def measure(
    answer: Answer, plan: ScanPlan, *, reach: Sequence[int], whole: Volume | None = None
) -> Receipt:
    """The receipt of the answer to a plan.

    `answer` carries a plan out, `reach` is how many voxels along each axis the network sees around
    one, and `whole` its answer to the whole scan, needed but where blocks are cut from a large one:
    it is asked for if not given. The first channel is what is looked at. Raises
    RequestProblem for super-resolution, whose answers keep every mean that was measured.
    """
    if not isinstance(plan.consistency, SameGrid):
        raise RequestProblem(
            "a receipt is for denoising: super-resolution keeps what was measured by construction"
        )
    noise, found = plan.facts["noise_level"] * plan.scaling.scale, Found({}, {})
    wanted = wanted_of(plan.scan) if noise > 0 else []
    generator = np.random.default_rng(plan.settings.seed)
    margin, gap = ([min(far, most) for far in reach] for most in (MARGIN, NEAR))
    floor = floor_of(plan.scan, plan.scaling.scale)
    boxes = list(_boxes(plan, margin, generator))
    for left, box in zip(range(len(boxes), 0, -1), boxes, strict=True):
        part, some = _part_of(plan, box), list(_spread(wanted, left))
        all_of_it = box == _everything(plan.scan)
        again = all_of_it and plan.consistency.level_map is not None
        places = even_places(
            part.scan,
            [size for size, _ in some],
            floor=floor,
            generator=generator,
            margin=_margin_in(box, plan.scan.shape, margin),
        )
        among: Any = {"floor": floor, "generator": generator, "gap": None if again else gap}
        drawn = plant(part.scan, some, places, noise=noise, **among)
        without = whole if whole and all_of_it else answer(part) if drawn else part.scan
        for planted in _rounds(drawn, gap, most=TURNS if again else 1):
            shares = _kept(answer, part, planted, without)
            found.add(shares, planted, places, removed(part.scan, without))
            for one in planted:
                wanted.remove((one.diameter_mm, one.times_noise))
    return Receipt(noise, tuple(found.lines()))


def _rounds(drawn: list[Planted], gap: Sequence[int], *, most: int) -> Iterator[list[Planted]]:
    """Those that lie apart; then of the others those that do, if they are more than FEW."""
    few = FEW * len(drawn)
    while drawn and most:
        planted, drawn = apart(drawn, gap)
        yield planted
        most = most - 1 if len(drawn) > few else 0


def _margin_in(box: Box, shape: Sequence[int], margin: Sequence[int]) -> list[int]:
    """A block that is as long as the scan ends as the scan does."""
    sides = zip(box, shape, margin, strict=True)
    return [0 if side.stop - side.start == n else away for side, n, away in sides]


def _kept(
    answer: Answer, part: ScanPlan, planted: Sequence[Planted], without: Volume
) -> Iterator[Kept]:
    voxels = with_inserts(part.scan.voxels[0], planted)[None]
    there = answer(part.of(part.scan.with_voxels(voxels)))
    return kept(there.voxels[0] - without.voxels[0], planted)


def wanted_of(scan: Volume) -> list[tuple[float, float]]:
    """Diameters in mm and contrasts of all inserts, in an order whose beginning is a fair share.

    Where there is no room for all, each size has the same part of its `COUNTS`.
    """
    pixel = sorted(scan.spacing_mm)[1]
    sizes = [size for size in SIZES_MM[::-1] if size >= pixel] or [SIZES_MM[-1]]
    turns = [((turn + 0.5) / COUNTS[size], size) for size in sizes for turn in range(COUNTS[size])]
    return [(size, times) for _, size in sorted(turns) for times in CONTRASTS]


def _spread(wanted: Sequence[tuple[float, float]], blocks: int) -> Iterator[tuple[float, float]]:
    """What the first of so many blocks gets: the same share of each size and contrast."""
    turns = Counter[tuple[float, float]]()
    for one in wanted:
        if turns[one] % blocks == 0:
            yield one
        turns[one] += 1


def _boxes(plan: ScanPlan, margin: Sequence[int], generator: np.random.Generator) -> Iterator[Box]:
    """All of the scan; of a large one, blocks around tissue, spread evenly along its slices."""
    scan, edges = plan.scan, list[int]()
    slabs = min(margin) <= SLAB
    for n, spacing, far in zip(scan.shape, scan.spacing_mm, margin, strict=True):
        largest = int(np.ceil(SIZES_MM[-1] / spacing)) + 2
        edge = largest if far <= SLAB else n if slabs else max(EDGE, largest)
        edges.append(min(n, edge + 2 * far))
    if BLOCKS * 2 * int(np.prod(edges)) >= scan.voxels[0].size:
        yield _everything(scan)
        return
    tissue = _tissue(scan, floor_of(scan, plan.scaling.scale))
    along = np.argsort(tissue[:, scan.slice_axis], kind="stable")
    for layer in np.array_split(tissue[along], BLOCKS):
        if len(layer):
            yield _around(layer[generator.integers(len(layer))], edges, scan.shape)


def _tissue(scan: Volume, floor: float) -> npt.NDArray[np.intp]:
    """Places of tissue, `(place, axis)`, a few along each axis."""
    steps = [max(1, n // 32) for n in scan.shape]
    x, y, z = (slice(step // 2, None, step) for step in steps)
    there: npt.NDArray[np.intp] = np.argwhere(scan.voxels[0, x, y, z] > floor) * steps
    return there


def _everything(scan: Volume) -> Box:
    x, y, z = (slice(0, n) for n in scan.shape)
    return x, y, z


def _around(place: Sequence[int], edges: Sequence[int], shape: Sequence[int]) -> Box:
    """A box of these edges around a place, moved to lie within the scan."""
    first = [
        min(max(int(centre) - edge // 2, 0), n - edge)
        for centre, edge, n in zip(place, edges, shape, strict=True)
    ]
    x, y, z = (slice(begin, begin + edge) for begin, edge in zip(first, edges, strict=True))
    return x, y, z


def _part_of(plan: ScanPlan, box: Box) -> ScanPlan:
    """The same plan for a part of the first channel."""
    part = plan.part(*box)
    return part.of(replace(part.scan, voxels=part.scan.voxels[:1]))


def reach_of(plan: ScanPlan, *, halo: int) -> list[int]:
    """How many voxels along each axis of the scan a network with this halo sees around one."""
    network = plan.recipe.network
    across, places = network.slices // 2, range(3 - network.spatial_dims)
    seen = [
        max(across if view.order.index(axis) in places else halo for view in plan.views)
        for axis in range(3)
    ]
    if not isinstance(plan.consistency, SameGrid):
        return seen
    further = plan.consistency.reach
    return [sum(both) for both in zip(seen, further, strict=True)]
