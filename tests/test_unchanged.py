"""What a user of an earlier medddim has: its commands and names, and its results.

All of it is that of commit 37160ea, of the stored voxels as they are read back: hashes of those by
identity, and sums of those by small untrained models, of which a processor of another kind rounds
one in a thousand the other way. Whoever changes one changes what users have: say so in the
CHANGELOG.
"""

import hashlib
import shutil
from pathlib import Path

import click
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.data import get_testdata_file

import medddim
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

OPTIONS = {
    "degrade": (
        "--as --coils --dry-run --fraction --from-kernel --g-factor --gap --json --kernel "
        "--level --no-resume --noise --on-gap --on-tilt --output --profile --resume "
        "--seed --select --taper --thickness --zero-filled -o"
    ),
    "demo": "--output -o",
    "enhance": (
        "--device --dry-run --factor --fidelity --json --model --no-resume --noise "
        "--on-gap --on-tilt --output --precision --residual --resume --samples --seed --select "
        "--spacing --steps -o"
    ),
    "evaluate": "--against --input --json --output --protocol -o",
    "inspect": "--json --on-gap --on-tilt --select",
    "models list": "",
    "models show": "",
    "models verify": "",
    "models": "",
    "selftest": "--json",
    "train": "--data --device --devices --output --resume --smoke -o",
    "verify": "--json",
}
"""Every command, and its options."""

NAMES = (
    "Enhancer Recipe RicianNoise Scores Series ThickSlices Volume __version__ compare "
    "degradation diffusion errors estimate_noise find read train write write_map "
)
"""What `import medddim` has."""

IDENTITY = {
    "MR": ("b17f1b9095bee0dd", "2.25.138524705474066841020224081210013353316"),
    "CT": ("ee1c493e364f7553", "2.25.224923671320670796068663923714190306069"),
    "stack": ("92271da9965a1d88", "2.25.153044445457096319524039170091313668186"),
    "nifti": ("20c340424f7dbeb3", ""),
}
"""The first half of the sha256 of the voxels, and the SeriesInstanceUID."""

ENHANCED = {
    "estimated": ("MR", {}, (), [-68.2, 293.6, -222.1, -47.9]),
    "steps": ("MR", {}, ("--noise", "0.1", "--steps", "2"), [280.9, 134.5, -404.7, 478.0]),
    "drawing": (
        "MR",
        DRAWING,
        ("--noise", "0.1", "--steps", "3", "--seed", "5"),
        [656.9, 80.9, -436.9, 1850.7],
    ),
    "ct": ("CT", CT, ("--steps", "2"), [-341.3, -177.8, 430.8, 188.0]),
    "finer": ("stack", FINER, ("--factor", "4", "--steps", "2"), [514.7, 309.2, -511.9, -382.7]),
}
"""A model for each, what it is asked for, and the `sums` of its answer."""


@pytest.mark.parametrize("verb", OPTIONS)
def test_every_command_is_there_with_all_its_options(verb):
    command: click.Command = main
    for word in verb.split():
        command = command.commands[word]
    there = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    assert set(OPTIONS[verb].split()) <= there


def test_every_public_name_is_there():
    assert set(NAMES.split()) <= set(medddim.__all__)
    assert all(hasattr(medddim, name) for name in NAMES.split())


def scan(name: str, folder: Path) -> Path:
    if name == "stack":
        return studies.dicom(folder, name)
    target = folder / name
    target.mkdir()
    nifti = studies.SAMPLES / "phantom_mr.nii.gz"
    shutil.copy(nifti if name == "nifti" else get_testdata_file(f"{name}_small.dcm"), target)
    return target


def result(source: Path, out: Path, *options: object) -> tuple[np.ndarray, formats.Series]:
    command = ["enhance", source, "-o", out, *options]
    shown = CliRunner().invoke(main, [str(word) for word in command])
    assert shown.exit_code == 0, shown.output
    (series,) = formats.find(out)
    return np.ascontiguousarray(formats.read(series).voxels), series


def sums(voxels: np.ndarray) -> np.ndarray:
    """Weighted by four chirps, which hold all frequencies alike.

    They change by about as much as the voxels do in the root mean square, and hardly if a few are
    rounded the other way.
    """
    places = np.square(np.arange(voxels.size, dtype=float))
    chirps = np.sin(np.outer((1, 2, 3, 5), places)) * (2 / voxels.size) ** 0.5
    return chirps @ voxels.ravel()


@pytest.mark.parametrize("name", IDENTITY)
def test_identity_hands_on_what_it_did(tmp_path, name):
    voxels, uid = IDENTITY[name]
    found, series = result(scan(name, tmp_path), tmp_path / "out", "--model", "identity")
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == voxels
    if uid:
        assert pydicom.dcmread(series.files[0]).SeriesInstanceUID == uid


@pytest.mark.parametrize(("name", "recipe", "options", "voxels"), ENHANCED.values(), ids=ENHANCED)
def test_a_model_answers_as_it_did(tmp_path, name, recipe, options, voxels):
    model = studies.model(tmp_path / "model", **recipe)
    how = ("--model", model, "--precision", "fp32", *options)
    found, _ = result(scan(name, tmp_path), tmp_path / "out", *how)
    np.testing.assert_allclose(sums(found), voxels, atol=0.25)
