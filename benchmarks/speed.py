"""What does enhancing cost, against other programs on the same files?

    python benchmarks/speed.py [--models MODEL ...] [--against PYTHON] [--cases volume slices small]
    python benchmarks/speed.py --ct SCAN --models ct-denoise --qualities best fast --cases

Every row is one whole process, from start to written file: CPU and wall seconds (medians of
--runs), peak memory, PSNR and high-frequency power against the truth, and the CPU seconds as a
ratio to the first row. Scans: the MNI152 head that ships with nilearn, put on 256 x 256 x 160
voxels of 1 mm ("volume"), and every fifth millimetre of it on 256 x 256 x 24 ("slices"), both with
5 % Rician noise; 64 x 64 x 64 of it ("small"). --ct takes a CT scan to 512 x 512 x 100 voxels, its
slices to and fro, with the noise of a quarter of the dose. --against names a Python with another
medddim (an earlier commit), --peers one with nibabel, and bm4d and antspyx. Rician bias is taken
off answers of methods that do not know of it.

Last comes the limit, on one thread: the rate of a matrix product in float32, of each network on one
tile, and of the whole way from a file read to a file written, models loaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from quality import table
from scipy.ndimage import zoom
from torch.utils.flop_counter import FlopCounterMode

import medddim
from medddim import formats
from medddim.degradation import LowDose, RicianNoise
from medddim.formats import samples
from medddim.inference.enhancer import Enhancer
from medddim.inference.speed import Speed
from medddim.metrics import compare, estimate_noise
from medddim.noise.rice import signal_of_mean
from medddim.volume import Volume

DIPY = """
import sys, nibabel
from dipy.denoise.nlmeans import nlmeans
image = nibabel.load(sys.argv[1])
answer = nlmeans(image.get_fdata(), sigma=float(sys.argv[3]), rician=True, num_threads=1{more})
nibabel.save(nibabel.Nifti1Image(answer.astype("float32"), image.affine), sys.argv[2])
"""
TV = """
import sys, nibabel
from skimage.restoration import denoise_tv_chambolle
image, sigma = nibabel.load(sys.argv[1]), float(sys.argv[3])
answer = sigma * denoise_tv_chambolle(image.get_fdata() / sigma, weight=1.0)
nibabel.save(nibabel.Nifti1Image(answer.astype("float32"), image.affine), sys.argv[2])
"""
METHODS = {
    "DIPY NLM (default)": DIPY.format(more=""),
    "DIPY NLM (classic)": DIPY.format(more=", method='classic'"),
    "scikit-image TV": TV,
}
BM4D = """
import sys, bm4d, nibabel
image = nibabel.load(sys.argv[1])
answer = bm4d.bm4d(image.get_fdata(), float(sys.argv[3]))
nibabel.save(nibabel.Nifti1Image(answer.astype("float32"), image.affine), sys.argv[2])
"""
ANTS = """
import sys, ants
answer = ants.denoise_image(ants.image_read(sys.argv[1]), noise_model="Rician")
ants.image_write(answer, sys.argv[2])
"""
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # as what is installed
THREADS = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
PEERS = {"BM4D": ("bm4d", BM4D), "ANTs DenoiseImage": ("ants", ANTS)}
"""What is not among medddim's own requirements: its module, and how it is called."""
SHAPES = {
    "volume": ((256, 256, 160), (1.0, 1.0, 1.0)),
    "slices": ((256, 256, 24), (1.0, 1.0, 5.0)),
    "small": ((64, 64, 64), (1.0, 1.0, 1.0)),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["mr-denoise-fast", "mr-denoise"])
    parser.add_argument("--steps", type=int, nargs="+", default=[1])
    parser.add_argument("--qualities", nargs="+", default=["best"], choices=["best", "fast"])
    parser.add_argument("--cases", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--ct", type=Path, help="a CT scan of at least 12 slices")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--against", help="a Python with another medddim")
    parser.add_argument("--against-model", default="mr-denoise")
    parser.add_argument("--peers", help="a Python with nibabel, bm4d, antspyx")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="beside the weights, for inspect")
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    if asked.against:
        require_another(asked.against)
    cases = [*asked.cases, *(["ct"] if asked.ct else [])]
    print(text := "\n\n".join([*(measured(case, asked) for case in cases), limit(asked)]))
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def require_another(python: str) -> None:
    """Raise SystemExit if that Python has this very medddim."""
    asked = [python, "-c", "import medddim; print(medddim.__file__)"]
    with tempfile.TemporaryDirectory() as folder:
        found = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True)
    if Path(found.stdout.strip()) == Path(medddim.__file__):
        raise SystemExit(f"{python} has the medddim that runs here: {medddim.__file__}")


def measured(case: str, asked: argparse.Namespace) -> str:
    """The table of one scan."""
    truth, noisy, sigma = body(asked.ct) if case == "ct" else noisy_head(case)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in" / "head.nii.gz"
        formats.write(noisy, source.parent, name="head")
        rows = []
        for name, command in commands(asked, source, sigma).items():
            output = Path(folder) / name.replace(" ", "_") / "head.nii.gz"
            runs = [process(command, output, asked.threads) for _ in range(asked.runs)]
            cpu, wall, peak = np.median(runs, axis=0)
            answer = formats.read(output).taken_for(truth.modality)
            if name in ("BM4D", "scikit-image TV") and case != "ct":
                answer = answer.with_voxels(sigma * signal_of_mean(answer.voxels / sigma))
            scores = compare(answer, truth)
            rows.append((name, cpu, wall, peak, scores.psnr_db, scores.hf_power))
            print(case, *rows[-1], flush=True)
    lines = [
        [name, f"{cpu:.1f}", f"{cpu / rows[0][1]:.2f}", *(f"{one:.2f}" for one in rest)]
        for name, cpu, *rest in rows
    ]
    titles = ["method", "CPU s", "ratio", "wall s", "peak GiB", "PSNR in dB", "HF power"]
    size, before = " x ".join(map(str, truth.shape)), compare(noisy, truth).psnr_db
    intro = f"{case}: {size} voxels, {asked.threads} threads; the input has {before:.2f} dB"
    return f"{intro}\n\n{table(titles, lines)}"


def noisy_head(case: str) -> tuple[Volume, Volume, float]:
    """The head, with noise, and the standard deviation of that."""
    truth, noise = head(*SHAPES[case]), RicianNoise(0.05)
    return truth, noise(truth, seed=0), noise.sigma(truth)


def body(scan: Path) -> tuple[Volume, Volume, float]:
    """A CT scan of 512 x 512 x 100 voxels, at a quarter of its dose, and the noise read in that."""
    known = formats.read(formats.find(scan)[0])
    image = np.moveaxis(known.voxels[0], known.slice_axis, 2)
    image = zoom(image, (512 / image.shape[0], 512 / image.shape[1], 1), order=1)
    to_and_fro = np.r_[: image.shape[2], image.shape[2] - 2 : 0 : -1]
    image = image[..., np.resize(to_and_fro, 100)]
    truth = Volume(image[None], np.diag([0.8, 0.8, 3.0, 1.0]), "CT", unit="HU")
    noisy = LowDose(0.25)(truth, seed=0)
    return truth, noisy, estimate_noise(noisy)


def head(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Volume:
    """The template head on a grid of this shape: cut in the middle, or with air around it."""
    known = samples.mr_head()
    image = zoom(known.voxels[0], [1 / mm for mm in spacing], order=1)
    starts = [max((n - m) // 2, 0) for n, m in zip(image.shape, shape, strict=True)]
    image = image[tuple(slice(at, at + m) for at, m in zip(starts, shape, strict=True))]
    room = [(m - n) for n, m in zip(image.shape, shape, strict=True)]
    image = np.pad(image, [(extra // 2, extra - extra // 2) for extra in room])
    return Volume(image[None], np.diag([*spacing, 1.0]), "MR")


def commands(asked: argparse.Namespace, source: Path, sigma: float) -> dict[str, list[str]]:
    """A command a row; its output folder or file is put where it says OUTPUT."""
    rows = {}
    for model in asked.models:
        for steps, quality in product(asked.steps, asked.qualities):
            name = f"{model}, {steps} steps" + (f", {quality}" if quality != "best" else "")
            rows[name] = [*enhance(sys.executable, model, steps, source), "--quality", quality]
    if asked.against:
        name = f"another medddim, {asked.against_model}"
        rows[name] = enhance(asked.against, asked.against_model, 1, source)
    for name in asked.methods:
        rows[name] = [sys.executable, "-c", METHODS[name], str(source), "OUTPUT", str(sigma)]
    for name, (module, script) in PEERS.items() if asked.peers else ():
        there = subprocess.run([asked.peers, "-c", f"import {module}"], capture_output=True)
        if not there.returncode:
            rows[name] = [asked.peers, "-c", script, str(source), "OUTPUT", str(sigma)]
    return rows


def enhance(python: str, model: str, steps: int, source: Path) -> list[str]:
    """`medddim enhance` by the medddim of a Python."""
    run = "import sys; from medddim.cli import main; sys.exit(main())"
    options = ["--model", model, "--steps", str(steps)]
    return [python, "-c", run, "enhance", str(source), "-o", "FOLDER", *options]


def process(command: list[str], output: Path, threads: int) -> tuple[float, float, float]:
    """Run it; CPU seconds, wall seconds, peak memory in GiB of the process."""
    output.parent.mkdir(parents=True, exist_ok=True)
    for old in output.parent.iterdir():
        old.unlink()
    places = {"OUTPUT": str(output), "FOLDER": str(output.parent)}
    began = time.perf_counter()
    run = subprocess.Popen(
        [places.get(word, word) for word in command],
        stdout=subprocess.DEVNULL,
        env=os.environ | dict.fromkeys(THREADS, str(threads)) | COMPILED,
        cwd=output.parent,  # Python looks there first: not for this tree
    )
    _, status, used = os.wait4(run.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} ended with {status}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 2**20


def limit(asked: argparse.Namespace) -> str:
    """What the machine computes in a matrix product, and what each model makes of it."""
    torch.set_num_threads(1)
    square = torch.randn(2048, 2048)
    peak = 8 * 2 * 2048**3 / cpu_seconds(lambda: [square @ square for _ in range(8)]) / 1e9
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model in asked.models:
            enhancer = Enhancer.load(model, precision="fp32")
            scan = formats.read(stored(enhancer, Path(folder) / model)).taken_for(
                enhancer.recipe.modality
            )
            with FlopCounterMode(display=False) as counter:
                enhancer(scan)
            asked_for = counter.get_total_flops() / 1e9
            inside = network_rate(enhancer)
            seconds = cpu_seconds(lambda now=enhancer, at=folder: whole_way(now, Path(at)))
            rates = [f"{rate:.0f} ({rate / peak:.2f})" for rate in (inside, asked_for / seconds)]
            each = asked_for / scan.voxels.size * 1e6
            rows.append([model, f"{each:.0f}", *rates])
            if asked.save:
                Speed(round(each, 1), round(asked_for / seconds / peak, 3)).save(enhancer.folder)
    titles = ["model", "GFLOP per Mvoxel", "inside the network", "from file to file"]
    return (
        f"A matrix product in float32, one thread: {peak:.0f} GFLOP per CPU second. Beside it, in "
        f"brackets as a share of it:\n\n{table(titles, rows)}"
    )


def stored(enhancer: Enhancer, folder: Path) -> formats.Series:
    """A file of a scan with noise that the model is for."""
    noisy = noisy_head("slices")[1]
    if enhancer.recipe.modality == "CT":
        noisy = replace(noisy, voxels=noisy.voxels * 10 - 1000, modality="CT", unit="HU")
    formats.write(noisy, folder, name="scan")
    return formats.find(folder)[0]


def whole_way(enhancer: Enhancer, folder: Path) -> None:
    """Read, enhance, write."""
    series = formats.find(folder / enhancer.name)[0]
    answer = enhancer(formats.read(series).taken_for(enhancer.recipe.modality))
    with tempfile.TemporaryDirectory(dir=folder) as output:
        formats.write(answer, Path(output), name="answer", derivation=answer.derivation)


def network_rate(enhancer: Enhancer) -> float:
    """GFLOP per CPU second of one evaluation on one tile."""
    network = enhancer.denoiser.network
    recipe = enhancer.recipe.network
    state = torch.randn(1, recipe.slices, *[enhancer.tile] * recipe.spatial_dims)
    strength = torch.full((1, recipe.maps, *[1] * recipe.spatial_dims), 0.05)
    seen = state[:, :1] if recipe.sees_scan else None

    def evaluate() -> None:
        with torch.inference_mode():
            network(state, torch.ones(1), strength=strength, scan=seen)

    with FlopCounterMode(display=False) as counter:
        evaluate()
    return counter.get_total_flops() / 1e9 / cpu_seconds(evaluate)


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least of three runs, after one to warm up."""
    work()
    marks = [time.process_time()]
    for _ in range(3):
        work()
        marks.append(time.process_time())
    return float(np.diff(marks).min())


if __name__ == "__main__":
    main()
