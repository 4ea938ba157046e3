"""What a user of an earlier medddim got, to the bit: identity, and one small untrained model.

The hashes were made at commit 37160ea, of the stored voxels as they are read back. Whoever changes
one changes results that users have: say so in the CHANGELOG.
"""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.data import get_testdata_file

from medddim import formats
from medddim.cli import main
from tests import studies
from tests.inference.test_superresolution import FINER

CT = {
    "modality": "CT",
    "scaling": {"kind": "window"},
    "degradation": {"kind": "low-dose", "dose": (0.1, 0.5)},
}
DRAWING = {"diffusion": {"path": "variance-preserving", "prediction": "v"}}

IDENTITY = {
    "MR": ("b17f1b9095bee0dd", "2.25.138524705474066841020224081210013353316"),
    "CT": ("ee1c493e364f7553", "2.25.224923671320670796068663923714190306069"),
    "stack": ("92271da9965a1d88", "2.25.153044445457096319524039170091313668186"),
    "nifti": ("20c340424f7dbeb3", ""),
}
"""The first half of the sha256 of the voxels, and the SeriesInstanceUID."""

ENHANCED = {
    "estimated": ("MR", {}, (), "3065cad38ddb1add"),
    "steps": ("MR", {}, ("--noise", "0.1", "--steps", "2"), "f24c82cf3ead06ce"),
    "drawing": (
        "MR",
        DRAWING,
        ("--noise", "0.1", "--steps", "3", "--seed", "5"),
        "17cf1ac8d62e1fb7",
    ),
    "ct": ("CT", CT, ("--steps", "2"), "e1ad7cec26b9e1f8"),
    "finer": ("stack", FINER, ("--factor", "4", "--steps", "2"), "ec36e8b504fc8652"),
}


def scan(name: str, folder: Path) -> Path:
    if name == "stack":
        return studies.dicom(folder, name)
    target = folder / name
    target.mkdir()
    nifti = studies.SAMPLES / "phantom_mr.nii.gz"
    shutil.copy(nifti if name == "nifti" else get_testdata_file(f"{name}_small.dcm"), target)
    return target


def result(source: Path, out: Path, *options: object) -> tuple[str, formats.Series]:
    command = ["enhance", source, "-o", out, *options]
    shown = CliRunner().invoke(main, [str(word) for word in command])
    assert shown.exit_code == 0, shown.output
    (series,) = formats.find(out)
    voxels = np.ascontiguousarray(formats.read(series).voxels)
    return hashlib.sha256(voxels.tobytes()).hexdigest()[:16], series


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_hands_on_what_it_did(tmp_path, name):
    voxels, uid = IDENTITY[name]
    found, series = result(scan(name, tmp_path), tmp_path / "out", "--model", "identity")
    assert found == voxels
    if uid:
        assert pydicom.dcmread(series.files[0]).SeriesInstanceUID == uid


@pytest.mark.parametrize(("name", "recipe", "options", "voxels"), ENHANCED.values(), ids=ENHANCED)
def test_a_model_answers_as_it_did(tmp_path, name, recipe, options, voxels):
    model = studies.model(tmp_path / "model", **recipe)
    how = ("--model", model, "--precision", "fp32", *options)
    found, _ = result(scan(name, tmp_path), tmp_path / "out", *how)
    assert found == voxels
