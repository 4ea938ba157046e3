"""What was received and not yet sent, on disk: a restart goes on with it.

- `receiving/`: objects that are still coming in;
- `studies/STUDY/SERIES/IMAGE.dcm`: received; each name stands for a UID and does not tell it;
- `results/STUDY/`: what was made of it, until it is sent;
- `sent/STUDY/IMAGE`: an image of a result that the other side has taken;
- `done/SERIES`: a series that is finished: what comes of it again is dropped;
- `failed/STUDY/`: a study that could not be worked on, for a person to look at.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medddim.errors import EnvironmentProblem

ABANDONED_S = 3600.0
"""An object that has not grown for so long is not coming any more."""


def stand_in(text: str) -> str:
    """A name that stands for an identifier without telling it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


@dataclass
class _Measured:
    """How much a queue held, and when."""

    bytes: int = 0
    when: float = float("-inf")


@dataclass(frozen=True)
class Queue:
    """The folder, and how many bytes of received objects it may hold."""

    root: Path
    most_bytes: int
    _measured: _Measured = field(default_factory=_Measured)

    def prepare(self) -> None:
        """Make the folders, and drop what a killed listener had received by half."""
        try:
            shutil.rmtree(self.receiving, ignore_errors=True)
            for name in ("receiving", "studies", "results", "sent", "done", "failed"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)  # it holds patients
        except OSError as problem:
            raise EnvironmentProblem(
                f"{self.root}: cannot be written: {problem.strerror}; choose another queue folder"
            ) from problem

    @property
    def receiving(self) -> Path:
        """Where objects are while they come in."""
        return self.root / "receiving"

    def full(self) -> bool:
        """Whether it holds all that it may; looked up once a second, counted in between."""
        if time.monotonic() - self._measured.when > 1.0:
            kept = (self.root / "studies", self.root / "results", self.root / "failed")
            self._measured.bytes = sum(_size(f) for at in kept for f in at.rglob("*.dcm"))
            self._measured.when = time.monotonic()
        return self._measured.bytes >= self.most_bytes

    def take(self, received: Path, *, study: str, series: str, instance: str) -> None:
        """Keep a received object; on disk before this returns. One that is there is left so."""
        folder = self.root / "studies" / stand_in(study) / stand_in(series)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{stand_in(instance)}.dcm"
        if target.exists():
            return
        handle = os.open(received, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        self._measured.bytes += _size(received)
        os.replace(received, target)

    def stable(self, seconds: float) -> Iterator[Path]:
        """The folders of studies of which nothing has come for so long, the oldest first."""
        now = time.time()
        last = {study: self.last_change(study) for study in (self.root / "studies").iterdir()}
        for study in sorted(last, key=lambda one: last[one]):
            if now - last[study] >= seconds:
                yield study

    def last_change(self, path: Path) -> float:
        """When something last changed at or below `path`."""
        times = [0.0]
        for one in (path, *path.rglob("*")):
            try:
                times.append(one.stat().st_mtime)
            except FileNotFoundError:  # moved on meanwhile
                continue
        return max(times)

    def drop_abandoned(self) -> None:
        """Remove objects whose sender went away in the middle."""
        for file in self.receiving.iterdir():
            if time.time() - self.last_change(file) > ABANDONED_S:
                file.unlink(missing_ok=True)

    def results(self, study: Path) -> Path:
        """Where the results of a study are made."""
        return self.root / "results" / study.name

    def is_sent(self, study: Path, image: Path) -> bool:
        """Whether this image of a result was taken by the other side."""
        return self._sent(study, image).exists()

    def mark_sent(self, study: Path, image: Path) -> None:
        """Remember that it was."""
        mark = self._sent(study, image)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def _sent(self, study: Path, image: Path) -> Path:
        inside = image.relative_to(self.results(study)).as_posix()
        return self.root / "sent" / study.name / stand_in(inside)

    def is_done(self, series: Path, settings: str) -> bool:
        """Whether a series was finished with these settings."""
        return (self.root / "done" / stand_in(series.name + settings)).exists()

    def finish(self, study: Path, series: list[Path], settings: str) -> None:
        """Remember these series as done, and forget all else of them."""
        for one in series:
            (self.root / "done" / stand_in(one.name + settings)).touch()
        for one in series:
            shutil.rmtree(one, ignore_errors=True)
        self.forget_results(study)
        if not any(study.iterdir()):
            study.rmdir()

    def forget_results(self, study: Path) -> None:
        """Drop what was made of a study, and what was sent of it."""
        shutil.rmtree(self.results(study), ignore_errors=True)
        shutil.rmtree(self.root / "sent" / study.name, ignore_errors=True)

    def put_aside(self, study: Path) -> Path:
        """Keep a study that cannot be worked on where it stops nothing."""
        place = self.root / "failed" / f"{study.name}-{time.time_ns()}"
        os.replace(study, place)
        return place


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
