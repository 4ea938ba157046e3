"""The page on extensions: every block is run, in order, and does what the page says."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import medddim as md
from medddim.degradation import DEGRADATIONS
from medddim.diffusion import PATHS, SAMPLERS
from medddim.formats.table import FORMATS
from medddim.metrics.table import METRICS
from medddim.networks import NETWORKS, require_tileable
from tests import studies

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "extend.md"
TABLES = (DEGRADATIONS, PATHS, SAMPLERS, METRICS, NETWORKS)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the blocks of the page have made; the tables are as before afterwards."""
    folder = tmp_path_factory.mktemp("extend")
    shutil.copytree(studies.SAMPLES, folder / "data_samples")
    before, formats = [dict(table) for table in TABLES], list(FORMATS)
    made = {"__name__": "extend", "folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, block in enumerate(blocks(), start=1):
            exec(compile(block, f"{PAGE.name}, block {number}", "exec"), made)
        yield made
    for table, entries in zip(TABLES, before, strict=True):
        table.clear()
        table.update(entries)
    FORMATS[:] = formats


def blocks():
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```python[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_a_degradation(names):
    assert names["shaded"].derivation.parameters["seed"] == 1
    again = DEGRADATIONS["shading"](0.8)(names["scan"], seed=1)
    assert np.array_equal(again.voxels, names["shaded"].voxels)


def test_a_metric(names):
    scores = md.compare(names["shaded"], names["scan"])
    assert scores.as_dict()["mae"] == scores.more["mae"] > 0


@pytest.mark.slow
def test_a_sampler_is_a_choice(names):
    previews = list(names["enhancer"].previews(names["few"], steps=4))
    answer, plain = names["smoother"], names["enhancer"](names["few"], steps=4)
    assert not np.array_equal(answer.voxels, plain.voxels)
    mean = np.mean([one.voxels for one in previews], axis=0)
    assert np.abs(answer.voxels - mean).max() < 0.02 * np.ptp(names["few"].voxels)
    assert answer.derivation.parameters["sampler"] == "averaged"


def test_a_path_ends_at_what_the_denoiser_knows(names):
    assert names["asked"].path == "soft-bridge"
    assert names["answer"].item() == pytest.approx(1.0)


def test_a_network_shows_no_seams(names):
    require_tileable(names["Plain"]())
    assert NETWORKS["plain"] is names["Plain"]
    assert not np.array_equal(names["whole"].voxels, names["few"].voxels)


def test_a_format_reads_and_writes(names):
    half = md.read(names["folder"] / "half" / "head.plain")
    half.require_same_grid(names["head"])
    assert np.allclose(half.voxels, names["scan"].voxels / 2, rtol=1e-6)
    assert [series.format for series in md.find(names["folder"] / "half")] == ["plain"]
