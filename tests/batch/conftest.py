"""Scans and a job that need no network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medddim.batch import Job
from medddim.batch.jobs import Answer
from medddim.formats.contract import Quantity
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
    """Make a job that halves a scan, calls `before` with its number first, and tells the change."""

    def make(
        before: Callable[[int], None] = lambda number: None,
        maps: tuple[Quantity, ...] = (),
        **parameters: object,
    ) -> Job:
        count = iter(range(100))

        def halve(volume: Volume, facts: dict[str, object]) -> Answer:
            before(next(count))
            half = volume.with_voxels(volume.voxels / 2)
            return half, dict.fromkeys(maps, volume.with_voxels(-half.voxels))

        parameters = {"factor": 0.5, **parameters}
        return Job("degrade", "Halved", parameters, lambda progress: halve, maps=maps)

    return make
