"""What does enhancing cost, against other programs on the same files?

    python benchmarks/speed.py [--models MODEL ...] [--against PYTHON] [--cases volume slices small]

Every row is one whole process, from start to written file: CPU and wall seconds (medians of
--runs), peak memory, PSNR and high-frequency power against the truth, and the CPU seconds as a
ratio to the first row. Scans: the MNI152 head that ships with nilearn, put on 256 x 256 x 160
voxels of 1 mm ("volume"), and every fifth millimetre of it on 256 x 256 x 24 ("slices"), both with
5 % Rician noise; 64 x 64 x 64 of it ("small"). --against names a Python in which another medddim is
installed (a checkout of an earlier commit, say), run with its mr-denoise.

Last comes the limit: a matrix product in float32 on one thread, and the arithmetic of the first
model for a million voxels, so that its row can be held against what the machine can do.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import zoom

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.formats import samples
from medddim.metrics import compare
from medddim.volume import Volume

DIPY = """
import sys, nibabel
from dipy.denoise.nlmeans import nlmeans
image = nibabel.load(sys.argv[1])
answer = nlmeans(image.get_fdata(), sigma=float(sys.argv[3]), rician=True, num_threads=1{more})
nibabel.save(nibabel.Nifti1Image(answer.astype("float32"), image.affine), sys.argv[2])
"""
METHODS = {
    "DIPY NLM (default)": DIPY.format(more=""),
    "DIPY NLM (classic)": DIPY.format(more=", method='classic'"),
}
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
    parser.add_argument("--cases", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--against", help="a Python with another medddim")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    text = "\n\n".join([*(measured(case, asked) for case in asked.cases), limit(asked.models[0])])
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def measured(case: str, asked: argparse.Namespace) -> str:
    """The table of one scan."""
    truth = head(*SHAPES[case])
    noise = RicianNoise(0.05)
    noisy = noise(truth, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in" / "head.nii.gz"
        formats.write(noisy, source.parent, name="head")
        rows = []
        for name, command in commands(asked, source, noise.sigma(truth)).items():
            output = Path(folder) / name.replace(" ", "_") / "head.nii.gz"
            runs = [process(command, output, asked.threads) for _ in range(asked.runs)]
            cpu, wall, peak = np.median(runs, axis=0)
            scores = compare(formats.read(output).taken_for("MR"), truth)
            rows.append((name, cpu, wall, peak, scores.psnr_db, scores.hf_power))
            print(case, *rows[-1], flush=True)
    body = [
        [name, f"{cpu:.1f}", f"{cpu / rows[0][1]:.2f}", *(f"{one:.2f}" for one in rest)]
        for name, cpu, *rest in rows
    ]
    titles = ["method", "CPU s", "ratio", "wall s", "peak GiB", "PSNR in dB", "HF power"]
    size = " x ".join(map(str, truth.shape))
    before = compare(noisy, truth)
    intro = f"{case}: {size} voxels, {asked.threads} threads; the input has {before.psnr_db:.2f} dB"
    return f"{intro}\n\n{table(titles, body)}"


def head(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Volume:
    """The template head on a grid of this shape: cut in the middle, or with air around it."""
    known = samples.mr_head()
    image = zoom(known.voxels[0], [1 / mm for mm in spacing], order=1)
    image = image[
        tuple(
            slice(max((n - m) // 2, 0), max((n - m) // 2, 0) + m)
            for n, m in zip(image.shape, shape, strict=True)
        )
    ]
    room = [(m - n) for n, m in zip(image.shape, shape, strict=True)]
    image = np.pad(image, [(extra // 2, extra - extra // 2) for extra in room])
    return Volume(image[None], np.diag([*spacing, 1.0]), "MR")


def commands(asked: argparse.Namespace, source: Path, sigma: float) -> dict[str, list[str]]:
    """A command a row; its output folder or file is put where it says OUTPUT."""
    rows = {}
    for model in asked.models:
        for steps in asked.steps:
            rows[f"{model}, {steps} steps"] = enhance(sys.executable, model, steps, source)
    if asked.against:
        rows["another medddim, mr-denoise"] = enhance(asked.against, "mr-denoise", 1, source)
    for name in asked.methods:
        rows[name] = [sys.executable, "-c", METHODS[name], str(source), "OUTPUT", str(sigma)]
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
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    _, status, used = os.wait4(run.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} ended with {status}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 2**20


def limit(model: str) -> str:
    """What the machine computes in a matrix product, and what a million voxels ask of a model."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from medddim.inference.enhancer import Enhancer

    torch.set_num_threads(1)
    square = torch.randn(2048, 2048)
    began = time.process_time()
    for _ in range(8):
        square @ square
    peak = 8 * 2 * 2048**3 / (time.process_time() - began) / 1e9
    enhancer = Enhancer.load(model)
    block = head((64, 64, 64), (1.0, 1.0, 1.0))
    with FlopCounterMode(display=False) as counter:
        enhancer(block)
    began = time.process_time()
    enhancer(block)
    seconds = time.process_time() - began
    arithmetic = counter.get_total_flops() / 1e9
    return (
        f"A matrix product in float32, one thread: {peak:.0f} GFLOP per CPU second. {model} takes "
        f"{arithmetic / block.voxels.size * 1e6:.0f} GFLOP for a million voxels; all of it at "
        f"{arithmetic / seconds:.0f} GFLOP per CPU second, the model loaded."
    )


if __name__ == "__main__":
    main()
