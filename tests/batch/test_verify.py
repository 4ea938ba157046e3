"""A result that is what its run has written is sound; any change to it is found, and where."""

import json
import shutil

import nibabel
import numpy as np
import pydicom
import pytest

from medddim import batch, record
from medddim.batch import validators
from medddim.batch.verify import verify
from medddim.degradation import LowMatrix, ThickSlices
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.digest import sha256_of
from medddim.errors import UnreadableScan
from tests import studies


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """`study/` and, beside it, `out/`: copied, and `worse/`: halved, to be copied by a test."""
    place = tmp_path_factory.mktemp("verify")
    studies.study(place / "study")
    half = batch.Job("degrade", "Halved", {"factor": 0.5, "axes": (1, 2)}, lambda progress: _halve)
    for out, job in (("out", batch.identity_job()), ("worse", half)):
        scans = batch.plan([place / "study"], place / out)
        assert all(one.good for one in batch.run(scans, place / out, job=job))
    return place


def _halve(volume, facts):
    return volume.with_voxels(np.round(volume.voxels / 2)), {}


@pytest.fixture
def place(done, tmp_path, monkeypatch):
    """A copy to spoil; the validators are left to their own tests."""
    monkeypatch.setattr(validators, "missing", lambda: ["dciodvfy"])
    for name in ("study", "out", "worse"):
        shutil.copytree(done / name, tmp_path / name)
    for out in ("out", "worse"):
        reword(tmp_path / out, lambda text: text.replace(str(done), str(tmp_path)))
    return tmp_path


def reword(out, change):
    """Edit manifest and record alike, as someone who knows both."""
    for name in (record.MANIFEST, record.RECORD):
        (out / name).write_text(change((out / name).read_text()))


def reseal(out):
    """Put the sha256 of the files as they are now into manifest and record."""
    scans = json.loads((out / record.MANIFEST).read_text())["scans"]
    for file, sha256 in (item for scan in scans for item in scan["outputs"].items()):
        now = sha256_of(out / file)
        reword(out, lambda text, old=sha256, new=now: text.replace(old, new))


def edit(path, change):
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)


def wrong(out):
    """Every topic that is wrong, by result."""
    return {
        one.name: [topic for topic, problem in one.topics.items() if problem]
        for one in verify(out)
        if not one.good
    }


@pytest.mark.parametrize("out", ["out", "worse"])
def test_what_the_run_has_written_is_sound(place, out):
    verdicts = {one.name: one for one in verify(place / out)}
    assert all(one.good for one in verdicts.values())
    assert set(verdicts) == {"medddim.json", "head", "series"}
    everything = {"record", "files", "source", "geometry", "values", "order", "identity"}
    everything |= {"provenance"}
    assert set(verdicts["series"].topics) == everything
    assert set(verdicts["head"].topics) == everything - {"order", "identity"}


def one_voxel(dataset):
    dataset.PixelData = b"\x07" + dataset.PixelData[1:]


def one_uid(dataset):
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.99"


def other_series(dataset):
    dataset.SeriesInstanceUID = "2.25.98"


def moved(dataset):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x + 5, y, z]


def moved_a_little(dataset):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, z + 0.001]


def brighter(dataset):
    dataset.RescaleSlope, dataset.RescaleIntercept = "3", "0"


def silent(dataset):
    dataset.DerivationDescription = "medddim 1, other: something else"


def orphaned(dataset):
    del dataset.SourceImageSequence


def renamed(dataset):
    dataset.PatientID = "someone else"


TAMPERS = {
    one_voxel: {"values", "identity"},
    one_uid: {"identity"},
    other_series: {"geometry", "identity"},
    moved: {"geometry", "identity"},
    moved_a_little: {"identity"},
    brighter: {"values"},
    silent: {"provenance"},
    orphaned: {"provenance"},
    renamed: {"geometry"},  # two patients in one series are not read at all
}


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
@pytest.mark.daily(2)
def test_a_change_of_one_slice_is_found(place, tamper):
    edit(place / "out" / "series" / "0002.dcm", tamper)
    assert "files" in wrong(place / "out")["series"]
    reseal(place / "out")
    found = wrong(place / "out")
    assert list(found) == ["series"]
    assert set(found["series"]) & TAMPERS[tamper], "even if the record was changed to fit"


def test_a_missing_slice_is_found(place):
    (place / "out" / "series" / "0003.dcm").unlink()
    assert wrong(place / "out") == {"series": ["files"]}


def test_a_slice_too_many_is_found(place):
    series = place / "out" / "series"
    shutil.copy(series / "0003.dcm", series / "0009.dcm")
    assert wrong(place / "out") == {"series": ["files"]}


@pytest.mark.parametrize("name", [record.MANIFEST, record.RECORD])
def test_an_edited_record_is_found(place, name):
    path = place / "worse" / name
    path.write_text(path.read_text().replace('"factor": 0.5', '"factor": 0.25'))
    assert wrong(place / "worse") == {
        "head": ["record"],
        "series": ["record", "identity", "provenance"] if name == record.MANIFEST else ["record"],
    }


def test_a_record_edited_in_both_places_no_longer_explains_the_identifiers(place):
    reword(place / "worse", lambda text: text.replace('"factor": 0.5', '"factor": 0.25'))
    assert wrong(place / "worse") == {"series": ["identity", "provenance"]}


def test_a_voxel_of_a_nifti_copy_is_found(place):
    path = place / "out" / "head.nii.gz"
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).copy()
    voxels[3, 4, 1] += 5
    nibabel.save(nibabel.Nifti1Image(voxels, None, image.header), path)
    assert wrong(place / "out") == {"head": ["files", "values"]}


def test_a_shifted_nifti_is_found(place):
    path = place / "worse" / "head.nii.gz"
    image = nibabel.load(path)
    affine = image.affine + np.eye(4, k=3) * 2
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), affine, image.header), path)
    reseal(place / "worse")
    assert wrong(place / "worse") == {"head": ["geometry"]}


def test_another_source_is_found(place):
    (place / "study" / "head.nii.gz").write_bytes(b"another")
    (place / "study" / "series").rename(place / "study" / "gone")
    assert wrong(place / "out") == {"head": ["source"], "series": ["source"]}


def test_what_a_killed_run_leaves_is_found(place):
    (place / "out" / ".series.partial").mkdir()
    assert wrong(place / "out") == {"medddim.json": ["record"]}


def test_an_interrupted_run_is_reported(place):
    path = place / "out" / record.MANIFEST
    path.write_text(path.read_text().replace('"scans_given": 2', '"scans_given": 5'))
    (bad,) = [one for one in verify(place / "out") if not one.good]
    assert "interrupted after 2 of 5" in bad.topics["record"]


def test_an_output_outside_the_folder_is_not_followed(place):
    reword(place / "out", lambda text: text.replace('"head.nii.gz":', '"../study/head.nii.gz":'))
    assert "files" in wrong(place / "out")["head"]


def test_results_that_moved_with_their_sources_are_found_again(place):
    reword(place / "out", lambda text: text.replace(f"{place}/", ""))
    place.rename(place.with_name("moved"))
    assert wrong(place.with_name("moved") / "out") == {}


def test_scans_from_a_zip_are_found_again_in_the_zip(place, monkeypatch):
    monkeypatch.chdir(place)
    shutil.make_archive("scans", "zip", place / "study")
    scans = batch.plan([place / "scans.zip"], place / "fromzip")
    assert all(one.good for one in batch.run(scans, place / "fromzip", job=batch.identity_job()))
    assert wrong(place / "fromzip") == {}


@pytest.mark.parametrize("content", [None, "", "[]", '{"scans": 3, "job": {}}'])
def test_a_folder_without_a_manifest_is_refused(place, content):
    path = place / "out" / record.MANIFEST
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableScan, match="expected the manifest"):
        list(verify(place / "out"))


def test_a_run_that_wrote_nothing_is_reported(place):
    for name in (record.MANIFEST, record.RECORD):
        (place / "out" / name).write_text('{"scans": [], "job": {}}')
    with pytest.raises(UnreadableScan, match="no result"):
        list(verify(place / "out"))


def test_a_json_file_beside_the_source_is_not_missed_beside_the_result(tmp_path):
    for name, modality in (("mr", "MR"), ("ct", "CT")):
        file = studies.nifti(tmp_path / "in", name)
        file.with_name(f"{name}.json").write_text(json.dumps({"Modality": modality}))
    run_identity(tmp_path)
    assert wrong(tmp_path / "out") == {}


def test_whole_numbers_on_a_finer_grid_are_rightly_float32(tmp_path):
    image = nibabel.Nifti1Image(np.arange(512, dtype=np.int16).reshape(8, 8, 8), np.eye(4))
    for key, value in (("slice_end", 7), ("slice_code", 1), ("slice_duration", 0.5)):
        image.header[key] = value
    (tmp_path / "in").mkdir()
    nibabel.save(image, tmp_path / "in" / "whole.nii")
    finer = batch.Job("superresolve", "Finer", {"factor": [1, 1, 2]}, lambda progress: twice)
    scans = batch.plan([tmp_path / "in"], tmp_path / "out")
    assert [one.reason for one in batch.run(scans, tmp_path / "out", job=finer)] == [""]
    assert wrong(tmp_path / "out") == {}
    header = nibabel.load(tmp_path / "out" / "whole.nii").header
    assert [int(header[f"slice_{key}"]) for key in ("end", "code", "duration")] == [0, 0, 0]


def test_what_was_refused_later_leaves_a_result_sound(tmp_path):
    studies.nifti(tmp_path / "in")
    run_identity(tmp_path)
    scans = batch.plan([tmp_path / "in"], tmp_path / "out")
    worse = batch.degrade_job(LowMatrix(0.5), seed=0)
    (one,) = batch.run(scans, tmp_path / "out", job=worse)
    assert one.status == "refused"
    assert wrong(tmp_path / "out") == {}


@pytest.mark.daily(1)
@pytest.mark.parametrize("worse", [LowMatrix(0.5), ThickSlices(8, gap_mm=2)])
def test_larger_voxels_may_begin_where_the_smaller_ones_did(tmp_path, worse):
    studies.dicom(tmp_path / "in")
    job = batch.degrade_job(worse, seed=0)
    scans = batch.plan([tmp_path / "in"], tmp_path / "out")
    assert [one.reason for one in batch.run(scans, tmp_path / "out", job=job)] == [""]
    assert wrong(tmp_path / "out") == {}
    result = pydicom.dcmread(next((tmp_path / "out" / "series").iterdir()))
    if isinstance(worse, ThickSlices):
        assert (result.SliceThickness, result.SpacingBetweenSlices) == (8, 10)


def twice(volume, facts):
    return LargerVoxels((1, 1, 2)).finer(volume), {}


def run_identity(place):
    scans = batch.plan([place / "in"], place / "out")
    assert all(one.good for one in batch.run(scans, place / "out", job=batch.identity_job()))
