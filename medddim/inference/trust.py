"""What an Enhancer says of its own answers: receipt, range, intervals; the wiring of the three."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from medddim.errors import UnsupportedScan
from medddim.inference.intervals import Calibration, require_calibrated
from medddim.inference.plan import ScanPlan
from medddim.inference.range import Judgement, judged
from medddim.inference.receipt import Receipt, measure, reach_of
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer
    from medddim.networks import Network


def judge(folder: Path | None, plan: ScanPlan) -> Judgement | None:
    """Whether the scan of a plan is like those of the model in a folder; None where not on file."""
    return judged(folder, plan.scan, scale=plan.scaling.scale) if folder else None


def with_range(folder: Path | None, plan: ScanPlan) -> ScanPlan:
    """The plan with what is known of its range on record; warns of a scan that is out."""
    judgement = judge(folder, plan)
    if judgement is None:
        return plan
    if judgement.verdict == "out":
        warnings.warn(
            f"out of range of the model: {judgement.reason}; look at the result before you use it "
            "(`medddim enhance` refuses such a scan unless forced)",
            stacklevel=4,
        )
    return replace(plan, facts=plan.facts | judgement.facts(plan.facts, force=True))


def receipt_of(enhancer: Enhancer, plan: ScanPlan, answer: Volume | None = None) -> Receipt:
    """The receipt of a plan; the `answer` to it, where there is one, saves time."""
    watched = enhancer.progress
    enhancer.progress = lambda part: watched(0.0)  # which may end it: nobody knows how much is left
    single = replace(plan, settings=replace(plan.settings, samples=None))
    try:
        whole = answer if plan.settings.samples is None else None
        reach = reach_of(plan, halo=cast("Network", enhancer.denoiser.network).halo)
        return measure(enhancer.answer, single, reach=reach, whole=whole)
    finally:
        enhancer.progress = watched


def interval_of(
    enhancer: Enhancer, plan: ScanPlan, answer: Volume | None = None, *, coverage: float
) -> tuple[Volume, Volume]:
    """The interval around the `answer` to a plan, if there is one; see `Enhancer.interval`."""
    folder = enhancer.folder
    found = Calibration.load(folder) if folder else None
    calibration = require_calibrated(found, enhancer.recipe, plan.settings)
    judgement = judge(folder, plan)
    if judgement is not None and judgement.verdict == "out":
        raise UnsupportedScan(
            f"out of range, where no interval holds: {judgement.reason}; leave out the interval"
        )
    answer = enhancer.answer(plan) if answer is None else answer
    share = plan.facts["noise_level"]
    ends = calibration.interval(
        plan.scan, answer, noise=share * plan.scaling.scale, share=share, coverage=coverage
    )
    made = plan.derivation(sha256=enhancer.sha256, precision=enhancer.precision)
    stated = {"coverage": coverage, "calibration": calibration.in_words}
    lower, upper = (
        replace(
            end,
            modality=answer.modality,
            derivation=replace(made, kind=kind, parameters=made.parameters | stated),
        )
        for kind, end in zip(("lower", "upper"), ends, strict=True)
    )
    return lower, upper
