"""The demo: the main job on two real scans, from file to file, and a page to look at.

It uses nothing but the public path: find, read, degrade, enhance, write, compare, report.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from medddim import batch, formats
from medddim.batch import Job, Outcome
from medddim.checkpoint import Checkpoint
from medddim.degradation import RicianNoise
from medddim.errors import ScanError
from medddim.formats import Derivation, samples
from medddim.inference.enhancer import Enhancer
from medddim.metrics import Passport, compare
from medddim.metrics.noise import estimate_noise
from medddim.report.case import Case
from medddim.report.page import write_report
from medddim.report.picture import picture
from medddim.volume import Volume

NOISE = 0.05
CURVE_STEPS, CURVE_SLICES = (1, 2, 4, 8), 4
MODEL = "mr-denoise-fast"
HEAD, SLICE, LABEL = "mni152_t1", "pydicom_mr", "enhanced, 1 step"


@dataclass(frozen=True)
class Demo:
    """What the demo left behind: the rows of its table, its page and its picture."""

    rows: tuple[dict[str, Any], ...]
    page: Path
    picture: Path


def run_demo(destination: Path, *, say: Callable[[str], None] = lambda line: None) -> Demo:
    """Enhance a real head with known noise, and a real DICOM slice with its own.

    `destination` must be empty or absent; `say` hears one line a stage. Raises ScanError if a scan
    did not come through, EnvironmentProblem if nilearn, which ships the head, is not installed.
    """
    model = Checkpoint.open(MODEL)
    job = batch.enhance_job(model, receipt=True)
    say(f"a real head, made noisy ({NOISE:.0%} Rician), enhanced by {MODEL}")
    head, head_rows = _head(destination, job)
    say("a real DICOM slice, DICOM to DICOM")
    dicom, dicom_rows = _dicom(destination, job)
    cases = [head, dicom]
    page = write_report(destination, cases=cases, provenance=_provenance(job))
    image = destination / "demo.png"
    image.write_bytes(picture(cases))
    return Demo((*head_rows, *dicom_rows), page, image)


def _head(destination: Path, job: Job) -> tuple[Case, list[dict[str, Any]]]:
    clean = samples.mr_head()
    folder = destination / "clean"
    folder.mkdir(parents=True)
    formats.write(clean, folder, name=HEAD, derivation=Derivation("identity", "MNI152 template"))
    worsen = batch.degrade_job(RicianNoise(NOISE), seed=0)
    noisy, _ = _through(worsen, folder, destination / "noisy")
    before = compare(noisy, clean)
    rows = [{"scan": HEAD, "result": "noisy input", **before.as_dict()}]
    enhanced, outcome = _through(job, destination / "noisy", destination / "enhanced")
    scores = compare(enhanced, clean).as_dict()
    rows.append({"scan": HEAD, "result": LABEL, **scores, **_cost(outcome)})
    case = Case(
        f"MNI152 T1 head (nilearn), {NOISE:.0%} Rician noise, {LABEL}",
        input=noisy,
        enhanced=replace(enhanced, modality="MR"),  # a NIfTI file cannot say so
        reference=clean,
        scores=tuple(_brief(row) for row in rows),
        terms=(before.passport.in_words(),),
        done=f"Rician noise of {NOISE:.0%} of the signal was added to a clean head on purpose, and "
        f"the model {MODEL} took it away again in one DDIM step, without seeing the clean head.",
        curve=_curve(noisy, clean),
        notes=(
            "An average of 152 heads: smoother than a single scan, so easier to denoise.",
            f"The curves of quality: the {CURVE_SLICES} middle slices alone.",
            _receipt(outcome),
        ),
    )
    return case, rows


def _dicom(destination: Path, job: Job) -> tuple[Case, list[dict[str, Any]]]:
    folder = destination / "dicom"
    folder.mkdir()
    shutil.copy(samples.mr_dicom(), folder / f"{SLICE}.dcm")
    enhanced, outcome = _through(job, folder, destination / "dicom_enhanced")
    row = {"scan": SLICE, "result": LABEL, **_cost(outcome)}
    case = Case(
        f"MR slice (pydicom), DICOM to DICOM, its own noise, {row['result']}",
        input=formats.read(folder),
        enhanced=enhanced,
        scores=(_brief(row),),
        done=f"A DICOM slice as it came from the scanner; the model {MODEL} estimated its "
        "noise and took it away in one DDIM step. The result was written as DICOM and read back.",
        notes=(
            "No clean reference exists: look whether the difference shows anatomy.",
            _receipt(outcome),
        ),
    )
    return case, [row]


def _through(job: Job, source: Path, destination: Path) -> tuple[Volume, Outcome]:
    """Run a job over a folder that holds one scan; the result as read back from disk."""
    (outcome,) = batch.run(formats.find(source), destination, job=job)
    if not outcome.good:
        raise ScanError(f"{outcome.name}: {outcome.reason}")
    (result,) = formats.find(destination)
    return formats.read(result), outcome


def _cost(outcome: Outcome) -> dict[str, Any]:
    return {
        "seconds": outcome.seconds,
        "network evaluations": outcome.facts["network_evaluations"],
        "noise level": outcome.facts["noise_level"],
    }


def _receipt(outcome: Outcome) -> str:
    """What small structures keep of their contrast, measured in this scan."""
    return f"Measured with small structures put into this scan: {outcome.facts['receipt']}."


def _curve(noisy: Volume, clean: Volume) -> tuple[dict[str, float], ...]:
    """Quality against effort, on the middle slices, so that it takes seconds."""
    enhancer, noise = Enhancer.load(MODEL), estimate_noise(noisy)
    few, reference = _middle(noisy), _middle(clean)
    points = []
    for steps in CURVE_STEPS:
        scores = compare(enhancer(few, steps=steps, noise=noise), reference)
        points.append(
            {
                "DDIM steps": float(steps),
                "PSNR in dB": scores.psnr_db,
                "Fine detail, 1 = as the reference": scores.hf_power,
            }
        )
    return tuple(points)


def _middle(volume: Volume) -> Volume:
    """The middle slices across the last axis."""
    first = max(0, (volume.shape[2] - CURVE_SLICES) // 2)
    return volume.crop(slice(None), slice(None), slice(first, first + CURVE_SLICES))


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    terms = {term.name for term in fields(Passport)}
    return {key: value for key, value in row.items() if key not in terms | {"scan"}}


def _provenance(job: Job) -> dict[str, object]:
    return {
        **{key: value for key, value in job.parameters.items() if key != "steps"},
        "device": job.device,
        "versions": batch.versions(),
    }
