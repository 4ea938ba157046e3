"""Whose fault is it that whitened residuals are not white? A phantom whose truth is known.

    python benchmarks/whitened_phantom.py [--model mr-denoise-fast] [--level 0.05] [--seed 1]
    python benchmarks/whitened_phantom.py --controls [--level 0.02]
    python benchmarks/whitened_phantom.py --repeats 24

A made head, 160 x 144 x 12 at 1 x 1 x 3 mm, is acquired with white noise and behind two filters.
What the noise really was, and what the model took, with and without what is kept and put back after
the network (local means, small structures), are whitened by the true filter and by the one the
passport finds: the correlations at 1, 2 and 3 voxels of the axis that is furthest from 0. If the
passport were at fault, the true noise would not come out white.

With --controls the check of `whitened.py` on this head: of the model with the passport of the scan,
which is right, and of what must not pass: a blur in place of the model, which takes anatomy, and
passports without the filters, or of half as much noise again.

With --repeats so many acquisitions of squares whose signal is 1, 1.4, 2 and 4 times the noise, in
tissue of 10 times: the mean over the enhanced repeats less the truth, in units of the noise, beside
that of the repeats as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from quality import table
from scipy.ndimage import binary_erosion, gaussian_filter
from whitened import TITLES, compared

from medddim.inference.consistency import SameGrid
from medddim.inference.enhancer import Enhancer
from medddim.noise import AxisFilter, noise_passport
from medddim.noise.filters import PlaneFilter
from medddim.noise.level import correlations, white
from medddim.noise.planes import Slabs
from medddim.noise.spectrum import noise_power, plane_filter
from medddim.volume import Array, Volume

SHAPE = 160, 144, 12
FILTERS = {
    "white": PlaneFilter(AxisFilter(), AxisFilter()),
    "75 % measured, Gauss 1": PlaneFilter(AxisFilter(0.75, 1.0), AxisFilter(1.0, 1.0)),
    "65 %, Gauss 1.5": PlaneFilter(AxisFilter(0.65, 1.5), AxisFilter(0.65, 1.5)),
}
SIGNALS = 1.0, 1.4, 2.0, 4.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=0)
    parser.add_argument("--controls", action="store_true")
    asked = parser.parse_args()
    enhancer, generator = Enhancer.load(asked.model), np.random.default_rng(asked.seed)
    if asked.repeats:
        titles = ["signal / noise", "repeats as they are", "enhanced", "of the network alone"]
        return print(table(titles, list(biases(enhancer, asked.repeats, generator))))
    if asked.controls:
        titles = ["k-space", "what is judged", *TITLES[3:]]
        return print(table(titles, list(controls(enhancer, asked.level, generator))))
    rows = []
    for name, filters in FILTERS.items():
        rows += [[name, *row] for row in whiteness(enhancer, filters, asked.level, generator)]
    print(table(["k-space", "what", "share", "true filter", "passport's filter"], rows))
    return None


def whiteness(
    enhancer: Enhancer, filters: PlaneFilter, level: float, generator: np.random.Generator
) -> list[list[str]]:
    """Rows: what, its power as a share of the noise's, lags by the true filter and the read one."""
    truth = head()
    scan, clean = acquired(truth, filters, level * float(np.percentile(truth, 99.5)), generator)
    noise = scan.voxels[0] - clean
    plan = enhancer.plan(scan)
    alone = replace(plan, consistency=without(plan.consistency))
    taken = {
        "noise, less its mean": noise,
        "taken": scan.voxels[0] - enhancer.answer(plan).voxels[0],
        "taken by the network alone": scan.voxels[0] - enhancer.answer(alone).voxels[0],
    }
    inside = binary_erosion(np.moveaxis(clean, 2, 0) > 0.3 * clean.max(), np.ones((1, 9, 9)))
    read = plane_filter(*noise_power(Slabs.of(scan).planes))
    power = float((np.moveaxis(noise, 2, 0)[inside] ** 2).mean())
    rows = []
    for what, image in taken.items():
        planes = np.moveaxis(image, 2, 0).astype(np.float32)
        share = float((planes[inside] ** 2).mean()) / power
        rows.append([what, f"{share:.2f}", *(lags(planes, one, inside) for one in (filters, read))])
    return rows


def controls(
    enhancer: Enhancer, level: float, generator: np.random.Generator
) -> Iterator[list[str]]:
    """Rows: what is judged, and what `whitened.compared` says of it."""
    truth = head()
    for name, filters in FILTERS.items():
        scan, _ = acquired(truth, filters, level * float(np.percentile(truth, 99.5)), generator)
        known = noise_passport(scan)
        louder = replace(known, level=1.5 * known.level, cells=np.float32(1.5) * known.cells)
        yield [name, "the model", *compared(scan, enhancer, known)]
        yield [name, "a blur of 0.7 voxels", *compared(scan, blurred, known)]
        yield [name, "passport of 1.5 times the noise", *compared(scan, enhancer, louder)]
        if known.filters != (AxisFilter(),) * 3:
            unfiltered = replace(known, filters=(AxisFilter(),) * 3, around=None)
            yield [name, "passport of white noise", *compared(scan, enhancer, unfiltered)]


def blurred(scan: Volume) -> Volume:
    """What takes noise and anatomy alike."""
    return scan.with_voxels(gaussian_filter(scan.voxels, (0, 0.7, 0.7, 0)))


def lags(planes: Array, filters: PlaneFilter, inside: Array) -> str:
    """Correlations at 1, 2 and 3 voxels of what is left with the filters divided out."""
    rest, *_ = white(planes, filters)
    pairs = zip(inside.shape, rest.shape, strict=True)
    where = [np.linspace(0, n - 1, m).round().astype(int) for n, m in pairs]
    used = inside[np.ix_(*where)]
    along = np.array([correlations(rest, used, axis) for axis in (1, 2)])
    return " ".join(f"{one:+.2f}" for one in along[np.abs(along).argmax(axis=0), range(3)])


def without(consistency: SameGrid) -> SameGrid:
    """The same, without local means and without what is put back."""
    return replace(consistency, puts_back=False)


def head() -> Array:
    """An ellipsoid with shading, folds and a rim `(x, y, z)`."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    far = np.hypot(x / 0.85, y / 0.8)
    folds = 0.1 * np.sin(9 * x + 4 * y + z) * np.cos(7 * y) - 0.3 * (far < 0.25)
    head: Array = 800 * np.where(far < 1, 0.6 + 0.15 * x + folds + 0.3 * (far > 0.88), 0.0)
    return gaussian_filter(head, (0.7, 0.7, 0)).astype(np.float32)


def acquired(
    truth: Array, filters: PlaneFilter, sigma: float, generator: np.random.Generator
) -> tuple[Volume, Array]:
    """A magnitude with noise of `sigma` in each channel behind the filters; and without noise."""
    lines = [np.abs(np.fft.fftfreq(n)) * 2 for n in truth.shape[:2]]
    amplitude = np.sqrt(filters.power(*lines))[..., None]
    drawn = generator.standard_normal((2, *truth.shape))
    noise = np.fft.ifft2(
        np.fft.fft2(drawn[0] + 1j * drawn[1], axes=(0, 1)) * amplitude, axes=(0, 1)
    )
    noise *= sigma / np.sqrt(filters.mean_power)
    clean = np.fft.ifft2(np.fft.fft2(truth, axes=(0, 1)) * amplitude, axes=(0, 1))
    scan = Volume(np.abs(clean + noise)[None].astype(np.float32), np.diag([1, 1, 3, 1]), "MR")
    return scan, np.abs(clean).astype(np.float32)


def biases(enhancer: Enhancer, repeats: int, generator: np.random.Generator) -> list[list[str]]:
    """Rows: signal, and the means over repeats less the truth, all in units of the noise."""
    sigma, size = 20.0, 32
    truth = np.full((96, 96, 4), 10 * sigma, np.float32)
    places = [(12, 12), (12, 52), (52, 12), (52, 52)]
    for (row, column), signal in zip(places, SIGNALS, strict=True):
        truth[row : row + size, column : column + size] = signal * sigma
    totals = np.zeros((3, *truth.shape))
    for _ in range(repeats):
        scan, _ = acquired(truth, FILTERS["white"], sigma, generator)
        plan = enhancer.plan(scan)
        alone = replace(plan, consistency=without(plan.consistency))
        totals += np.stack([one.voxels[0] for one in (scan, *map(enhancer.answer, (plan, alone)))])
    apart = (totals / repeats - truth) / sigma
    rows = []
    for (row, column), signal in zip(places, SIGNALS, strict=True):
        inner = apart[:, row + 6 : row + size - 6, column + 6 : column + size - 6]
        rows.append([f"{signal:g}", *(f"{one.mean():+.2f}" for one in inner)])
    return rows


if __name__ == "__main__":
    main()
