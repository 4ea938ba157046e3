"""Damaged files: each is loaded as a sound volume or refused with a typed error, and in time.

`pytest -m slow tests/hostile/test_fuzz.py -s` prints what became of 20 000 files of each kind.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medddim import formats
from medddim.errors import EnvironmentProblem, ScanError
from medddim.volume import Volume
from tests.hostile import bases
from tests.hostile.bases import Base
from tests.hostile.mutate import mutated, packed

MOST_SECONDS = 30
"""For one file that takes milliseconds; the machine may be busy."""

FAMILIES: dict[str, Callable[[Path], list[Base]]] = {
    "dicom": bases.dicom_bases,
    "nifti": bases.nifti_bases,
    "compressed": bases.compressed_bases,
    "itk": bases.itk_bases,
    "mgh": bases.mgh_bases,
}


class Hang(KeyboardInterrupt):
    """Not an Exception, which the code under test would turn into a typed error."""


@contextmanager
def alarm() -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def load(path: Path) -> Volume | None:
    """The one volume at `path`; None if it is refused, typed and with the file named."""
    with alarm():
        for series in formats.find(path):
            if series.refusal:
                assert str(path) in series.refusal
                continue
            try:
                return formats.read(series)
            except (ScanError, EnvironmentProblem) as refusal:
                reason = str(refusal)
            assert str(path) in reason
    return None


def place(base: Base, content: bytes, folder: Path) -> Path:
    """Put the file where it can be loaded: alone, or between its neighbours."""
    path = folder / base.name
    path.write_bytes(packed(content) if path.suffix == ".gz" else content)
    return folder if base.neighbours else path


def require_sound(volume: Volume) -> None:
    assert np.isfinite(volume.voxels).all()
    assert np.isfinite(volume.affine).all()
    assert abs(np.linalg.det(volume.affine[:3, :3])) > 1e-12


def fuzz(family: str, count: int, folder: Path) -> Counter[str]:
    """Spoil `count` files, and say how many loaded the same, loaded differing, were refused."""
    (folder / "in").mkdir()
    verdicts: Counter[str] = Counter()
    seeds = iter(range(count))
    whole = FAMILIES[family](folder / "in")
    for number, base in enumerate(whole):
        place_here = folder / f"{number}"
        place_here.mkdir()
        for neighbour in base.neighbours:
            (place_here / neighbour.name).write_bytes(neighbour.read_bytes())
        sound = load(place(base, base.content, place_here))
        assert sound is not None, base.name
        for _ in range(count // len(whole) + (number < count % len(whole))):
            content = mutated(base.content, next(seeds), region=base.region)
            volume = load(place(base, content, place_here))
            if volume is None:
                verdicts["refused"] += 1
                continue
            require_sound(volume)
            same = np.array_equal(volume.voxels, sound.voxels) and np.array_equal(
                volume.affine, sound.affine
            )
            verdicts["loaded the same" if same else "loaded, differs"] += 1
    return verdicts


@pytest.mark.parametrize(
    ("family", "count"),
    [("dicom", 25), ("nifti", 30), ("compressed", 10), ("itk", 20), ("mgh", 60)],
)
def test_damage_ends_in_a_volume_or_a_typed_error(
    family: str,
    count: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # what is hostile is not always small: 2 GB of zeros would be sound, and slow
    monkeypatch.setenv("MEDDDIM_MAX_BYTES", str(2**26))
    verdicts = fuzz(family, count, tmp_path)
    assert verdicts.total() == count
    assert verdicts["refused"] > count // 10
    assert verdicts["loaded the same"] > count // 100
    assert {record.name.split(".")[0] for record in caplog.records} <= {"medddim"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "count"),
    [("dicom", 20_000), ("nifti", 20_000), ("compressed", 2_000), ("itk", 6_000), ("mgh", 2_000)],
)
def test_much_damage_ends_in_a_volume_or_a_typed_error(
    family: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDDDIM_MAX_BYTES", str(2**26))
    verdicts = fuzz(family, count, tmp_path)
    sys.stdout.write(f"{count} files, {family}: {dict(verdicts)}\n")
    assert verdicts.total() == count
