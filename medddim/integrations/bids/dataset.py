"""What a BIDS derivative says of itself: its description, labels, and what validators skip."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from medddim import __version__
from medddim.errors import EnvironmentProblem, WriteRefused

DESCRIPTION = "dataset_description.json"
BIDS_VERSION = "1.10.0"
LABELS = {
    "denoised": "Denoised with medddim; the grid of the source",
    "copied": "Copied by medddim, unchanged",
    "superres": "Super-resolved with medddim; smaller voxels, the extent of the source",
}
"""The values of `desc` and what they stand for."""
OURS = (
    "report.html",
    "medddim.json",
    "medddim.prov.json",
    "medddim.jsonl",
    "medddim.lock",
    ".medddim.*",
)
IGNORED = tuple(f"**/{name}" for name in OURS)
README = """# medddim derivatives

Images enhanced with medddim; `descriptions.tsv` says how. The JSON file beside each says with which
model and settings, and names its source. Research software, not a medical device.
"""


def describe(output: Path, raw: Path) -> None:
    """Write the files at the root of the derivative data set; leave those that are as they should.

    Several runs may do so at once. Raises WriteRefused if another program's data set is there.
    """
    _require_ours(output / DESCRIPTION)
    _write(output / DESCRIPTION, as_json(_description(output, raw)))
    rows = [f"desc-{label}\t{stated}" for label, stated in LABELS.items()]
    _write(output / "descriptions.tsv", "\n".join(["desc_id\tdescription", *rows]) + "\n")
    _write(output / ".bidsignore", "\n".join(IGNORED) + "\n")
    _write(output / "README.md", README)


def write_beside(path: Path, text: str) -> None:
    """Write a file that follows from its image; there in one piece, or not at all."""
    _write(path, text)


def as_json(said: dict[str, Any]) -> str:
    """As it stands in a file."""
    return json.dumps(said, indent=2) + "\n"


def _require_ours(path: Path) -> None:
    if not path.is_file():
        return
    try:
        makers = json.loads(path.read_text(encoding="utf-8")).get("GeneratedBy", [])
        ours = any(one.get("Name") == "medddim" for one in makers)
    except (ValueError, AttributeError):
        ours = False
    if not ours:
        raise WriteRefused(f"{path} is of another data set; choose another output folder")


def _description(output: Path, raw: Path) -> dict[str, Any]:
    source = json.loads((raw / DESCRIPTION).read_text(encoding="utf-8"))
    name = str(source.get("Name") or raw.name)
    place = os.path.relpath(os.path.realpath(raw), os.path.realpath(output))
    said: dict[str, Any] = {
        "Name": f"{name}, enhanced with medddim",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "medddim", "Version": __version__}],
        "DatasetLinks": {"raw": Path(place).as_posix()},
    }
    return said | {key: source[key] for key in ("License", "Authors") if key in source}


def _write(path: Path, text: str) -> None:
    """As its own file first, so that two runs that write the same never meet half of it."""
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=".medddim.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), 0o666 & ~_umask())  # mkstemp: for its maker alone
        os.replace(partial, path)
    except OSError as problem:
        raise EnvironmentProblem(
            f"{path} could not be written: {problem.strerror}; free or choose another place"
        ) from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
