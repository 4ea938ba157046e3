"""The Enhancer: a Volume in, a better Volume out. It owns no mathematics, only the wiring."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
import torch
from torch import Tensor

from medddim.checkpoint import Checkpoint
from medddim.degradation.larger_voxels import Factor
from medddim.diffusion import Denoiser
from medddim.inference.pieces import Piece, pieces_of
from medddim.inference.plan import ScanPlan, plan_scan
from medddim.inference.posterior import mean_and_deviation
from medddim.inference.preview import one_slice
from medddim.inference.range import Judgement
from medddim.inference.receipt import Receipt
from medddim.inference.settings import Asked, Quality, Settings
from medddim.inference.tiling import TILE
from medddim.inference.together import Parts, estimates, finished, groups_of
from medddim.inference.trust import interval_of, judge, receipt_of, with_range
from medddim.networks import Network, Precision, choose_device, choose_precision
from medddim.recipe import Recipe
from medddim.taken import as_volume
from medddim.volume import Array, Derivation, Volume


def _unwatched(part: float) -> None:
    """The progress of an enhancer that nobody follows; a function, so that it can be pickled."""


class Enhancer:
    """A trained model and how to apply it: scale, cut into tiles, sample (DDIM), unscale.

    `tile`, the edge of a tile in voxels, bounds the memory and does not change the answer.
    `sampler` may be set to a function like `medddim.diffusion.ddim` that is in no table, to be
    compared with those that are: it takes the place of the one asked for, and draws no noise.
    `progress` is called with the work done since its last call: 1 is one evaluation of the network
    for every voxel of the answer. `parts` keeps finished volumes of a 4D scan, to go on with.
    """

    def __init__(
        self,
        recipe: Recipe,
        denoiser: Denoiser,
        *,
        device: torch.device,
        precision: Precision,
        sha256: str = "",
    ) -> None:
        """Wire a denoiser; `Enhancer.load` is the usual way. `sha256` is that of the weights."""
        self.recipe, self.denoiser, self.sha256 = recipe, denoiser, sha256
        self.device, self.precision = device, choose_precision(device, precision)
        self.tile = TILE[recipe.network.spatial_dims]
        self.sampler: Callable[..., Iterator[Tensor]] | None = None
        self.progress: Callable[[float], None] = _unwatched
        self.folder: Path | None = None
        self.parts: Parts | None = None

    @classmethod
    def load(
        cls, model: str | Path, *, device: str = "auto", precision: Precision = "auto"
    ) -> Enhancer:
        """A shipped model by name, or a checkpoint folder.

        `device` is "auto", "cpu", "cuda" or "mps". Raises CheckpointError, EnvironmentProblem.
        """
        checkpoint = Checkpoint.open(model)
        place = choose_device(device)
        denoiser, sha256 = checkpoint.denoiser(place), checkpoint.sha256
        made = cls(checkpoint.recipe, denoiser, device=place, precision=precision, sha256=sha256)
        made.folder = checkpoint.folder
        return made

    @property
    def name(self) -> str:
        """The model's name."""
        return self.recipe.name

    def __repr__(self) -> str:
        task = "denoises" if self.recipe.task == "denoise" else "super-resolves"
        place = f"{self.device}, {self.precision}"
        return f"Enhancer({self.name}: {task} {self.recipe.modality} · {place})"

    def __call__(  # noqa: PLR0913 - each setting by its own name, for those who look it up here
        self,
        volume: Volume | Any,
        *,
        steps: int = 1,
        fidelity: float = 0.0,
        seed: int = 0,
        noise: float | None = None,
        noise_share: float | None = None,
        factor: Factor | None = None,
        spacing_mm: float | tuple[float, ...] | None = None,
        sampler: str | None = None,
        quality: Quality = "auto",
    ) -> Volume:
        """The enhanced scan, in the unit of `volume`, which may be a path or another's image, too.

        A path is read; an image of nibabel, SimpleITK or MONAI is converted (`medddim.taken`). One
        step is a plain regression, the best in PSNR and the smoothest; more steps bring texture
        back and cost PSNR. `fidelity` blends the two: 1 is the 1-step answer, 0 that of all
        `steps`. A denoiser answers on the grid of `volume`; `noise` is the scan's noise level, the
        standard deviation in its own unit, or `noise_share` as a share of the scan's bright end,
        its 99.5th percentile (of 1000 HU for CT); estimated from the scan if neither is given. A
        super-resolution model needs a `factor` (or `spacing_mm`) and answers on that finer grid,
        same field of view; the means of the fine voxels are the voxels measured. `sampler` is a key
        of `medddim.diffusion.SAMPLERS`, by default that of the recipe. `quality` "fast" takes one
        view of the scan in place of the mean over several (mirrored, or in other planes: test-time
        augmentation). Same arguments, same answer, here and by `medddim enhance`.

        Raises RequestProblem for an array, for arguments out of range or not meant for this model,
        UnsupportedScan for a scan or a factor the model was not trained for. Warns of a scan that
        `judge` finds out of range, which the command refuses.
        """
        settings = Settings(
            steps=steps,
            fidelity=fidelity,
            seed=seed,
            noise=noise,
            noise_share=noise_share,
            factor=factor,
            spacing_mm=spacing_mm,
            sampler=sampler,
            quality=quality,
        )
        return self.answer(self.plan(volume, settings))

    def samples(
        self, volume: Volume | Any, *, count: int, **settings: Unpack[Asked]
    ) -> tuple[Volume, Volume]:
        """The mean of `count` answers and their standard deviation, in the unit of `volume`.

        The answers are those of `__call__`, whose arguments these are too (8 steps by default), to
        the seeds from `seed` on; the deviation is unbiased. It is the spread of what the model
        draws, not a calibrated error. Raises RequestProblem for a model that draws no noise, for
        one step and for less than two answers, and what `__call__` raises.
        """
        settings.setdefault("steps", 8)
        return self.sampled(self.plan(volume, Settings(**settings, samples=count)))

    def previews(self, volume: Volume | Any, **settings: Unpack[Asked]) -> Iterator[Volume]:
        """The estimate after every step; the last one is the answer of `__call__`.

        The arguments are those of `__call__`; they are checked, and the noise estimated, before
        the first.
        """
        plan = self.plan(volume, Settings(**settings))
        made = self._derivation(plan)
        return (replace(one, derivation=made) for one in self._estimates(plan))

    def preview(self, volume: Volume | Any, index: int, *, plan: ScanPlan | None = None) -> Volume:
        """One slice of the answer, for interactive use: `index` counts along the slice axis.

        Only the slices that the network sees it with are computed, from the first of its views.
        `plan` is what `plan(volume)` returned, to read the noise once for many slices. Raises
        RequestProblem for an index out of range and for super-resolution.
        """
        plan = self.plan(volume) if plan is None else plan
        part, within = one_slice(plan, index, network=cast(Network, self.denoiser.network))
        return self.answer(part).crop(*within)

    def plan(self, volume: Volume | Any, settings: Settings | None = None) -> ScanPlan:
        """What this model is asked for a scan; raises and warns of what `__call__` does."""
        return with_range(self.folder, plan_scan(self.recipe, as_volume(volume), settings))

    def answer(self, plan: ScanPlan) -> Volume:
        """Carry out a plan of this model: one answer."""
        return self.begun(plan)()

    def begun(self, plan: ScanPlan) -> Callable[[], Volume]:
        """What the network says to a plan; calling it finishes that as `answer` does, once.

        Nothing of the enhancer is needed any more: it may answer another plan meanwhile.
        """
        ends, made = self._network(plan, plan.settings.seed), self._derivation(plan)
        return lambda: replace(_blended(plan, ends), derivation=made)

    def sampled(self, plan: ScanPlan) -> tuple[Volume, Volume]:
        """Carry out a plan of this model: the mean of its samples and their standard deviation."""
        count, first = plan.settings.samples or 1, plan.settings.seed
        mean, deviation = mean_and_deviation(
            _blended(plan, self._network(plan, seed)) for seed in range(first, first + count)
        )
        made = self._derivation(plan)
        spread = f"Standard deviation of {count} samples. {made.summary}"
        return replace(mean, derivation=made), replace(
            deviation, derivation=replace(made, kind="uncertainty", summary=spread)
        )

    def receipt(self, volume: Volume | Any, **settings: Unpack[Asked]) -> Receipt:
        """How much contrast of small structures it keeps; RequestProblem for super-resolution."""
        return receipt_of(self, self.plan(volume, Settings(**settings)))

    def judge(self, volume: Volume | Any) -> Judgement | None:
        """Whether a scan is in range, near or out, before the network; None where not on file."""
        return judge(self.folder, plan_scan(self.recipe, as_volume(volume)))

    def interval(
        self, volume: Volume | Any, *, coverage: float = 90, **settings: Unpack[Asked]
    ) -> tuple[Volume, Volume]:
        """The lower and the upper end of an interval for every voxel, in the unit of `volume`.

        It covers `coverage` per cent: see `medddim.inference.intervals`. Raises RequestProblem
        where none is calibrated, UnsupportedScan out of range, and what `__call__` raises.
        """
        plan = plan_scan(self.recipe, as_volume(volume), Settings(**settings))
        return interval_of(self, plan, coverage=coverage)

    def _derivation(self, plan: ScanPlan) -> Derivation:
        return plan.derivation(sha256=self.sha256, precision=self.precision)

    def _network(self, plan: ScanPlan, seed: int) -> list[Array]:
        """The last estimate to one seed, before it the first where both are asked for."""
        pieces = pieces_of(plan, random=self.denoiser.path.random)
        several = len(pieces) > 1 or plan.settings.samples is not None
        parts = self.parts if several else None
        ends = [np.empty(plan.consistency.shape, "f4") for _ in range(1 + _blends(plan))]
        for piece in pieces:
            for voxels, part in zip(ends, self._kept(piece, seed, parts), strict=True):
                voxels[piece.place] = part
        return ends

    def _kept(self, piece: Piece, seed: int, parts: Parts | None) -> Array:
        """The `_ends` of one piece; from `parts` where an earlier run has put them there."""
        watched, key = self.progress, f"network-{seed}-{piece.key}"
        if parts is not None and (kept := parts.get(key)) is not None:
            evaluations = piece.plan.network_evaluations / (piece.plan.settings.samples or 1)
            size = math.prod(piece.plan.consistency.shape)
            watched(evaluations * piece.share * kept[0].size / size)
            return kept
        self.progress = lambda part: watched(part * piece.share)
        try:
            ends = np.stack([end[piece.inner] for end in self._ends(piece, seed)])
        finally:
            self.progress = watched
        if parts is not None:
            parts.put(key, ends)
        return ends

    def _ends(self, piece: Piece, seed: int) -> list[Array]:
        """The first and the last estimate of a piece, as far as they are asked for."""
        plan = piece.plan
        previews = estimates(self, plan, piece.group, seed, slices=piece.wanted)
        if plan.settings.fidelity == 1:
            return [next(previews)]
        first = [next(previews)] if _blends(plan) else []
        return [*first, deque(previews, maxlen=1).pop()]

    def _estimates(self, plan: ScanPlan) -> Iterator[Volume]:
        """The estimate of the whole scan after every step, in its own unit."""
        runs = [estimates(self, plan, group, plan.settings.seed) for group in groups_of(plan)]
        return (
            _whole(plan, finished(plan, np.concatenate(parts))) for parts in zip(*runs, strict=True)
        )


def _blends(plan: ScanPlan) -> bool:
    """Whether both the first and the last estimate count."""
    return 0 < plan.settings.fidelity < 1 and plan.settings.steps > 1


def _blended(plan: ScanPlan, ends: list[Array]) -> Volume:
    """The answer: the last estimate, blended with the first as far as asked; written over them."""
    answer = finished(plan, ends[0])
    if _blends(plan):
        fidelity = plan.settings.fidelity
        answer = fidelity * answer + (1 - fidelity) * finished(plan, ends[1])
    return _whole(plan, answer)


def _whole(plan: ScanPlan, voxels: Array) -> Volume:
    """The voxels of all volumes as one scan, with the modality and unit of the input."""
    voxels.setflags(write=False)  # so that the Volume takes them as they are
    answer = plan.consistency.before.with_voxels(voxels)
    return replace(answer, modality=plan.volume.modality, unit=plan.volume.unit)
