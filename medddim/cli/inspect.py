"""`medddim inspect`: what is in a folder of scans, and what would be refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medddim.cli import batches
from medddim.cli.examples import examples
from medddim.cli.table import print_table

if TYPE_CHECKING:
    from medddim.formats import Series
    from medddim.volume import Volume

TITLES = (
    "name",
    "format",
    "files",
    "modality",
    "kind",
    "voxels",
    "spacing (mm)",
    "axes",
    "noise (sd)",
    "(share)",
    "model",
    "time",
)

FACTS = ("kind", "stacked_by", "repairs", "notes", "stored", "transfer_syntax")
"""What is passed on of the facts a format found."""

ENHANCED = "already enhanced by medddim: `enhance` skips it, `train` leaves it out"
GUESSED = {
    "CT?": "the file does not say what it is, and holds air in Hounsfield units: taken for CT",
    "MR?": "the file does not say what it is, as NIfTI alone cannot: taken for MR; a JSON file "
    'beside it of the same name, with {"Modality": "CT"} or such, says it',
}
"""What the table means by a modality with a question mark."""


@click.command(
    epilog=examples(
        "inspect study/",
        "inspect study/ --select Modality=MR --exclude 'name~localizer'",
        "inspect study/ --json > study.jsonl",
    )
)
@batches.scans_argument
@batches.choice_options
@batches.json_as(help="One line of JSON a scan.")
def inspect(scans: tuple[Path, ...], as_json: bool, **choice: Any) -> None:
    """List the series in SCANS: geometry, unit, noise, and what would be refused.

    SCANS are folders, files, zip files or DICOMDIRs. The noise is what `enhance` reads by itself
    and puts on record as `noise_level`: its standard deviation in the scan's unit and, for MR, as a
    share of the bright end, the measure of `enhance --noise` and `degrade --level` (the 99.5th
    percentile of the voxels; half of the 99.9th where the subject is so small that this is more).
    Below the table stands what the scanner did to the noise, all of which mr-denoise-fast takes
    into account: zero-filled is an image interpolated from a smaller one; smoothed, one whose
    noise a filter made alike from voxel to voxel; white, neither. An uncertain reading is used all
    the same: look at the result (docs/noise.md says more).

    A modality with a question mark is that of a file which does not say; a note below the table
    says what it is taken for, and why.
    A line `range` says that a scan is unlike those its model was trained on: near the end of their
    range, or out of it. The model is the one that `enhance` takes by itself, the time about what
    it takes on the CPU of this machine, once it is loaded. The exit code is 1 if no scan can be
    enhanced.
    """
    from medddim import batch

    rows = [_facts(series) for series in batch.find(scans, **choice)]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        _print(rows)
    sys.exit(1 if all(row["refusal"] for row in rows) else 0)  # a mixed folder is no failure


def _facts(series: Series) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": series.name,
        "format": series.format,
        "files": len(series.files),
        "modality": series.modality,
        "kind": "refused",
        "refusal": series.refusal,
    }
    return row if series.refusal else row | _measured(series)


def _measured(series: Series) -> dict[str, Any]:
    """What only the voxels tell; a scan that cannot be read is refused here."""
    from medddim import formats
    from medddim.batch.choice import model_for
    from medddim.errors import EnvironmentProblem, ScanError
    from medddim.formats import voxel_signs
    from medddim.formats.beside import result_place
    from medddim.inference.own import enhanced
    from medddim.inference.plan import DIGITS
    from medddim.inference.range import judged
    from medddim.models import folder_of
    from medddim.noise import noise_passport

    try:
        scan = formats.read(series)
    except (EnvironmentProblem, ScanError) as error:
        return {"refusal": str(error)}
    volume = scan.recognised()
    if reason := voxel_signs.why_not(volume, volume.modality):
        return {"modality": volume.modality, "refusal": f"{series.files[0]}: {reason}"}
    found, model, scale = noise_passport(volume), model_for(volume.modality), _scale(volume)
    fits = judged(folder_of(model), volume.taken_for(volume.modality or "MR"), scale=scale)
    return {
        **{key: series.facts[key] for key in FACTS if key in series.facts},
        "modality": volume.modality,
        "made": enhanced(series),
        "modality_guessed": volume.modality != scan.modality,
        "shape": list(volume.shape),
        "channels": volume.channels,
        "spacing_mm": [round(spacing, 4) for spacing in volume.spacing_mm],
        "orientation": volume.orientation,
        "unit": volume.unit,
        "model": model,
        "seconds": _seconds(model, volume),
        "result": result_place(series.name, scan),
        "noise": found.facts["level"],
        "noise_level": round(found.level / scale, DIGITS),
        "passport": found.facts | {"summary": found.summary},
        **(fits.facts({}, force=True) if fits else {}),
    }


def _seconds(model: str, volume: Volume) -> float | None:
    """About how long `enhance` takes on this CPU; None for a model that was never timed."""
    from medddim.inference.speed import Speed
    from medddim.models import folder_of

    known = Speed.load(folder_of(model))
    return None if known is None else round(known.seconds(volume.voxels.size), 1)


def _scale(volume: Volume) -> float:
    """What the models see as 1, and the record counts noise in: the bright end, or 1000 HU."""
    from medddim.formats.quantise import HU_RANGE
    from medddim.scaling import Scaling

    return HU_RANGE if volume.in_hu else Scaling.fit(volume).scale


def _print(rows: list[dict[str, Any]]) -> None:
    usable = [row for row in rows if not row["refusal"]]
    if usable:
        _print_usable(usable)
    for row in rows:
        for label, said in _remarks(row):
            shown = click.style(f"{label:8}", fg="cyan" if label == "noise" else "yellow")
            click.echo(f"{shown} {row['name']}: {said}")
    if new := [row for row in usable if not row["made"] and row.get("range") != "out"]:
        click.echo(f"{click.style('next', fg='cyan')}     {_next(new[0])}")


def _remarks(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is said of a scan below the table, each under its label."""
    for repair in row.get("repairs", ()):
        yield "repaired", repair
    for note in [*([ENHANCED] if row.get("made") else []), *row.get("notes", ())]:
        yield "note", note
    if "passport" in row:
        yield "noise", _noise(row)
    if "warning" in row:
        out = row["range"] == "out"
        yield "range", row["warning"] + "; `enhance` refuses it without --force" * out
    if row["refusal"]:
        yield "refused", row["refusal"]


def _print_usable(rows: list[dict[str, Any]]) -> None:
    print_table(TITLES, [_cells(row) for row in rows])
    for guess in sorted({_modality(row) for row in rows} & GUESSED.keys()):
        click.echo(f"{click.style('note', fg='yellow')}     {guess}: {GUESSED[guess]}")


def _next(row: dict[str, Any]) -> str:
    """What `enhance` would do, by the example of one scan."""
    return (
        f"`medddim enhance ... -o OUT` writes OUT/{row['result']} and its like, each by the model "
        "in its row; --dry-run shows all of them"
    )


def _noise(row: dict[str, Any]) -> str:
    from medddim.intensity import in_digits

    passport = row["passport"]
    low, high = passport["level_low_high"]
    uneven = f"{in_digits(low)} to {in_digits(high)} over the scan; " if high > low else ""
    return uneven + str(passport["summary"])


def _modality(row: dict[str, Any]) -> str:
    return row["modality"] + "?" * row["modality_guessed"] or "MR?"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from medddim.intensity import in_digits

    by = f" by {row['stacked_by']}" if "stacked_by" in row else ""
    return (
        row["name"],
        row["format"],
        str(row["files"]),
        _modality(row),
        row["kind"] + by,
        "×".join(map(str, row["shape"])),
        "×".join(f"{spacing:.3g}" for spacing in row["spacing_mm"]),
        row["orientation"],
        f"{in_digits(row['noise'])} {row['unit']}".strip(),
        "-" if row["unit"] == "HU" else f"{row['noise_level']:.1%}",
        row["model"],
        "-" if row["seconds"] is None else f"{row['seconds']:.1f} s",
    )
