"""A run: one bad scan never stops the rest, and what is done is done once."""

import json

import numpy as np
import pytest
from filelock import FileLock

import medddim
from medddim import batch, formats, record
from medddim.checkpoint import Checkpoint
from medddim.errors import EnvironmentProblem, UnreadableScan, WriteRefused
from tests import studies


def statuses(outcomes):
    return {outcome.name: outcome.status for outcome in outcomes}


def run(source, out, job, **options):
    return list(batch.run(batch.plan([source], out), out, job=job, **options))


def manifest(out):
    return json.loads((out / batch.MANIFEST).read_text())


def test_the_work_is_done_and_written(heads, out, halving):
    outcomes = run(heads, out, halving())
    assert statuses(outcomes) == {"a": "ok", "b": "ok", "c": "ok"}
    for name in "abc":
        before, after = (formats.read(folder / f"{name}.nii.gz") for folder in (heads, out))
        assert np.allclose(after.voxels, before.voxels / 2)


def test_the_manifest_tells_how_it_was_made(heads, out, halving):
    run(heads, out, halving())
    reported = manifest(out)
    assert reported["job"] == {"kind": "degrade", "factor": 0.5}
    assert reported["device"] == "cpu"
    assert {"medddim", "torch", "monai", "numpy"} <= set(reported["versions"])
    assert reported["scans_given"] == len(reported["scans"]) == 3
    for scan in reported["scans"]:
        assert set(map(len, [*scan["inputs"].values(), *scan["outputs"].values()])) == {64}
        assert all((out / name).is_file() for name in scan["outputs"])
    lines = (out / batch.RECORD).read_text().splitlines()
    assert [json.loads(line) for line in lines] == reported["scans"]


def test_what_is_done_is_skipped(heads, out, halving):
    run(heads, out, halving())
    first = studies.contents(out)
    again = run(heads, out, halving(before=lambda number: pytest.fail("done twice")))
    assert set(statuses(again).values()) == {"done before"}
    assert studies.contents(out) == first
    assert again[0].outputs
    assert set(statuses(run(heads, out, halving())).values()) == {"done before"}


def test_what_was_done_before_keeps_the_versions_it_was_made_with(heads, out, halving, monkeypatch):
    run(heads / "a.nii.gz", out, halving())
    monkeypatch.setattr(record, "__version__", "99")
    run(heads, out, halving())
    made = {scan["name"]: scan["versions"]["medddim"] for scan in manifest(out)["scans"]}
    assert made == {"a": medddim.__version__, "b": "99", "c": "99"}


def test_a_map_made_later_does_not_change_who_made_the_result(heads, out, monkeypatch):
    model = studies.model(out.parent / "model")
    for version, settings in (("1", {}), ("2", {"residual": True})):
        monkeypatch.setattr(record, "__version__", version)
        job = batch.enhance_job(Checkpoint.open(model), **settings)
        (one,) = run(heads / "a.nii.gz", out, job)
        assert one.versions["medddim"] == "1"
    assert "a+residual.nii.gz" in one.outputs


def test_a_record_that_cannot_be_written_is_no_fault_of_the_scan(out):
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        record.announce(out / "gone", batch.Outcome("a", "ok"))


def test_moved_inputs_are_the_same_inputs(heads, out, tmp_path, halving):
    run(heads, out, halving())
    moved = studies.copy(heads, tmp_path / "elsewhere")
    assert set(statuses(run(moved, out, halving())).values()) == {"done before"}


def test_a_lost_result_is_made_again(heads, out, halving):
    run(heads, out, halving())
    first = studies.contents(out)
    (out / "b.nii.gz").unlink()
    assert statuses(run(heads, out, halving())) == {
        "a": "done before",
        "b": "ok",
        "c": "done before",
    }
    assert studies.contents(out) == first


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda heads, out: (out / "b.nii.gz").write_bytes(b""), "altered since"),
        (lambda heads, out: studies.nifti(heads, "b2").replace(heads / "b.nii.gz"), "other files"),
        (lambda heads, out: (out / batch.RECORD).unlink(), "is there already;"),
    ],
)
def test_a_result_is_never_overwritten(heads, out, halving, change, why):
    run(heads, out, halving())
    change(heads, out)
    standing = studies.contents(out)
    refused = run(heads, out, halving(before=lambda number: pytest.fail("work in vain")))[1]
    assert refused.status == "refused"
    assert why in refused.reason
    assert studies.contents(out) == standing


def test_other_settings_are_another_job(heads, out, halving):
    run(heads, out, halving())
    for outcome in run(heads, out, halving(seed=1)):
        assert outcome.status == "refused"
        assert "made with other settings (seed not given)" in outcome.reason
    assert {one["name"] for one in manifest(out)["earlier"]} == {"a", "b", "c"}


def test_without_resume_nothing_is_skipped(heads, out, halving):
    run(heads, out, halving())
    assert {o.status for o in run(heads, out, halving(), resume=False)} == {"refused"}


def test_a_torn_record_costs_one_scan_at_most(heads, out, halving):
    run(heads, out, halving())
    lines = out / batch.RECORD
    lines.write_bytes(b'\xff{"name": 1}\n[]\n' + lines.read_bytes()[:-20])
    (out / "c.nii.gz").unlink()
    assert statuses(run(heads, out, halving())) == {
        "a": "done before",
        "b": "done before",
        "c": "ok",
    }
    assert set(statuses(run(heads, out, halving())).values()) == {"done before"}


def test_a_dry_run_writes_nothing(heads, out, halving):
    planned = run(heads, out, halving(before=lambda number: pytest.fail("work")), dry_run=True)
    assert set(statuses(planned).values()) == {"planned"}
    assert planned[0].facts["shape"] == (48, 44, 6)
    assert not out.exists()
    run(heads, out, halving())
    assert set(statuses(run(heads, out, halving(), dry_run=True)).values()) == {"done before"}


@pytest.mark.parametrize("spoil", [studies.truncated, studies.gap, studies.not_nifti])
def test_a_bad_scan_does_not_stop_the_rest(heads, out, halving, spoil):
    spoil(heads)
    outcomes = run(heads, out, halving())
    assert sorted(statuses(outcomes).values()) == ["ok", "ok", "ok", "refused"]
    assert sorted(studies.contents(out)) == ["a.nii.gz", "b.nii.gz", "c.nii.gz"]


def test_a_bug_does_not_stop_the_rest_and_quotes_nothing(heads, out, halving):
    def stumble(number):
        if number == 1:
            raise KeyError(studies.CANARY)

    outcomes = run(heads, out, halving(stumble))
    assert statuses(outcomes) == {"a": "ok", "b": "failed", "c": "ok"}
    assert "KeyError" in outcomes[1].reason
    assert studies.CANARY not in repr(outcomes)
    assert set(statuses(run(heads, out, halving())).values()) == {"done before", "ok"}


def test_an_input_that_vanishes_does_not_stop_the_rest(heads, out, halving):
    scans = batch.plan([heads], out)
    (heads / "a.nii.gz").unlink()
    outcomes = list(batch.run(scans, out, job=halving()))
    assert statuses(outcomes) == {"a": "refused", "b": "ok", "c": "ok"}
    assert "a.nii.gz" in outcomes[0].reason


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(heads, out, halving):
    def fill(number):
        if number == 1:
            raise EnvironmentProblem("no space left")

    with pytest.raises(EnvironmentProblem, match="no space"):
        run(heads, out, halving(fill))
    assert sorted(studies.contents(out)) == ["a.nii.gz"]
    assert manifest(out)["scans_given"] == 3
    assert len(manifest(out)["scans"]) == 1


def test_an_interrupted_run_goes_on_to_the_same_end(heads, out, tmp_path, halving):
    def interrupt(number):
        if number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(heads, out, halving(interrupt))
    assert sorted(studies.contents(out)) == ["a.nii.gz"]
    assert statuses(run(heads, out, halving())) == {"a": "done before", "b": "ok", "c": "ok"}
    run(heads, tmp_path / "undisturbed", halving())
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")


@pytest.mark.parametrize("moment", ["announce", "append"])
def test_a_run_killed_beside_the_writing_goes_on_to_the_same_end(
    heads, out, tmp_path, halving, monkeypatch, moment
):
    """Between a result and its line in the record lies a moment; a result is not lost in it."""
    undisturbed, calls = getattr(record, moment), iter(range(10))

    def killed(*arguments, **more):
        if next(calls) >= 1:
            raise KeyboardInterrupt
        undisturbed(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(record, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            run(heads, out, halving())
    there = "done before" if moment == "append" else "ok"
    again = statuses(run(heads, out, halving()))
    assert again.pop("c") in ("ok", there)  # it may have been on its way
    assert again == {"a": "done before", "b": there}
    run(heads, tmp_path / "undisturbed", halving())
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_a_result_that_failed_to_be_written_is_not_taken_for_one(heads, out, halving, monkeypatch):
    def full(*arguments, **more):
        raise EnvironmentProblem("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(formats, "write", full)
        with pytest.raises(EnvironmentProblem, match="no space"):
            run(heads, out, halving())
    assert set(statuses(run(heads, out, halving())).values()) == {"ok"}


def test_two_runs_never_share_a_folder(heads, out, halving):
    out.mkdir()
    with FileLock(out / batch.LOCK), pytest.raises(WriteRefused, match="another run"):
        run(heads, out, halving())
    assert studies.contents(out) == {}
    assert set(statuses(run(heads, out, halving())).values()) == {"ok"}


def test_a_second_run_is_refused_while_the_first_goes_on(heads, out, halving):
    scans = batch.plan([heads], out)
    first = batch.run(scans, out, job=halving())
    next(first)
    with pytest.raises(WriteRefused, match="another run"):
        next(batch.run(scans, out, job=halving()))
    assert len(list(first)) == 2


@pytest.mark.parametrize("where", ["in", "in/out", "in/../in/deep/er", "link/out"])
def test_results_never_land_among_the_scans(heads, tmp_path, where):
    (tmp_path / "link").symlink_to(heads)
    with pytest.raises(WriteRefused, match="choose one beside it"):
        batch.plan([heads], tmp_path / where)


def test_a_file_may_have_its_results_in_a_folder_beside_it(heads, out, halving):
    outcomes = run(heads / "a.nii.gz", heads / "better", halving())
    assert statuses(outcomes) == {"a": "ok"}
    with pytest.raises(WriteRefused, match="holds the input"):
        batch.plan([heads / "a.nii.gz"], heads)


def test_a_link_to_the_results_makes_no_scans_of_them(tmp_path, out, halving):
    studies.dicom(tmp_path / "in", "one")
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    run(tmp_path / "in" / "one", out, halving())
    first = studies.contents(out)
    with pytest.raises(WriteRefused, match="hold results of an earlier run"):
        run(tmp_path / "in", out, halving())
    assert studies.contents(out) == first


def test_a_result_never_takes_the_place_of_its_scan(tmp_path, halving):
    scan = studies.dicom(tmp_path / "in", "one")
    with pytest.raises(WriteRefused, match="holds the input"):
        run(scan, tmp_path / "in", halving())


def test_a_folder_that_cannot_be_made_is_a_problem_of_the_environment(heads, tmp_path, halving):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        run(heads, tmp_path / "file" / "out", halving())


def test_no_scan_is_said_with_what_was_looked_at(tmp_path):
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(UnreadableScan, match=r"1 file looked at.*expected DICOM"):
        batch.find([tmp_path])
