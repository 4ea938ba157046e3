"""A scan is done when its maps are there too; whatever interrupts a run, it goes on from there."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pydicom
import pytest

from medddim import batch, formats, record
from medddim.batch.jobs import unwatched
from medddim.batch.verify import verify
from medddim.checkpoint import Checkpoint
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.errors import RequestProblem
from tests import studies
from tests.inference.test_superresolution import FINER
from tests.phantoms import head

RESIDUAL = ("residual",)


def run(source, out, job, **options):
    return list(batch.run(batch.plan([source], out), out, job=job, **options))


def statuses(outcomes):
    return {outcome.name: outcome.status for outcome in outcomes}


@pytest.fixture
def series(tmp_path):
    """A DICOM series of two echoes, so that each map of it is two files."""
    folder = studies.dicom(tmp_path / "in")
    slices = [(path, pydicom.dcmread(path)) for path in sorted(folder.iterdir())]
    for (_, one), (path, two) in zip(slices[:2], slices[2:], strict=True):
        two.ImagePositionPatient, two.EchoTime = one.ImagePositionPatient, one.EchoTime + 60
        two.save_as(path)
    return folder


def test_maps_lie_beside_the_results_and_are_on_record(heads, out, halving):
    for outcome in run(heads, out, halving(maps=("residual", "uncertainty"))):
        name = outcome.name
        files = [f"{name}{end}.nii.gz" for end in ("", "+residual", "+uncertainty")]
        assert list(outcome.outputs) == files
        result, residual, _ = (formats.read(out / file) for file in files)
        change = result.voxels - formats.read(heads / files[0]).voxels
        assert np.allclose(residual.voxels, change, atol=1e-3)
    assert all(one.good for one in verify(out))


def test_maps_leave_the_results_as_they_are(heads, out, tmp_path, halving):
    without = run(heads, tmp_path / "without", halving())
    maps = run(heads, out, halving(maps=RESIDUAL))
    plain = studies.contents(tmp_path / "without")
    assert {name: studies.contents(out)[name] for name in plain} == plain
    assert [one.job for one in maps] == [one.job for one in without]


def test_a_map_asked_for_later_is_added_and_nothing_else_changes(heads, out, halving):
    run(heads, out, halving())
    before = studies.contents(out)
    assert set(statuses(run(heads, out, halving(maps=RESIDUAL), dry_run=True)).values()) == {
        "planned"
    }
    assert set(statuses(run(heads, out, halving(maps=RESIDUAL))).values()) == {"ok"}
    after = studies.contents(out)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"{name}+residual.nii.gz" for name in "abc"}
    assert all(one.good for one in verify(out))
    assert set(statuses(run(heads, out, halving(maps=RESIDUAL))).values()) == {"done before"}
    assert set(statuses(run(heads, out, halving())).values()) == {"done before"}


@pytest.mark.parametrize("lost", ["b+residual.nii.gz", "b.nii.gz"])
def test_whichever_file_is_lost_is_made_again(heads, out, halving, lost):
    run(heads, out, halving(maps=RESIDUAL))
    first = studies.contents(out)
    (out / lost).unlink()
    again = statuses(run(heads, out, halving(maps=RESIDUAL)))
    assert again == {"a": "done before", "b": "ok", "c": "done before"}
    assert studies.contents(out) == first


def test_a_lost_map_that_nobody_asks_for_is_forgotten(heads, out, halving):
    run(heads, out, halving(maps=RESIDUAL))
    (out / "b+residual.nii.gz").unlink()
    assert set(statuses(run(heads, out, halving())).values()) == {"done before"}
    assert all(one.good for one in verify(out))


@pytest.mark.parametrize("on_record", [True, False])
def test_a_map_is_never_overwritten(heads, out, halving, on_record):
    if on_record:
        run(heads, out, halving(maps=RESIDUAL))
    out.mkdir(exist_ok=True)
    (out / "b+residual.nii.gz").write_bytes(b"mine")
    refused = run(heads, out, halving(maps=RESIDUAL))[1]
    assert refused.status == "refused"
    assert "b+residual.nii.gz is there already" in refused.reason
    assert (out / "b+residual.nii.gz").read_bytes() == b"mine"


def test_a_scan_named_like_a_map_comes_out_too(heads, out, halving):
    studies.nifti(heads, "a_residual")
    studies.nifti(heads, "c+residual").rename(heads / "d+residual.nii.gz")
    assert len(run(heads, out, halving(maps=RESIDUAL))) == 5
    assert len(studies.contents(out)) == 10
    assert {one.name for one in formats.find(out)} == {"a", "a_residual", "b", "c", "d_residual"}


def test_a_map_that_fails_takes_its_result_along(heads, out, halving, monkeypatch):
    undisturbed = formats.write_map

    def fail(values, destination, *, of, quantity):
        undisturbed(values, destination, of=of, quantity=quantity)
        raise KeyError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(formats, "write_map", fail)
        assert set(statuses(run(heads, out, halving(maps=RESIDUAL))).values()) == {"failed"}
        assert studies.contents(out) == {}
    assert set(statuses(run(heads, out, halving(maps=RESIDUAL))).values()) == {"ok"}


KILLED = """
import os, pathlib, signal, sys
from medddim import batch, record
rename, append, left = pathlib.Path.rename, record.append, int(sys.argv[3])
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def place(path, target):
    global left
    left -= 1
    return rename(path, target) if left else die()
def halve(volume, facts):
    half = volume.with_voxels(volume.voxels // 2)
    return half, {"residual": half.with_voxels(half.voxels - volume.voxels)}
pathlib.Path.rename = place
if left == 4:
    record.append = lambda *given, **more: die()
job = batch.Job("degrade", "Halved", {}, lambda progress: halve, maps=("residual",))
scans = batch.plan([pathlib.Path(sys.argv[1])], pathlib.Path(sys.argv[2]))
list(batch.run(scans, pathlib.Path(sys.argv[2]), job=job))
"""
PLACED = {
    1: [],
    2: [f"series/000{n}.dcm" for n in range(1, 5)],
    3: [*(f"series/000{n}.dcm" for n in range(1, 5)), "series+residual_1.dcm"],
    4: [*(f"series/000{n}.dcm" for n in range(1, 5)), "series+residual_1.dcm",
        "series+residual_2.dcm"],
}  # fmt: skip
"""What is in place when the run is killed before its n-th rename; 4 is before its record."""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    "moment", [one if one == 2 else pytest.param(one, marks=pytest.mark.slow) for one in PLACED]
)
def test_a_kill_between_two_files_never_leaves_a_scan_that_counts_as_done(series, out, moment):
    command = [sys.executable, "-c", KILLED, series.parent, out, str(moment)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    there = {name for name in studies.contents(out) if "partial" not in name}
    assert there == set(PLACED[moment])
    assert not (out / record.RECORD).exists()

    def halve(volume, facts):
        half = volume.with_voxels(volume.voxels // 2)
        return half, {"residual": half.with_voxels(half.voxels - volume.voxels)}

    job = batch.Job("degrade", "Halved", {}, lambda progress: halve, maps=RESIDUAL)
    assert statuses(run(series.parent, out, job)) == {"series": "ok"}
    assert sorted(studies.contents(out)) == sorted(PLACED[4])
    assert all(one.good for one in verify(out))
    lines = [json.loads(line) for line in (out / record.RECORD).read_text().splitlines()]
    assert [len(line["outputs"]) for line in lines if line["status"] == "ok"] == [6]
    assert statuses(run(series.parent, out, job)) == {"series": "done before"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_the_result_of_a_killed_run_is_taken_by_one_that_asks_for_no_map(series, out):
    command = [sys.executable, "-c", KILLED, series.parent, out, "3"]
    subprocess.run(command, check=False)
    job = batch.Job("degrade", "Halved", {}, lambda progress: pytest.fail)
    assert statuses(run(series.parent, out, job)) == {"series": "done before"}
    assert sorted(studies.contents(out)) == PLACED[2]
    assert all(one.good for one in verify(out))


def test_of_super_resolution_the_residual_is_what_the_network_added(tmp_path):
    model = Checkpoint.open(studies.model(tmp_path, **FINER))
    settings = batch.Settings(factor=4, steps=2)
    job = batch.enhance_job(model, settings, residual=True, precision="fp32")
    scan = head((14, 12, 5))
    result, maps = job.start(unwatched)(scan, job.plan(scan))
    between = LargerVoxels((1, 1, 4)).finer(scan)
    assert np.array_equal(maps["residual"].voxels, result.voxels - between.voxels)
    assert np.abs(LargerVoxels((1, 1, 4)).mean(maps["residual"].voxels[0])).max() < 0.1
    maps["residual"].require_same_grid(result)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"samples": 3, "steps": 8, "fidelity": 0.5}, "fidelity would shrink"),
        ({"samples": 3, "steps": 1}, "more than 1 step"),
        ({"samples": 1, "steps": 8}, "2 samples or more"),
    ],
)
def test_samples_that_make_no_sense_are_refused_before_the_network_is_loaded(
    tmp_path, settings, why
):
    model = Checkpoint.open(studies.sampler(tmp_path))
    with pytest.raises(RequestProblem, match=why):
        batch.enhance_job(model, batch.Settings(**settings))
