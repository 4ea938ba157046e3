"""About how long an answer takes: known without torch, and within what machines differ by."""

import pytest

from medddim.errors import CheckpointError
from medddim.inference import speed
from medddim.inference.speed import SPEED, Speed
from medddim.models import folder_of


def test_it_follows_from_the_voxels_and_the_rate(monkeypatch, tmp_path):
    monkeypatch.setattr(speed, "matrix_rate", lambda: 100.0)
    known = Speed(gflop_per_mvoxel=50.0, share=0.25)
    assert known.seconds(10_000_000) == pytest.approx(20.0)
    known.save(tmp_path)
    assert Speed.load(tmp_path) == known


def test_a_model_that_was_never_timed_has_none(tmp_path):
    assert Speed.load(tmp_path) is None
    (tmp_path / SPEED).write_text("{}")
    with pytest.raises(CheckpointError, match=r"speed\.py --save"):
        Speed.load(tmp_path)


@pytest.mark.parametrize("model", ["mr-denoise-fast", "ct-denoise"])
def test_the_models_that_scans_get_by_themselves_were_timed(model):
    known = Speed.load(folder_of(model))
    assert 0 < known.share < 1
    assert known.gflop_per_mvoxel > 1


def test_the_rate_is_measured():
    assert speed.matrix_rate() > 0.1
