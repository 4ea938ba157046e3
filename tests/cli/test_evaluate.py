"""`medddim evaluate`: figures with their terms, and no result skipped in silence."""

import csv
import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from medddim import compare, formats, read
from medddim.degradation.larger_voxels import LargerVoxels
from tests import studies
from tests.phantoms import head

pytestmark = pytest.mark.usefixtures("blank_drawings")


@pytest.fixture
def folders(tmp_path):
    """`better/`, `reference/` and `noisy/`, two scans each."""
    for folder, noise in (("noisy", 0.1), ("better", 0.05), ("reference", 0.0)):
        for seed, name in enumerate(("one", "two")):
            studies.nifti(tmp_path / folder, name, noise=noise, seed=seed)
    return tmp_path


def test_the_figures_are_those_of_compare(medddim, folders):
    result = medddim("evaluate", "better", "reference", "-o", "scores")
    assert result.exit_code == 0
    rows = json.loads((folders / "scores" / "scores.json").read_text())["scans"]
    assert [row["scan"] for row in rows] == ["one", "two"]
    scores = compare(read(folders / "better/one.nii.gz"), read(folders / "reference/one.nii.gz"))
    assert rows[0]["psnr_db"] == pytest.approx(scores.psnr_db)
    assert rows[0]["data_range"] == pytest.approx(scores.data_range)
    with (folders / "scores" / "scores.csv").open(newline="") as file:
        assert [row["scan"] for row in csv.DictReader(file)] == ["one", "two"]
    assert f"{scores.psnr_db:.2f}" in result.stdout
    assert "protocol medddim, data range" in result.stdout
    assert sorted(path.name for path in (folders / "scores").iterdir()) == [
        "scores.csv", "scores.json", "subjects.csv",
    ]  # fmt: skip


def test_a_result_with_holes_has_no_figures(medddim, folders):
    for folder, code in (("better", 1), ("reference", 0)):  # where the reference has them, it may
        path = folders / folder / "one.nii.gz"
        image = nibabel.load(path)
        voxels = image.get_fdata()
        voxels[20:24, 20:24] = np.nan
        nibabel.save(nibabel.Nifti1Image(voxels, image.affine, image.header), path)
        result = medddim("evaluate", "better", "reference", "-o", "scores")
        assert result.exit_code == code
        assert ("voxels of the result are not finite" in result.stderr) == bool(code)


def test_with_the_input_there_is_a_page_with_its_provenance(medddim, folders):
    result = medddim(
        "evaluate", "better", "reference", "-o", "scores", "--input", "noisy", "--json"
    )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["scan"], row["result"]) for row in rows] == [
        ("one", "input"), ("one", "result"), ("two", "input"), ("two", "result"),
    ]  # fmt: skip
    assert rows[1]["psnr_db"] > rows[0]["psnr_db"]
    page = (folders / "scores" / "report.html").read_text()
    for fact in ("better/one.nii.gz", "noisy/two.nii.gz", "data_range", "foreground", "nibabel"):
        assert fact in page
    assert (folders / "scores" / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert "Under protocol medddim, data range" in page
    assert "bootstrap interval" in page
    assert page.count("How the result was made is not known here") == 2


def test_the_page_says_what_the_record_beside_the_result_says(medddim, folders):
    job = {"kind": "denoise", "model": "mr-denoise", "model_sha256": "ab12", "steps": 4}
    lines = [
        {"name": "one", "status": "ok", "job": job, "outputs": {"one.nii.gz": "cd34"}},
        {"name": "two", "status": "ok", "job": "nonsense", "outputs": {"two.nii.gz": "ef56"}},
        {"name": "one", "status": "refused", "job": {}, "outputs": {}},  # a run that was refused
    ]
    record = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folders / "better" / "medddim.jsonl").write_text(record)
    medddim("evaluate", "better", "reference", "-o", "scores", "--input", "noisy")
    page = (folders / "scores" / "report.html").read_text()
    assert "says: denoise, model mr-denoise, steps 4." in page
    assert "ab12" in page
    assert page.count("How the result was made is not known here") == 1


def test_differences_come_with_an_interval_over_subjects(medddim, folders):
    result = medddim("evaluate", "better", "reference", "-o", "s", "--input", "noisy")
    assert "result - input" in result.stdout
    with (folders / "s" / "differences.csv").open(newline="") as file:
        gain = next(row for row in csv.DictReader(file) if row["figure"] == "psnr_db")
    assert gain["subjects"] == "2"
    assert 0 < float(gain["low"]) <= float(gain["mean"]) <= float(gain["high"])
    whole = json.loads((folders / "s" / "scores.json").read_text())
    assert set(whole["spectra"]["one"]) == {"result", "reference", "input"}
    (taken,) = [r for r in whole["scans"] if r["scan"] == "one" and r["result"] == "result"]
    assert taken["residual_spread"] > 0


def test_all_conventions_stand_side_by_side(medddim, folders):
    result = medddim(
        "evaluate", "better/one.nii.gz", "reference/one.nii.gz", "-o", "s", "--protocol", "all"
    )
    assert result.exit_code == 0
    rows = json.loads((folders / "s/scores.json").read_text())["scans"]
    assert [row["protocol"] for row in rows] == ["medddim", "fastmri", "monai"]
    assert all(f"protocol {row['protocol']}, data range" in result.stdout for row in rows)
    assert len({row["kernel"] + row["range_rule"] for row in rows}) == 3


def test_another_method_is_compared_too(medddim, folders):
    result = medddim("evaluate", "better", "reference", "-o", "s", "--against", "noisy")
    assert "result - against" in result.stdout
    assert {"differences.csv", "subjects.csv"} <= {p.name for p in (folders / "s").iterdir()}


def test_dicom_is_matched_by_uid_and_its_patient_is_not_named(medddim, folders):
    for folder in ("theirs", "ours"):
        studies.dicom(folders / folder / "a", "first" if folder == "ours" else "other")
    for path in (folders / "theirs").rglob("*.dcm"):
        path.rename(path.with_name(f"x{path.name}"))
    studies.nifti(folders / "ours", "extra")
    studies.nifti(folders / "theirs", "extra")
    result = medddim("evaluate", "ours", "theirs", "-o", "s")
    assert result.exit_code == 0
    text = (folders / "s" / "scores.json").read_text()
    assert "patient 1" in text
    assert studies.CANARY not in text


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folders: (folders / "reference/two.nii.gz").unlink(), "two: no scan of this name"),
        (lambda folders: studies.truncated(folders / "better"), "cut: "),
        (
            lambda folders: studies.truncated(folders / "reference").replace(
                folders / "reference/two.nii.gz"
            ),
            "reference/two.nii.gz: ",
        ),
    ],
)
def test_a_result_that_cannot_be_measured_costs_no_other(medddim, folders, spoil, reason):
    spoil(folders)
    result = medddim("evaluate", "better", "reference", "-o", "scores")
    assert result.exit_code == 1
    assert "not measured, in no mean" in result.stderr
    assert reason in result.stderr
    whole = json.loads((folders / "scores" / "scores.json").read_text())
    assert {row["scan"] for row in whole["scans"]} >= {"one"}
    assert len(whole["not_measured"]) == 1


def test_nothing_is_written_where_nothing_can_be_measured(medddim, folders):
    for path in (folders / "better").iterdir():
        path.write_bytes(b"no image")
    result = medddim("evaluate", "better", "reference", "-o", "scores")
    assert result.exit_code == 1
    assert result.stderr.startswith("medddim: one: ")
    assert not (folders / "scores").exists()


def test_grids_that_differ_are_named(medddim, folders, study):
    result = medddim("evaluate", "better/one.nii.gz", "study/series", "-o", "scores")
    assert result.exit_code == 1
    assert "one: the scans differ in shape" in result.stderr
    assert result.stderr.count("Volume(") == 2


def test_an_unknown_protocol_lists_the_known_ones(medddim, folders):
    result = medddim("evaluate", "better", "reference", "-o", "scores", "--protocol", "none")
    assert result.exit_code == 2
    assert "choose from medddim" in result.stderr


@pytest.mark.parametrize("where", ["better", "reference", "noisy"])
def test_scores_never_land_among_the_scans(medddim, folders, where):
    for output in (where, f"{where}/scores"):
        result = medddim("evaluate", "better", "reference", "-o", output, "--input", "noisy")
        assert result.exit_code == 2
        assert "choose one beside it" in result.stderr
    assert len(list((folders / where).iterdir())) == 2


def test_a_coarser_input_is_measured_as_its_interpolation(medddim, tmp_path):
    fine = head((32, 30, 12))
    coarse = LargerVoxels((1, 1, 4))(fine, np.random.default_rng(0))
    for folder, scan in (("reference", fine), ("better", fine), ("thick", coarse)):
        formats.write(scan, tmp_path / folder, name="one", derivation=studies.IDENTITY)
    medddim("evaluate", "better", "reference", "-o", "s", "--input", "thick")
    before, after = json.loads((tmp_path / "s" / "scores.json").read_text())["scans"]
    expected = compare(LargerVoxels((1, 1, 4)).finer(coarse), fine)
    assert before["result"] == "input"
    assert before["psnr_db"] == pytest.approx(expected.psnr_db, rel=1e-4)
    assert after["psnr_db"] is None or after["psnr_db"] > before["psnr_db"]
    assert "The input has a lower resolution" in (tmp_path / "s" / "report.html").read_text()


def test_an_input_that_lies_elsewhere_is_no_coarser_input(medddim, tmp_path):
    fine = head((32, 30, 12))
    coarse = LargerVoxels((1, 1, 4))(fine, np.random.default_rng(0))
    moved = replace(coarse, affine=coarse.affine + np.array([[0, 0, 0, 2]] * 3 + [[0] * 4]))
    for folder, scan in (("reference", fine), ("better", fine), ("thick", moved)):
        formats.write(scan, tmp_path / folder, name="one", derivation=studies.IDENTITY)
    result = medddim("evaluate", "better", "reference", "-o", "s", "--input", "thick")
    assert result.exit_code == 1
    assert "one: the scans differ in shape" in result.output
    assert not (tmp_path / "s").exists()


def test_a_ct_that_does_not_say_so_is_measured_as_one(medddim, tmp_path):
    for folder, water in (("better", 42.0), ("reference", 40.0)):
        scan = head().with_voxels(np.where(head().voxels > 0, water, -1000.0))
        formats.write(scan, tmp_path / folder, name="one", derivation=studies.IDENTITY)
    assert medddim("evaluate", "better", "reference", "-o", "scores").exit_code == 0
    (row,) = json.loads((tmp_path / "scores" / "scores.json").read_text())["scans"]
    assert (row["data_range"], row["unit"]) == (400, "HU")


def test_a_reference_without_a_result_is_reported(medddim, folders):
    (folders / "better" / "two.nii.gz").unlink()
    result = medddim("evaluate", "better", "reference", "-o", "scores")
    assert result.exit_code == 0
    assert "no result for 1 of the references, in no mean: two" in result.stderr
    whole = json.loads((folders / "scores" / "scores.json").read_text())
    assert whole["without_result"] == ["two"]
