"""The command and Python ask a model for the same: the same voxels under the same identifiers."""

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

import medddim as md
from medddim import formats
from tests import studies
from tests.inference.test_superresolution import FINER

CT = {
    "modality": "CT",
    "scaling": {"kind": "window"},
    "degradation": {"kind": "low-dose", "dose": (0.1, 0.5)},
}
DRAWING = {"diffusion": {"path": "variance-preserving", "prediction": "v"}}


def mr(folder):
    folder.mkdir()
    shutil.copy(get_testdata_file("MR_small.dcm"), folder)


def ct(folder):
    folder.mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder)


def stack(folder):
    studies.dicom(folder.parent, folder.name)


REQUESTS = {
    "mr": (mr, {}, (), {}),
    "mr-steps": (mr, {}, ("--steps", "3", "--fidelity", "0.25"), {"steps": 3, "fidelity": 0.25}),
    "mr-noise": (mr, {}, ("--noise", "0.0712345"), {"noise_share": 0.0712345}),
    "mr-seed": (mr, DRAWING, ("--steps", "2", "--seed", "5"), {"steps": 2, "seed": 5}),
    "ct": (ct, CT, ("--steps", "2"), {"steps": 2}),
    "superres": (stack, FINER, ("--factor", "4", "--steps", "2"), {"factor": 4, "steps": 2}),
    "spacing": (stack, FINER, ("--spacing", "3,3,1.25"), {"spacing_mm": (3.0, 3.0, 1.25)}),
}


def identifiers(series):
    headers = [pydicom.dcmread(path) for path in series.files]
    return [(header.SeriesInstanceUID, header.SOPInstanceUID) for header in headers]


def made(out):
    (series,) = formats.find(out)
    return formats.read(series).voxels, identifiers(series)


@pytest.mark.daily("mr", "mr-steps", "ct", "superres")
@pytest.mark.parametrize(("scan", "model", "options", "arguments"), REQUESTS.values(), ids=REQUESTS)
def test_python_and_the_command_agree(medddim, tmp_path, scan, model, options, arguments):
    scan(tmp_path / "scan")
    studies.model(tmp_path / "model", **model)
    shown = medddim("enhance", "scan", "-o", "out", "--model", tmp_path / "model", *options)
    assert shown.exit_code == 0, shown.output
    volume = md.read(tmp_path / "scan")
    answer = md.Enhancer.load(tmp_path / "model")(volume, **arguments)
    assert not np.array_equal(answer.voxels, volume.voxels)
    md.write(answer, tmp_path / "python")
    (voxels, uids), (others, other_uids) = made(tmp_path / "out"), made(tmp_path / "python")
    assert np.array_equal(voxels, others)
    assert uids == other_uids


def test_they_agree_on_samples_too(medddim, tmp_path):
    mr(tmp_path / "scan")
    studies.model(tmp_path / "model", **DRAWING)
    how = ("--model", tmp_path / "model", "--samples", "2", "--steps", "2")
    assert medddim("enhance", "scan", "-o", "out", *how).exit_code == 0
    enhancer = md.Enhancer.load(tmp_path / "model")
    mean, _ = enhancer.samples(md.read(tmp_path / "scan"), count=2, steps=2)
    md.write(mean, tmp_path / "python")
    (voxels, uids), (others, other_uids) = made(tmp_path / "out"), made(tmp_path / "python")
    assert np.array_equal(voxels, others)
    assert uids == other_uids


@pytest.mark.parametrize("noise", [{}, {"noise": 7.0}])
def test_a_noise_in_the_scans_unit_is_rounded_in_the_same_place(tmp_path, noise):
    """The level on record, given as a share, gives the answer again."""
    mr(tmp_path / "scan")
    enhancer, volume = studies.enhancer(), md.read(tmp_path / "scan")
    first = enhancer(volume, **noise)
    again = enhancer(volume, noise_share=first.derivation.parameters["noise_level"])
    assert np.array_equal(first.voxels, again.voxels)
