"""A BIDS data set of three subjects, made here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.formats import Derivation
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head

SUBJECTS = ("01", "02", "03")
COMMON = {"Modality": "MR", "MagneticFieldStrength": 3, "PatientName": studies.CANARY}


def image(folder: Path, name: str, *, volumes: int = 1, seed: int = 0, **said: Any) -> Path:
    """A small noisy image with its sidecar."""
    clean = head((24, 22, 4))
    stack = Volume(np.repeat(clean.voxels, volumes, axis=0), clean.affine)
    scan = RicianNoise(0.08)(stack, np.random.default_rng(seed))
    (path,) = formats.write(scan, folder, name=name, derivation=Derivation("identity", "phantom"))
    if "RepetitionTime" in said:
        bold = nib.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        bold.header.set_zooms((*bold.header.get_zooms()[:3], said["RepetitionTime"]))
        bold.header.set_xyzt_units("mm", "sec")
        nib.save(bold, path)
    (folder / f"{name}.json").write_text(json.dumps(COMMON | said))
    return path


def data_set(root: Path) -> Path:
    """T1w, T2w, FLAIR, dwi and bold of each subject; the second has sessions."""
    root.mkdir(parents=True)
    about = {"Name": "Phantoms", "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0"}
    (root / "dataset_description.json").write_text(json.dumps(about))
    (root / "README").write_text("Phantoms made by a formula, for the tests of medddim. " * 4)
    (root / "dwi.bval").write_text("0 1000\n")  # inherited by all
    for number, subject in enumerate(SUBJECTS):
        stem, folder = f"sub-{subject}", root / f"sub-{subject}"
        if subject == "02":
            stem, folder = f"{stem}_ses-a", folder / "ses-a"
        for suffix in ("T1w", "T2w", "FLAIR"):
            image(folder / "anat", f"{stem}_{suffix}", seed=number, EchoTime=0.01)
        image(folder / "dwi", f"{stem}_dwi", volumes=2, seed=number, EchoTime=0.08)
        (folder / "dwi" / f"{stem}_dwi.bvec").write_text("0 1\n0 0\n0 0\n")
        task = f"{stem}_task-rest"
        image(
            folder / "func", f"{task}_bold", volumes=2, seed=number,
            RepetitionTime=2.0, TaskName="rest",
        )  # fmt: skip
        events = "onset\tduration\ttrial_type\n0.0\t1.0\tgo\n"
        (folder / "func" / f"{task}_events.tsv").write_text(events)
    return root


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The raw data set."""
    return data_set(tmp_path / "raw")
