"""What medddim has enhanced is not enhanced again, unless that is asked for."""

import json

import nibabel
import pydicom
import pytest

from medddim import batch, formats
from medddim.formats import Derivation
from tests import studies

DENOISED = Derivation("denoise", "AI denoised", {"model": "x"})


@pytest.fixture
def tree(tmp_path):
    """A scan of each format, a result of each beside it, and one known by its record alone."""
    folder = studies.study(tmp_path / "study")
    for series in formats.find(folder):
        scan = formats.read(series)
        name = scan.name.replace("/", "_")
        formats.write(scan, folder / "derivatives", name=f"{name}_done", derivation=DENOISED)
    run = folder / "earlier"
    bare = studies.nifti(run, "bare")
    line = {"name": "bare", "status": "ok", "outputs": {bare.name: "x"}, "job": {"kind": "denoise"}}
    (run / "medddim.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def test_own_results_are_skipped_and_described(tree, tmp_path):
    scans = batch.skipping_own(batch.plan([tree], tmp_path / "out"))
    outcomes = list(batch.run(scans, tmp_path / "out", job=batch.identity_job(), dry_run=True))
    status = {one.name: one.status for one in outcomes}
    own = {name for name in status if "derivatives" in name or "earlier" in name}
    assert {status[name] for name in own} == {"skipped"}
    assert {status[name] for name in set(status) - own} == {"planned"}
    assert len(own) == 3
    assert all(one.good for one in outcomes)
    assert all("--again" in one.reason for one in outcomes if one.name in own)


def test_a_result_is_known_by_its_series_description(tmp_path):
    """As after an anonymiser, and as dcm2niix converts a result."""
    scan = formats.read(studies.dicom(tmp_path, "series"))
    for file in formats.write(scan, tmp_path / "in", name="x", derivation=DENOISED):
        dataset = pydicom.dcmread(file)
        del dataset.DerivationDescription
        dataset.save_as(file)
        described = dataset.SeriesDescription.replace(" ", "_")
    bare = nibabel.Nifti1Image(scan.voxels[0], scan.affine)
    nibabel.save(bare, tmp_path / "in" / "converted.nii")
    (tmp_path / "in" / "converted.json").write_text(json.dumps({"SeriesDescription": described}))
    studies.nifti(tmp_path / "in", "new")
    skipped = {one.name for one in batch.skipping_own(formats.find(tmp_path / "in")) if one.skip}
    assert skipped == {"x", "converted"}


def test_a_degraded_scan_is_no_result_to_skip(tmp_path):
    scan = formats.read(studies.nifti(tmp_path, "head"))
    made = Derivation("degrade", "Rician noise added", {})
    formats.write(scan, tmp_path / "in", name="noisy", derivation=made)
    (series,) = batch.skipping_own(formats.find(tmp_path / "in"))
    assert series.skip == ""
