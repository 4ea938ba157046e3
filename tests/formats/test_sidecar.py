"""What lies beside a scan goes along with its result, changed where the result makes it wrong."""

import json

import nibabel
import numpy as np
import pytest

from medddim import formats
from medddim.formats import Derivation, sidecar
from tests.formats import files
from tests.formats.test_contract import finer

DENOISED = Derivation("denoise", "AI denoised", {"noise_level": 0.05})
SAID = {
    "Modality": "MR",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "RepetitionTime": 2.0,
    "SliceTiming": [0.0, 1.0, 0.5, 1.5],
    "SliceThickness": 2.5,
    "PhaseEncodingDirection": "j-",
    "PatientName": "ZZPHI",
    "AcquisitionTime": "03:17:42",
}


@pytest.fixture
def dwi(nifti_file):
    """Four volumes with b-values, directions and a JSON file."""
    path = nifti_file("sub-01_dwi.nii.gz", shape=(6, 5, 4, 4))
    path.with_name("sub-01_dwi.json").write_text(json.dumps(SAID))
    path.with_name("sub-01_dwi.bval").write_text("0 1000 1000 1000\n")
    path.with_name("sub-01_dwi.bvec").write_text("0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    return path


def result_of(path, out, *, change=lambda volume: volume):
    written = formats.write(change(formats.read(path)), out, derivation=DENOISED)
    said = json.loads(next(file for file in written if file.suffix == ".json").read_text())
    return written, said


def test_json_and_tables_go_along(dwi, tmp_path):
    written, said = result_of(dwi, tmp_path / "out")
    assert [file.name for file in written] == [
        f"sub-01_dwi{ending}" for ending in (".nii.gz", ".bval", ".bvec", ".json")
    ]
    for ending in (".bval", ".bvec"):
        beside = dwi.with_name(f"sub-01_dwi{ending}").read_bytes()
        assert (tmp_path / "out" / f"sub-01_dwi{ending}").read_bytes() == beside
    assert said["ImageType"] == ["DERIVED", "PRIMARY", "M", "ND"]
    kept = ("RepetitionTime", "SliceTiming", "SliceThickness", "PhaseEncodingDirection")
    assert {key: said[key] for key in kept} == {key: SAID[key] for key in kept}
    assert said["GeneratedBy"][-1]["Description"] == "medddim denoise: AI denoised"


def test_who_was_scanned_and_when_stays_behind_and_is_described(dwi, tmp_path):
    written, said = result_of(dwi, tmp_path / "out")
    assert {"PatientName", "AcquisitionTime"}.isdisjoint(said)
    assert written.notes == ("2 keys of the JSON file that may identify a person were left out",)


def test_what_counts_slices_is_changed_on_another_grid(dwi, tmp_path):
    written, said = result_of(dwi, tmp_path / "out", change=finer)
    assert "SliceTiming" not in said
    assert said["SliceThickness"] == 1.25
    assert "as the grid changed: SliceTiming" in " ".join(written.notes)


def test_what_a_data_set_says_further_up_holds_too(nifti_file, tmp_path):
    top = tmp_path / "in"
    path = nifti_file("sub-01/func/sub-01_task-rest_bold.nii.gz", shape=(6, 5, 4, 3))
    (top / "task-rest_bold.json").write_text('{"RepetitionTime": 2.0, "EchoTime": 0.03}')
    (top / "task-nback_bold.json").write_text('{"RepetitionTime": 9.0}')
    path.with_name("sub-01_task-rest_bold.json").write_text('{"EchoTime": 0.02}')
    assert sidecar.said_of(path, "sub-01_task-rest_bold") == {"EchoTime": 0.02}
    (top / "dataset_description.json").write_text("{}")
    assert sidecar.said_of(path, "sub-01_task-rest_bold") == {
        "RepetitionTime": 2.0,
        "EchoTime": 0.02,
    }


def test_units_further_up_are_a_refusal(nifti_file, tmp_path):
    nifti_file("sub-01/fmap/sub-01_acq-x_fieldmap.nii.gz")
    path = nifti_file("sub-01/anat/sub-01_T1w.nii.gz")
    (tmp_path / "in" / "dataset_description.json").write_text("{}")
    (tmp_path / "in" / "T1w.json").write_text('{"Units": "Hz"}')
    assert all(series.refusal for series in formats.find(tmp_path / "in"))
    assert "a field map (Units" in formats.find(path)[0].refusal


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("bvals", ".bvals"),
        ("sub-01_dwi.bvals", ".bvals"),
        ("sub-01_dwi.nii.bval", ".bval"),
        ("sub-01_dwi_bvals.txt", ".bvals"),
        ("sub-01_dwi.BVAL", ".bval"),
        ("sub-01_dwi.eddy_rotated_bvecs", ".eddy_rotated_bvecs"),
        ("sub-01_dwi.b", ".b"),
    ],
)
def test_tables_of_other_names_go_along(nifti_file, tmp_path, name, ending):
    path = nifti_file("sub-01_dwi.nii.gz", shape=(6, 5, 4, 4))
    path.with_name(name).write_text("0 1000 1000 1000\n")
    written = formats.write(formats.read(path), tmp_path / "out", derivation=DENOISED)
    assert [file.name for file in written] == ["sub-01_dwi.nii.gz", f"sub-01_dwi{ending}"]
    assert written[1].read_text() == "0 1000 1000 1000\n"


def test_a_table_that_names_no_scan_belongs_to_as_many_volumes(nifti_file, tmp_path, caplog):
    path = nifti_file("T1w.nii.gz")
    path.with_name("bvals").write_text("0 1000 1000 1000\n")
    assert len(formats.write(formats.read(path), tmp_path / "out", derivation=DENOISED)) == 1
    assert not caplog.text


def test_other_counts_of_b_values_are_a_warning(dwi, caplog):
    dwi.with_name("sub-01_dwi.bval").write_text("0 1000\n")
    formats.read(dwi)
    assert "2 b-values beside a scan of 4 volumes" in caplog.text


@pytest.mark.parametrize("name", ["scan.mgz", "scan.nrrd", "scan.mha"])
def test_a_header_without_room_says_it_in_a_json_file(tmp_path, rng, name):
    make = files.mgh if name.endswith("mgz") else files.itk
    path = make(tmp_path / "in" / name, rng.normal(100, 9, (6, 5, 4)).astype("f4"), np.eye(4))
    written, said = result_of(path, tmp_path / "out")
    assert said["GeneratedBy"][-1]["Name"] == "medddim"
    (series,) = formats.find(tmp_path / "out")
    assert formats.table.named(series.format).made(series) == "denoise"
    problems = formats.check(written, formats.read(path), derivation=DENOISED, format=series.format)
    assert not any(problems.values())


@pytest.mark.parametrize("name", ["scan.mgz", "scan.mgh", "scan.nrrd", "scan.mha"])
def test_a_result_is_known_without_its_json_file(tmp_path, rng, name):
    make = files.mgh if name.startswith("scan.mg") else files.itk
    path = make(tmp_path / "in" / name, rng.normal(100, 9, (6, 5, 4)).astype("f4"), np.eye(4))
    file, beside = formats.write(formats.read(path), tmp_path / "out", derivation=DENOISED)
    beside.unlink()
    made = [formats.table.named(one.format).made(one) for one in formats.find(path, file)]
    assert sorted(made) == ["", "denoise"]


def test_a_nifti_says_it_in_its_header(nifti_file, tmp_path):
    path = nifti_file()
    (file,) = formats.write(formats.read(path), tmp_path / "out", derivation=DENOISED)
    made = {
        series.name: formats.table.named("nifti").made(series) for series in formats.find(tmp_path)
    }
    assert made == {"in/scan": "", "out/scan": "denoise"}
    assert file.name == "scan.nii.gz"


@pytest.mark.parametrize(("level", "kept"), [(0.5, True), (0.05, False)])
def test_integers_too_coarse_for_the_noise_become_float32(tmp_path, nifti_file, level, kept):
    """12 grey levels and 5 % of noise: rounding to 1 would take back what denoising gains."""
    values = np.tile(np.arange(13, dtype=np.int16), 60)[: 12 * 10 * 6].reshape(12, 10, 6)
    scan = formats.read(nifti_file(data=values))
    answer = scan.with_voxels(scan.voxels + np.float32(0.25))
    made = Derivation("denoise", "AI denoised", {"noise_level": level})
    written = formats.write(answer, tmp_path / "out", derivation=made)
    stored = nibabel.load(written[0])
    assert (stored.get_data_dtype() == np.int16) == kept
    assert bool(written.notes) != kept
    if not kept:
        np.testing.assert_allclose(stored.get_fdata(), answer.voxels[0])
        assert "coarser than half its noise" in written.notes[0]
    problems = formats.check(written, scan, derivation=made, format="nifti")
    assert not any(problems.values())
