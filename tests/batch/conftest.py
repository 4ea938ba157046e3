"""Scans and a job that need no network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medddim.batch import Job
from medddim.volume import Volume
from tests import studies


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    """A folder with three NIfTI files: a, b and c."""
    for seed, name in enumerate("abc"):
        studies.nifti(tmp_path / "in", name, seed=seed)
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results go; not there yet."""
    return tmp_path / "out"


@pytest.fixture
def halving() -> Callable[..., Job]:
    """Make a job that halves a scan, and calls `before` with the scan's number first."""

    def make(before: Callable[[int], None] = lambda number: None, **parameters: object) -> Job:
        count = iter(range(100))

        def halve(volume: Volume, facts: dict[str, object]) -> Volume:
            before(next(count))
            return volume.with_voxels(volume.voxels / 2)

        return Job("degrade", "Halved", {"factor": 0.5, **parameters}, lambda: halve)

    return make
