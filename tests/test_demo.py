"""The demo: from file to file, and a page to look at."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from medddim import cli, demo
from medddim.formats import samples
from medddim.report import picture
from tests import studies
from tests.phantoms import head


@pytest.fixture
def small(tmp_path_factory, monkeypatch, blank_drawings):
    """A phantom instead of the head, an untrained network instead of the model; nothing drawn."""
    monkeypatch.setattr(demo, "picture", picture.picture)
    monkeypatch.setattr(samples, "mr_head", head)
    monkeypatch.setattr(demo, "MODEL", str(studies.model(tmp_path_factory.mktemp("model"))))


def test_the_demo_leaves_a_page_a_picture_and_scans(small, tmp_path):
    stages = []
    done = demo.run_demo(tmp_path / "out", say=stages.append)
    assert len(stages) == 2
    assert [row["result"] for row in done.rows] == [
        *("noisy input", "enhanced, 1 step", "enhanced, 1 step")
    ]
    assert done.picture.read_bytes().startswith(b"\x89PNG")
    page = done.page.read_text()
    assert "MNI152" in page
    assert "model_sha256" in page
    assert "of its contrast here" in page
    manifest = json.loads((tmp_path / "out" / "enhanced" / "medddim.json").read_text())
    assert manifest["job"]["steps"] == 1
    assert done.rows[0]["psnr_db"] == pytest.approx(26, abs=4)
    assert all(np.isfinite(row["psnr_db"]) for row in done.rows[:2])


@pytest.mark.slow
def test_the_verb_ends_with_a_table(small, tmp_path):
    result = CliRunner().invoke(cli.main, ["demo", "-o", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert "psnr_db" in result.stdout
    assert "report.html" in result.stdout
    again = CliRunner().invoke(cli.main, ["demo", "-o", str(tmp_path / "out")])
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


@pytest.mark.slow
def test_the_real_demo_improves_the_real_head(tmp_path):
    done = demo.run_demo(tmp_path / "out")
    noisy, one_step, _ = done.rows
    assert done.page.stat().st_size < 15_000_000
    assert one_step["psnr_db"] > noisy["psnr_db"] + 4
