"""Denoising and super-resolution as jobs: the plan of each scan, carried out by one Enhancer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from medddim import memory
from medddim.batch.extras import Extras
from medddim.batch.forecast import Forecast, forecast
from medddim.batch.jobs import Answer, Job, Progress, Rest, Work
from medddim.errors import CheckpointError, ScoreError, UnsupportedScan
from medddim.formats.contract import Quantity
from medddim.inference.cost import Measured, measure
from medddim.inference.plan import ScanPlan, plan_scan, requested, summary
from medddim.inference.settings import Settings
from medddim.inference.trust import interval_of, judge, receipt_of
from medddim.metrics import body, foreground
from medddim.metrics.invention import invented, summarised
from medddim.volume import Mask, Volume

if TYPE_CHECKING:
    from torch.nn import Module

    from medddim.checkpoint import Checkpoint
    from medddim.inference.enhancer import Enhancer
    from medddim.networks import Precision


Done = TypeVar("Done")

SMALL = 2**22
"""Voxels of an answer that is finished while the network computes the next one, at most."""
SMALLER = 3
"""How often the tiles are halved where memory runs out, before a scan is refused."""


def enhance_job(
    model: Checkpoint,
    settings: Settings | None = None,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | None = None,
    **extras: Any,
) -> Job:
    """Denoise or super-resolve with a trained model, in at most `memory` bytes.

    `extras` are the fields of `Extras`; with `settings.samples` there is a map of their standard
    deviation. The network is loaded when the job starts, not before. Raises RequestProblem for
    settings that make no sense for the model.
    """
    from medddim.networks import choose_device, choose_precision

    recipe, settings, beside = model.recipe, settings or Settings(), Extras(**extras)
    settings.require_fitting(recipe)
    beside.require_fitting(model.folder, recipe, settings)
    place = choose_device(device)
    precision = choose_precision(place, precision)
    maps: dict[Quantity, bool] = {"uncertainty": settings.samples is not None, **beside.maps}
    return Job(
        kind=recipe.task,
        summary=summary(recipe, settings),
        parameters=requested(recipe, settings, sha256=model.sha256, precision=precision)
        | beside.parameters,
        start=partial(
            _start, model, device=str(place), precision=precision, beside=beside, memory=memory
        ),
        plan=partial(_plan, model, settings, beside),
        maps=tuple(quantity for quantity, wanted in maps.items() if wanted),
        device=str(place),
    )


def _plan(model: Checkpoint, settings: Settings, beside: Extras, volume: Volume) -> ScanPlan:
    """The plan of a scan that is in range, or near; what is out of range only if forced."""
    plan = plan_scan(model.recipe, volume, settings)
    judgement = judge(model.folder, plan)
    if judgement is None:
        return plan
    return replace(plan, facts=plan.facts | judgement.facts(plan.facts, force=beside.force))


def _start(
    model: Checkpoint,
    progress: Progress,
    *,
    device: str,
    precision: Precision,
    beside: Extras,
    memory: int | None,
) -> Work:
    from medddim.inference.enhancer import Enhancer

    enhancer = Enhancer.load(model.folder, device=device, precision=precision)
    if enhancer.sha256 != model.sha256:  # another machine, or another file by now
        raise CheckpointError(
            f"{model.folder}: expected the weights of {model.recipe.name} with sha256 "
            f"{model.sha256[:12]}, found {enhancer.sha256[:12]}; install the same model there"
        )

    return _Enhancing(enhancer, progress, beside, memory)


class _Enhancing:
    """The work: one Enhancer carries out one plan after another."""

    def __init__(
        self, enhancer: Enhancer, progress: Progress, beside: Extras, memory: int | None
    ) -> None:
        self.enhancer, self.progress, self.beside = enhancer, progress, beside
        self.parts: Any = None
        self.tile, self.memory = enhancer.tile, memory
        network = cast("Module", enhancer.denoiser.network)
        for layer in network.modules():  # or a stop waits for the end of a tile
            layer.register_forward_pre_hook(self._still_wanted)

    def _still_wanted(self, layer: Any, given: Any) -> None:
        self.enhancer.progress(0.0)

    @cached_property
    def known(self) -> Measured:
        """What a voxel takes: measured when the first scan is planned."""
        return measure(self.enhancer)

    def forecast(self, plan: ScanPlan) -> Forecast:
        """What the scan takes, in the tiles that it will be cut into."""
        found = forecast(self.enhancer, plan, self.known, limit=self.memory, beside=self.beside)
        self.enhancer.tile = found.tile
        return found

    def __call__(self, volume: Volume, plan: ScanPlan) -> Answer:
        return self.begun(volume, plan)()

    def begun(self, volume: Volume, plan: ScanPlan) -> Rest:
        """All that needs the network; of a small scan the answer is still to be finished."""
        for _ in range(SMALLER):
            try:
                return self._begun(plan)
            except (MemoryError, RuntimeError) as problem:
                if not memory.is_short(problem):
                    raise
            self.enhancer.tile = max(self.enhancer.tile // 2, 16)
        try:
            return self._begun(plan)
        except (MemoryError, RuntimeError) as problem:
            if not memory.is_short(problem):
                raise
            smallest, self.enhancer.tile = self.enhancer.tile, self.tile
            raise _too_small(plan, smallest) from None

    def _begun(self, plan: ScanPlan) -> Rest:
        large = math.prod(plan.consistency.shape) > SMALL
        if large or plan.settings.samples is not None or self.beside.asked:
            answer = self._answer(plan)
            return lambda: answer
        tile, finish = self.enhancer.tile, self._computed(plan, self.enhancer.begun)

        def rest() -> Answer:
            try:
                return self._with_tile(finish(), tile), {}
            except MemoryError:
                raise _too_small(plan, tile) from None

        return rest

    def _computed(self, plan: ScanPlan, work: Callable[[ScanPlan], Done]) -> Done:
        """What the enhancer does to the plan; its progress is reported, its parts are kept."""
        enhancer = self.enhancer
        answers = 2 if self.beside.receipt else 1
        enhancer.progress = _adding_up(answers * plan.network_evaluations, self.progress)
        enhancer.parts = self.parts
        try:
            return work(plan)
        finally:
            enhancer.parts = None  # what is asked for beside the answer has parts of other shapes

    def _answer(self, plan: ScanPlan) -> Answer:
        maps = dict[Quantity, Volume]()
        if plan.settings.samples is None:
            result = self._computed(plan, self.enhancer.answer)
        else:
            result, maps["uncertainty"] = self._computed(plan, self.enhancer.sampled)
        result = self._with_tile(result, self.enhancer.tile)
        return _with_extras(self.enhancer, self.beside, plan, (result, maps))

    def _with_tile(self, result: Volume, tile: int) -> Volume:
        """The result; on record is the edge of its tiles where it is not the usual one."""
        return result if tile == self.tile else _with_facts(result, {"tile": tile})


def _too_small(plan: ScanPlan, smallest: int) -> UnsupportedScan:
    shape = "×".join(map(str, plan.consistency.shape))
    return UnsupportedScan(
        f"the memory of this machine is too small for an answer of {shape} voxels, even in "
        f"tiles of {smallest}; end other programs, or use a larger machine"
    )


def _with_extras(enhancer: Enhancer, beside: Extras, plan: ScanPlan, answer: Answer) -> Answer:
    """The answer with all that is asked for beside it."""
    result, maps = answer
    before, found = plan.consistency.before, dict[str, Any]()
    if beside.residual:
        maps["residual"] = result.with_voxels(result.voxels - before.voxels)
    if beside.interval is not None:
        maps["lower"], maps["upper"] = interval_of(enhancer, plan, result, coverage=beside.interval)
    if beside.invented:
        maps["invented"], words = _invented(result, before)
        found["invented"] = words
    if beside.receipt:
        found |= receipt_of(enhancer, plan, result).facts
    return _with_facts(result, found), maps


def _invented(result: Volume, before: Volume) -> tuple[Volume, str]:
    """The map of what the result shows beyond the scan, and what it says in words."""
    axis, shares = result.slice_axis, []
    inside = _object(before)
    for shown, held in zip(result.voxels, before.voxels, strict=True):
        shares.append(invented(shown, held, slice_axis=axis, inside=inside))
    stacked = np.stack(shares)
    everywhere = np.broadcast_to(inside, stacked.shape)
    return replace(result, voxels=stacked, unit=""), summarised(stacked, everywhere).words


def _object(scan: Volume) -> Mask:
    """Where there is something to see; everywhere if nothing stands out."""
    try:
        return (body if scan.in_hu else foreground)(scan.voxels, slice_axis=scan.slice_axis)
    except ScoreError:
        return np.ones(scan.shape, dtype=bool)


def _with_facts(result: Volume, facts: dict[str, Any]) -> Volume:
    """The result, whose derivation says more."""
    made = result.derivation
    assert made is not None  # noqa: S101  # an Enhancer always says how
    return replace(result, derivation=replace(made, parameters=made.parameters | facts))


def _adding_up(evaluations: int, progress: Progress) -> Progress:
    """A function of each part of so many evaluations; `progress` gets the share that is done."""
    done = 0.0

    def add(part: float) -> None:
        nonlocal done
        done += part
        progress(min(done / evaluations, 1.0))

    return add
