"""A folder of scans as a user has one, the ways to spoil it, and a model small enough for tests."""

from __future__ import annotations

import gzip
import shutil
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
import torch

from medddim import checkpoint, formats, models
from medddim.degradation import RicianNoise
from medddim.digest import sha256_of
from medddim.formats import Derivation
from medddim.inference.enhancer import Enhancer
from medddim.networks import Precision, UNet
from medddim.recipe import Recipe
from tests.phantoms import head
from tests.recipes import tiny

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples"
CANARY = "ZZPHI"
IDENTITY = Derivation("identity", "a phantom")


def nifti(folder: Path, name: str = "head", *, noise: float = 0.1, seed: int = 0) -> Path:
    """One NIfTI file with a noisy phantom, about 15 kB."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.nii.gz"
    path.write_bytes(_nifti(noise, seed))
    return path


@cache
def _nifti(noise: float, seed: int) -> bytes:
    scan = RicianNoise(noise)(head(), np.random.default_rng(seed))
    with TemporaryDirectory() as folder:
        (path,) = formats.write(scan, folder, name="head", derivation=IDENTITY)
        return path.read_bytes()


def dicom(folder: Path, name: str = "series", *, brighter: int = 0) -> Path:
    """A folder with one DICOM series of four slices, of a patient whose name must not leak."""
    target = folder / name
    target.mkdir(parents=True)
    for file, content in _dicom(len(name), brighter).items():
        (target / file).write_bytes(content)
    return target


@cache
def _dicom(number: int, brighter: int) -> dict[str, bytes]:
    files = {}
    for path in sorted((SAMPLES / "phantom_mr_dicom").glob("*.dcm"))[:4]:
        dataset = pydicom.dcmread(path)
        dataset.PatientName = dataset.AccessionNumber = dataset.SeriesDescription = CANARY
        dataset.PatientID, dataset.PatientBirthDate = CANARY, "19991231"
        dataset.SeriesInstanceUID += f".{number}"
        if brighter:
            stored = dataset.pixel_array
            dataset.PixelData = (stored + brighter).astype(stored.dtype).tobytes()
        dataset.save_as(file := BytesIO())
        files[path.name] = file.getvalue()
    return files


def study(folder: Path, *, noise: float = 0.1, brighter: int = 0) -> Path:
    """A NIfTI file and a DICOM series, both sound, and a file that is no scan."""
    nifti(folder, noise=noise)
    dicom(folder, brighter=brighter)
    (folder / "notes.txt").write_text("no scan")
    return folder


def gap(folder: Path, name: str = "gap") -> Path:
    """A DICOM series with a slice missing."""
    series = dicom(folder, name)
    sorted(series.iterdir())[1].unlink()
    return series


def truncated(folder: Path, name: str = "cut.nii.gz") -> Path:
    """The first part of a NIfTI file."""
    whole = nifti(folder, "whole")
    path = folder / name
    path.write_bytes(whole.read_bytes()[:2000])
    whole.unlink()
    return path


def not_nifti(folder: Path, name: str = "text.nii.gz") -> Path:
    """A text that is called a scan."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(f"{CANARY} is no scan".encode() * 100))
    return path


def model(folder: Path, **changed: Any) -> Path:
    """A checkpoint of an untrained network whose answer differs from the scan."""
    recipe = tiny(**changed)
    checkpoint.save(folder, recipe, network(recipe))
    return folder


def smaller_models(folder: Path) -> Path:
    """The models that ship, each with an untrained network of few channels, all else as it is."""
    shutil.copytree(models.SHIPPED, folder, ignore=lambda *_: [models.WEIGHTS], dirs_exist_ok=True)
    lines = []
    for name in models.shipped():
        recipe = Recipe.load(models.SHIPPED / name / models.RECIPE)
        few = {"widths": (8, 8, 8)}
        if getattr(recipe.network, "refine", ()):
            few["refine"] = (8, 8, 8)
        few_channels = recipe.network.model_copy(update=few)
        recipe = recipe.model_copy(update={"network": few_channels})
        checkpoint.save(folder / name, recipe, network(recipe))
        weights = folder / name / models.WEIGHTS
        lines.append(f"{sha256_of(weights)}  {name}/{models.WEIGHTS}\n")
    (folder / "sha256.txt").write_text("".join(lines))
    return folder


def enhancer(precision: Precision = "fp32", **changed: Any) -> Enhancer:
    """The same, wired, on the CPU."""
    recipe = tiny(**changed)
    denoiser = checkpoint.build_denoiser(recipe, network(recipe).eval())
    return Enhancer(recipe, denoiser, device=torch.device("cpu"), precision=precision)


def network(recipe: Recipe) -> UNet:
    """An untrained network, always the same; unlike before training its answer is not zero."""
    torch.manual_seed(0)
    untrained = checkpoint.build_network(recipe)
    for parameter in untrained.body.output_block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return untrained


def sampler(folder: Path) -> Path:
    """The same of one that draws noise, so that its answer changes with the seed."""
    return model(folder, diffusion={"path": "variance-preserving", "prediction": "v"})


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the records of the run, by relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.lstrip(".").startswith("medddim.")
    }


def copy(folder: Path, target: Path) -> Path:
    """The folder again, elsewhere."""
    return Path(shutil.copytree(folder, target))
