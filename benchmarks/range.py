"""Does the range check tell scans like those of training from scans that are not?

    python benchmarks/range.py MODEL SCANS... [--other SCANS...] [--slices 40]

MODEL has a range on file (tools/measure_range.py). SCANS, of people it was not trained on, count as
in range: as they are and, for MR, with 5 % of noise added. Each is then spoilt in ways that the
check is for: smoothed within slices (a Gaussian of 1 voxel), upsampled by 2, of MR centred and
scaled to a deviation of 1 (as a z map) or inverted, of CT in another unit; an ellipse with noise of
the same size stands for synthetic images. --other are scans of another kind (anatomy, phantoms,
modality), taken for the model's own. AUROC by the score, for each kind against all that are in
range, and how many of each are near or out; the time of one check.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import gaussian_filter, zoom

from medddim import formats
from medddim.checkpoint import Checkpoint
from medddim.degradation import RicianNoise
from medddim.inference.range import Judgement, TrainingRange
from medddim.inference.traits import traits
from medddim.scaling import Scaling
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

IN_RANGE = "in range"


def main() -> None:
    """Judge every scan as it is and spoilt; print a row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--other", type=Path, nargs="*", default=[])
    parser.add_argument("--slices", type=int, default=40)
    asked = parser.parse_args()
    model = Checkpoint.open(asked.model)
    known = TrainingRange.load(model.folder)
    if known is None:
        parser.error(f"{model.folder} has no range on file: tools/measure_range.py makes it")
    found: dict[str, list[Judgement]] = defaultdict(list)
    seconds = []
    for kind, name, scan in kinds(asked, model.recipe.modality):
        began = time.perf_counter()
        scaling = Scaling.fit(scan, **model.recipe.scaling.model_dump())
        judgement = known.judge(traits(scan, scale=scaling.scale))
        seconds.append(time.perf_counter() - began)
        found[kind].append(judgement)
        line = [name, kind, judgement.verdict, f"{judgement.score:.2f}", judgement.reason]
        print(*line, sep="  ", flush=True)
    inside = [one.score for one in found[IN_RANGE]]
    everything = [one for kind, some in found.items() if kind != IN_RANGE for one in some]
    rows = [row(kind, some, inside) for kind, some in found.items()]
    rows.append(row("all but in range", everything, inside))
    print(table(["kind", "scans", "AUROC", "near", "out"], rows))
    print(f"one check: {np.median(seconds):.2f} s (median), {max(seconds):.2f} s (longest)")


def row(kind: str, some: list[Judgement], inside: list[float]) -> list[str]:
    """AUROC against those in range, and the verdicts."""
    scores = np.array([one.score for one in some])[:, None]
    higher = (scores > np.array(inside)) + 0.5 * (scores == np.array(inside))
    auroc = "" if kind == IN_RANGE else f"{higher.mean():.3f}"
    verdicts = [one.verdict for one in some]
    return [kind, str(len(some)), auroc, str(verdicts.count("near")), str(verdicts.count("out"))]


def kinds(asked: argparse.Namespace, modality: str) -> Iterator[tuple[str, str, Volume]]:
    """Every scan to judge: its kind, its name, itself."""
    for series in formats.find(*asked.scans):
        scan = formats.read(series).taken_for(modality)
        scan = middle_slices(replace(scan, voxels=scan.voxels[:1]), asked.slices)
        yield IN_RANGE, series.name, scan
        if modality == "MR":
            noisy = RicianNoise(0.05)(scan, np.random.default_rng(0))
            yield IN_RANGE, f"{series.name}, 5 % noise", noisy
        for kind, spoilt in spoils(scan):
            yield kind, series.name, spoilt
    for series in formats.find(*asked.other):
        scan = replace(formats.read(series), modality="", unit="").taken_for(modality)
        yield "other", series.name, replace(scan, voxels=scan.voxels[:1])


def spoils(scan: Volume) -> Iterator[tuple[str, Volume]]:
    """What a scan may be that no model learnt from."""
    sigma, factors = [0.0, 1.0, 1.0, 1.0], [1, 2, 2, 2]
    sigma[1 + scan.slice_axis], factors[1 + scan.slice_axis] = 0.0, 1
    yield "smoothed", scan.with_voxels(gaussian_filter(scan.voxels, sigma))
    few = middle_slices(scan, 12)
    affine = few.affine.copy()
    affine[:3, :3] /= factors[1:]
    yield "upsampled", replace(few, voxels=zoom(few.voxels, factors, order=3), affine=affine)
    yield "synthetic", scan.with_voxels(ellipse(scan))
    if scan.in_hu:
        yield "another unit", scan.with_voxels(scan.voxels + 1024)
        yield "another unit", scan.with_voxels(scan.voxels / 1000)
        return
    centred = (scan.voxels - scan.voxels.mean()) / scan.voxels.std()
    yield "a z map", scan.with_voxels(centred)
    yield "inverted", scan.with_voxels(scan.voxels.max() - scan.voxels)


def ellipse(scan: Volume) -> np.ndarray:
    """An even ellipse with a smaller one inside, and noise, as bright as the scan."""
    x, y, z = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in scan.shape)
    radius = np.sqrt(x[:, None, None] ** 2 + y[None, :, None] ** 2 + 0 * z)
    low, high = np.percentile(scan.voxels, (1, 99))
    image = low + (high - low) * (0.7 * (radius < 0.8) + 0.3 * (radius < 0.3))
    return (image + 0.03 * (high - low) * np.random.default_rng(0).normal(size=image.shape))[None]


if __name__ == "__main__":
    main()
