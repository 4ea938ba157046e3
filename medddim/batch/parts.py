"""What is finished of a scan of many volumes, kept among the results until all of it is there."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from medddim.record import Outcome
from medddim.volume import Array

PARTS = ".medddim.parts"
"""What the names of these folders begin with."""
SAVE_S = 5.0
"""What is finished waits so long for more before it is written: an interruption loses no more."""


class Saved:
    """The finished parts of one scan, by key; those of an earlier run of the same work, too.

    Parts of other work on this scan (other files, settings, versions, another device) go.
    """

    def __init__(self, destination: Path, outcome: Outcome) -> None:
        """`outcome` is that of the scan if all goes well."""
        work = [list(outcome.inputs.values()), outcome.job, outcome.versions, outcome.device]
        self.folder = destination / f"{_prefix(outcome.name)}.{_short(json.dumps(work))}"
        for other in destination.glob(f"{_prefix(outcome.name)}.*"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.waiting: dict[str, Array] = {}
        self.saved = time.monotonic()
        self.known = {path.stem for path in self.folder.glob("*.npy")}

    def get(self, key: str) -> Array | None:
        """The voxels of this part, if they are there whole."""
        if key not in self.known:
            return None
        try:
            voxels: Array = np.load(self.folder / f"{key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError, BadZipFile):
            return None
        return voxels

    def put(self, key: str, voxels: Array) -> None:
        """Keep a part; it is on disk some seconds later, or when `flush` is called."""
        self.waiting[key] = voxels
        if time.monotonic() - self.saved >= SAVE_S:
            self.flush()

    def flush(self) -> None:
        """Write what waits. A disk that does not take it costs the parts, not the scan."""
        try:
            if self.waiting:
                self.folder.mkdir(exist_ok=True)
            for key, voxels in self.waiting.items():
                partial = self.folder / f"{key}.partial"
                with partial.open("wb") as stream:
                    np.save(stream, voxels)
                partial.replace(self.folder / f"{key}.npy")
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.waiting.clear()
        self.saved = time.monotonic()


def forget(destination: Path, name: str) -> None:
    """The scan is done: nothing is kept of it any more."""
    for folder in destination.glob(f"{_prefix(name)}.*"):
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(name: str) -> str:
    return f"{PARTS}.{_short(name)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
