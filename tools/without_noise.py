"""Scans without noise of their own, to train an MR denoiser on beside real ones, which hold some.

    python tools/without_noise.py SCANS/mri/train --model MODEL -o SCANS/mri

Writes `enhanced/`, the 12 middle slices of each scan as MODEL answers them, and `synthetic/`: each
of those once more with another contrast, and dead leaves, shapes of all sizes that hide each other
(Lee, Mumford & Huang 2001; Achddou, Gousseau & Ladjal 2021 trained denoisers on them alone). Only
`enhanced/` needs the model; files that are there are kept.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

Array = npt.NDArray[np.float32]
Rng = np.random.Generator

SLICES, SIZE, LEAVES, SCANS_OF_LEAVES = 12, 256, 900, 8
SMALLEST, LARGEST = 2.2, 60.0
"""Radii of leaves in pixels; as many of each size as make the whole scale invariant."""
KNOTS = np.array([0, 0.08, 0.25, 0.45, 0.65, 0.85, 1.1, 1.6])
"""Shares of the bright end between which a contrast is drawn."""


def main() -> None:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    enhanced, synthetic = asked.output / "enhanced", asked.output / "synthetic"
    enhancer = Enhancer.load(asked.model)
    for series in formats.find(asked.scans):
        if not (enhanced / f"{series.name}.nii.gz").exists():
            scan = middle_slices(formats.read(series).taken_for("MR"), SLICES)
            keep(enhancer(scan), enhanced, series.name)
    rng = np.random.default_rng(16)
    for number in range(SCANS_OF_LEAVES):
        voxels = np.moveaxis(dead_leaves(rng), 0, 2)[None]
        keep(Volume(voxels, np.diag([1.0, 1, 4, 1])), synthetic, f"leaves{number}")
    for path in sorted(enhanced.glob("*.nii.gz")):
        scan = formats.read(path)
        keep(recontrasted(scan, rng), synthetic, f"contrast_{path.name.removesuffix('.nii.gz')}")


def keep(volume: Volume, folder: Path, name: str) -> None:
    """Write a float32 file, unless it is there."""
    if not (folder / f"{name}.nii.gz").exists():
        formats.write(Volume(volume.voxels, volume.affine), folder, name=name)


def dead_leaves(rng: Rng) -> Array:
    """A subject in air, `(slice, row, column)`, covered by leaves; some of it has texture."""
    mm = np.arange(SLICES) * rng.uniform(1, 5)
    places = np.meshgrid(mm, np.arange(SIZE), np.arange(SIZE), indexing="ij", sparse=True)
    image = np.zeros((SLICES, SIZE, SIZE), np.float32)
    radii = np.array([200, rng.uniform(85, 120), rng.uniform(85, 120)])
    body = leaf(places, np.array([0, SIZE / 2, SIZE / 2]), radii, rng, always_round=True)
    image[body] = rng.uniform(0.2, 0.8)
    for _ in range(LEAVES - 1):
        size = min(2 / rng.uniform(2 / 90, 2 / SMALLEST), LARGEST)
        radii = size * rng.uniform(0.4, 1.6, 3)
        centre = np.array([rng.uniform(-20, 60), rng.uniform(0, SIZE), rng.uniform(0, SIZE)])
        inside = leaf(places, centre, radii, rng)
        value = rng.uniform(0, 1)
        image[inside & body] = 0.0 if rng.random() < 0.1 else value
    return as_scanned(np.where(body, image * (1 + texture(rng)), image), rng)


def leaf(
    places: list[npt.NDArray[np.float64]],
    centre: npt.NDArray[np.float64],
    radii: npt.NDArray[np.float64],
    rng: Rng,
    *,
    always_round: bool = False,
) -> npt.NDArray[np.bool_]:
    """Which voxels lie in an ellipsoid, or a box, turned in its plane."""
    turned = rng.uniform(0, np.pi)
    w, y, x = (place - middle for place, middle in zip(places, centre, strict=True))
    u, v = np.cos(turned) * y + np.sin(turned) * x, np.cos(turned) * x - np.sin(turned) * y
    if always_round or rng.random() < 0.6:
        return np.asarray((w / radii[0]) ** 2 + (u / radii[1]) ** 2 + (v / radii[2]) ** 2 < 1)
    return (abs(w / radii[0]) < 1) & (abs(u / radii[1]) < 1) & (abs(v / radii[2]) < 1)


def texture(rng: Rng) -> Array:
    """Small changes of brightness, of three sizes, in two fifths of the image."""
    coarse = gaussian_filter(rng.standard_normal((SLICES, SIZE // 8, SIZE // 8)), (1, 2, 2))
    rough = coarse.repeat(8, 1).repeat(8, 2)
    grains = sum(
        smooth((0.3, size, size), rng) * by for size, by in ((1, 0.02), (2, 0.02), (4, 0.03))
    )
    return np.asarray((rough > np.quantile(rough, 0.6)) * grains)


def smooth(sigma: tuple[float, float, float], rng: Rng) -> Array:
    """Smoothed noise with a standard deviation of 1."""
    noise = rng.standard_normal((SLICES, SIZE, SIZE)).astype(np.float32)
    noise = gaussian_filter(noise, sigma, mode="wrap")
    return np.asarray(noise / noise.std())


def as_scanned(image: Array, rng: Rng) -> Array:
    """With the uneven brightness of a coil, and as sharp as scans are."""
    coil = np.exp(0.15 * smooth((20, 60, 60), rng))
    blur = rng.uniform(0.45, 0.9)
    return np.maximum(gaussian_filter(image * coil, (0.3, blur, blur)), 0) * 1000


def recontrasted(scan: Volume, rng: Rng) -> Volume:
    """The scan with brightness exchanged by a smooth curve through 0, rising or not."""
    drawn = rng.uniform(0.05, 1, len(KNOTS))
    drawn[0] = 0
    if rng.random() < 0.5:
        drawn = 0.35 * KNOTS / 1.1 + 0.65 * drawn
    shares = np.linspace(0, KNOTS[-1], 400)
    curve = gaussian_filter(np.interp(shares, KNOTS, drawn), 12, mode="nearest")
    bright = np.percentile(scan.voxels, 99.5)
    voxels = np.interp(scan.voxels / bright, shares, curve - curve[0]) * bright
    return scan.with_voxels(np.maximum(voxels, 0))


if __name__ == "__main__":
    main()
