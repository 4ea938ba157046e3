"""What is said of folders and of scans that are not there, word for word."""

import pytest
from filelock import FileLock

from medddim import batch
from medddim.batch.locks import locked
from medddim.batch.places import require_beside, require_outside
from medddim.errors import EnvironmentProblem, RequestProblem, UnreadableScan, WriteRefused
from tests import studies


def said(kind, call, *args, **options):
    with pytest.raises(kind) as problem:
        call(*args, **options)
    return str(problem.value)


def test_an_output_folder_among_the_scans(tmp_path):
    (tmp_path / "in").mkdir()
    for out in (tmp_path / "in", tmp_path / "in" / "deep" / "er"):
        assert said(WriteRefused, require_outside, out, [tmp_path / "b", tmp_path / "in"]) == (
            f"the output folder {out} is, or lies in, the input folder {tmp_path / 'in'}; choose "
            "one beside it"
        )
    require_outside(tmp_path / "in2", [tmp_path / "in"])
    require_outside(tmp_path, [tmp_path / "in"])


@pytest.mark.parametrize("given", ["in", "in/deep", "in/deep/a.nii.gz"])
def test_an_output_folder_above_the_scans(tmp_path, given):
    studies.nifti(tmp_path / "in" / "deep", "a")
    (tmp_path / "link").symlink_to(tmp_path)
    other = "in-results" if given == "in" else "in/deep-results"
    for out in (tmp_path, tmp_path / "link"):
        assert said(WriteRefused, require_beside, out, [tmp_path / given]) == (
            f"the output folder {out} holds the input {tmp_path / given}, so results would lie "
            f"among scans; choose one that holds results alone, such as {tmp_path / other}"
        )
    require_beside(tmp_path / "in2", [tmp_path / given])
    require_beside(tmp_path / "in-results", [tmp_path / given])


def test_no_scan_at_all(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "notes.txt").write_text("no scan")
    expected = "expected DICOM series, or NIfTI, MetaImage, NRRD or MGH files"
    assert said(UnreadableScan, batch.find, [tmp_path]) == (
        f"no scan in {tmp_path} (1 file looked at): {expected}"
    )
    two = [tmp_path / "a", tmp_path / "notes.txt", tmp_path]
    assert said(UnreadableScan, batch.find, two[::2]) == (
        f"no scan in {two[0]}, {two[2]} (1 file looked at): {expected}"
    )
    assert "(0 files looked at)" in said(UnreadableScan, batch.find, two[:1])


def test_a_rule_that_chooses_none(heads):
    asked = {"select": "name=x", "exclude": "name=y"}
    assert said(UnreadableScan, batch.find, [heads], **asked) == (
        f"--select and --exclude chose none of the 3 series in {heads}; `medddim inspect` without "
        "it lists them"
    )
    del asked["exclude"]
    assert said(UnreadableScan, batch.find, [heads], **asked).startswith("--select chose none")
    assert [one.name for one in batch.find([heads], select="name=b")] == ["b"]


def test_results_among_the_scans(tmp_path, heads, out, halving):
    list(batch.run(batch.plan([heads], out), out, job=halving()))

    def plan(path, place):
        return next(batch.run(batch.find([path]), place, job=halving()))

    assert said(WriteRefused, plan, out / "a.nii.gz", out) == (
        f"the scans given hold results of an earlier run in {out}, perhaps by a link; give the "
        "scans alone"
    )
    assert said(WriteRefused, plan, heads / "a.nii.gz", heads) == (
        f"the output folder {heads} holds scans; choose one beside it"
    )
    scan = studies.dicom(tmp_path / "dicom", "one")
    assert said(WriteRefused, plan, scan, tmp_path / "dicom") == (
        f"the result of {scan} would take its place; choose another output folder"
    )


def test_a_folder_that_another_run_holds(tmp_path):
    with FileLock(tmp_path / batch.LOCK):
        assert said(WriteRefused, locked(tmp_path).__enter__) == (
            f"another run is writing to {tmp_path}; wait until it ends, or choose another folder"
        )


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    place = tmp_path / "file" / "out"
    stated = said(EnvironmentProblem, locked(place).__enter__)
    assert stated.startswith(f"{place}: cannot be written: ")
    assert stated.endswith("; free or choose another place")


def test_a_shard(tmp_path):
    third = batch.Shard.parse("3/8")
    assert (third.number, third.count, third.part) == (3, 8, "3-of-8")
    assert batch.Shard.parse("8/8") == batch.Shard(8, 8)
    assert said(RequestProblem, batch.Shard.parse, "9/8") == (
        "expected a shard such as 3/8, the third of eight, found '9/8'"
    )
    assert batch.Shard.parse("000000001/000000002") == batch.Shard(1, 2)
    assert "found '0000000001/2'" in said(RequestProblem, batch.Shard.parse, "0000000001/2")
    assert "found '1/8 '" in said(RequestProblem, batch.Shard.parse, "1/8 ")


def test_the_shard_of_a_scan_never_changes():
    """Shards of an old run and of a new one may share a folder: by its name alone, for ever."""
    names = ["a", "sub-01/anat/T1w", "head", "knee/t2", "t1", "flair"]
    numbers = [next(n for n in range(1, 6) if batch.Shard(n, 5).holds(name)) for name in names]
    assert numbers == [1, 3, 2, 2, 2, 4]
