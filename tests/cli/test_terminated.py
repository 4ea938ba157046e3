"""SIGTERM, by which schedulers end a process, is taken as Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from medddim.cli import main
from tests import studies

SCANS = 60


def work(folder: Path) -> list[str]:
    return ["enhance", str(folder / "in"), "-o", str(folder / "out"), "--model=identity", "--json"]


def command(folder: Path) -> list[str]:
    return [sys.executable, "-c", "from medddim.cli import main; main()", *work(folder)]


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a word to it")
def test_a_terminated_batch_leaves_nothing_half_written_and_goes_on(tmp_path: Path) -> None:
    first = studies.nifti(tmp_path / "in")
    for number in range(SCANS - 1):
        shutil.copy(first, first.with_name(f"copy{number:03d}.nii.gz"))
    batch = subprocess.Popen(
        command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert batch.stdout is not None
    assert json.loads(batch.stdout.readline())["status"] == "ok"
    batch.send_signal(signal.SIGTERM)
    _, reported = batch.communicate()
    assert batch.returncode == 130
    *_, last = reported.splitlines()  # those before say how far it is
    assert last == "medddim: interrupted; what was finished is kept; the same command goes on"
    assert not list((tmp_path / "out").glob(".*partial"))
    record = (tmp_path / "out" / "medddim.jsonl").read_text().splitlines()
    finished = {json.loads(line)["name"] for line in record}
    assert 0 < len(finished) < SCANS
    again = CliRunner().invoke(main, work(tmp_path))
    assert again.exit_code == 0
    outcomes = [json.loads(line) for line in again.stdout.splitlines()]
    assert {one["name"] for one in outcomes if one["status"] == "done before"} >= finished
    assert len(outcomes) == SCANS
