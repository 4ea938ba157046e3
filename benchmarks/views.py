"""What does seeing an isotropic scan along three axes give, over one view and four mirror images?

    python benchmarks/views.py [SCANS] [--model mr-denoise] [--levels 0.05 0.10] [--baselines bm4d]

Without SCANS, the head that ships with nilearn, an average of 152 and free of noise. The middle
EDGE voxels of each axis, Rician noise with a fixed seed, its true level given, one step. A scan is
seen in three planes for being isotropic; for the other two answers its slices are said to lie
further apart. `stripes` is how much rougher the error is across these slices than along the other
axes: 1 is not at all. `evaluations` are those of the network, per voxel.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from quality import table

from medddim import formats
from medddim.baselines import BASELINES
from medddim.degradation import RicianNoise
from medddim.formats import samples
from medddim.inference.enhancer import Enhancer
from medddim.inference.views import views_of
from medddim.metrics import compare
from medddim.volume import ISOTROPY, Volume

TITLES = ["scan", "noise", "method", "PSNR (dB)", "SSIM", "HF power", "stripes", "evaluations"]


def main() -> None:
    """One line a scan, level and way of seeing it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="?")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--baselines", nargs="*", default=[], choices=sorted(BASELINES))
    parser.add_argument("--edge", type=int, default=96)
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    single = Enhancer.load(asked.model)
    single.recipe = single.recipe.model_copy(update={"self_ensemble": False})
    body = []
    for name, scan in isotropic(asked.scans, asked.edge):
        for level in asked.levels:
            degradation = RicianNoise(level)
            noisy, noise = degradation(scan, np.random.default_rng(0)), degradation.sigma(scan)
            apart = slices_apart(noisy)
            ways = {"one view": (single, apart), "four mirror images": (enhancer, apart)}
            ways |= {"three planes": (enhancer, noisy)}
            ways |= {baseline: (BASELINES[baseline], noisy) for baseline in asked.baselines}
            for way, (method, seen) in ways.items():
                answer = replace(method(seen, noise=noise), affine=scan.affine)
                scores = compare(answer, scan)
                figures = [scores.psnr_db, scores.ssim, scores.hf_power, stripes(answer, scan)]
                ours = isinstance(method, Enhancer)
                cost = str(len(views_of(method.recipe, seen))) if ours else ""
                columns = [f"{figure:.3f}" for figure in figures]
                body.append([name, f"{level:.0%}", way, *columns, cost])
                print(*body[-1], sep="  ", flush=True)
    print(table(TITLES, body))


def isotropic(scans: Path | None, edge: int) -> list[tuple[str, Volume]]:
    """The middle of every isotropic scan, by name."""
    if scans is None:
        found = [("MNI152", samples.mr_head())]
    else:
        read = (
            (series.name, formats.read(series).taken_for("MR")) for series in formats.find(scans)
        )
        found = [(name, scan) for name, scan in read if scan.isotropic]
    return [(name, middle(scan, edge)) for name, scan in found]


def middle(scan: Volume, edge: int) -> Volume:
    """The middle `edge` voxels along each axis."""
    first = [max(0, (n - edge) // 2) for n in scan.shape]
    return scan.crop(*(slice(begin, begin + edge) for begin in first))


def stripes(answer: Volume, scan: Volume) -> float:
    """How much the error differs from slice to slice, against from voxel to voxel within them."""
    error = answer.voxels[0] - scan.voxels[0]
    x, y, z = (np.sqrt(np.mean(np.diff(error, axis=axis) ** 2)) for axis in range(3))
    return float(2 * z / (x + y))


def slices_apart(scan: Volume) -> Volume:
    """The same voxels, said to lie too far apart along the last axis to be isotropic."""
    affine = scan.affine.copy()
    affine[:, 2] *= 1.1 * ISOTROPY
    return replace(scan, affine=affine)


if __name__ == "__main__":
    main()
