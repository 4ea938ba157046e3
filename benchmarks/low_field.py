"""Does a scanner's filter still show once the images with and without it are enhanced?

    python benchmarks/low_field.py KSPACE [--model mr-denoise-fast ...]
    python benchmarks/low_field.py KSPACE --bound

KSPACE is a folder of NumPy archives with complex k-space of one coil, `(readout, phase, slice)`,
such as that of 0.055 T brains (Liu et al. 2021, Nat Commun 12:7238). Of each the magnitude is taken
as measured and once more with each of FILTERS along both axes: the same anatomy, measured once,
whose noise is white in the one and smooth in the other. Printed is how near both come to each
other, as PSNR in the object (of its bright end): as they are, and enhanced, nothing given but the
image. A filter takes anatomy away as well, which no model gives back: `limit` is the agreement of
the first model's answer to the one with that answer filtered.

--bound says how much any answer can gain that takes all of the noise, takes no anatomy and keeps
the scanner's filter: the noise in what differs follows from the level in air, where the magnitude
of one coil is Rayleigh's, and the filter; the rest is anatomy. Beside it, what a blur of both
images gains, which takes anatomy: Gaussian, of the standard deviation named.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import gaussian_filter

from medddim.degradation.kspace import KSpaceAxis
from medddim.inference.enhancer import Enhancer
from medddim.volume import Array, Volume

FILTERS = {
    "gaussian 1": KSpaceAxis(filter="gaussian", strength=1.0),
    "gaussian 1.5": KSpaceAxis(filter="gaussian", strength=1.5),
    "tukey 0.5": KSpaceAxis(filter="tukey", strength=0.5),
    "fermi 0.05": KSpaceAxis(filter="fermi", strength=0.05),
    "hann": KSpaceAxis(filter="hann"),
}
SPACING_MM = 2.0, 2.0, 10.0
OBJECT, AIR = 0.2, 0.12
BLURS = 0.5, 1.0, 2.0
BOUND = ["filter", "noise in what differs", "most (dB)", *(f"blur of {one}" for one in BLURS)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kspace", type=Path)
    parser.add_argument("--model", nargs="+", default=["mr-denoise-fast"])
    parser.add_argument("--bound", action="store_true")
    asked = parser.parse_args()
    if asked.bound:
        return print(table(BOUND, list(bounds(asked.kspace))))
    enhancers = {name: Enhancer.load(name) for name in asked.model}
    rows: list[list[str]] = []
    gains: dict[tuple[str, str], list[float]] = {}
    for title, kspace in single_coil(asked.kspace):
        plain = image_of(kspace, KSpaceAxis())
        made = {name: one(plain) for name, one in enhancers.items()}
        for named, axis in FILTERS.items():
            filtered = image_of(kspace, axis)
            before = agreement(plain, filtered, plain)
            first = next(iter(made.values()))
            limit = agreement(first, filtered_once_more(first, axis), plain)
            row = [title, named, f"{before:.1f}"]
            for name, enhancer in enhancers.items():
                after = agreement(made[name], enhancer(filtered), plain)
                gains.setdefault((named, name), []).append(after - before)
                row.append(f"{after:.1f} ({after - before:+.1f})")
            rows.append([*row, f"{limit:.1f}"])
            print(*rows[-1], flush=True)
    print(table(["image", "filter", "as they are (dB)", *enhancers, "limit"], rows))
    for (named, name), all_ in gains.items():
        print(f"{named}, {name}: mean gain {np.mean(all_):+.2f} dB, least {min(all_):+.2f}")
    return None


def single_coil(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The k-space of each scan of one coil, and its name."""
    for path in sorted(folder.glob("*.npz")):
        for contrast, kspace in np.load(path).items():
            if kspace.ndim == 3 and kspace.shape[0] >= kspace.shape[2]:  # coils come first
                yield f"{path.stem.split('_')[0]} {contrast}", kspace


def bounds(folder: Path) -> Iterator[list[str]]:
    """A row for each filter, means over the images."""
    for named, axis in FILTERS.items():
        shares, gains = [], []
        for _, kspace in single_coil(folder):
            plain, filtered = image_of(kspace, KSpaceAxis()), image_of(kspace, axis)
            before = agreement(plain, filtered, plain)
            taken = 1 - np.multiply.outer(*(axis.response(size) for size in kspace.shape[:2]))
            noise = (level_of_air(plain.voxels[0]) / 1000) ** 2 * np.mean(taken**2)
            shares.append(noise * 10 ** (before / 10))
            blurred = ([blur(one, width) for one in (plain, filtered)] for width in BLURS)
            gains.append([agreement(*pair, plain) - before for pair in blurred])
        share = min(float(np.mean(shares)), 1.0)
        most = f"{-10 * np.log10(max(1 - share, 1e-3)):.1f}"
        yield [named, f"{share:.2f}", most, *(f"{one:.1f}" for one in np.mean(gains, axis=0))]


def level_of_air(image: Array) -> float:
    """The noise of a channel, from the median of the dark around the subject."""
    air = image[gaussian_filter(image, (3, 3, 0)) < AIR * np.percentile(image, 99.5)]
    return float(np.median(air)) / float(np.sqrt(2 * np.log(2)))


def blur(scan: Volume, width: float) -> Volume:
    """A blur within the slices."""
    return scan.with_voxels(gaussian_filter(scan.voxels, (0, width, width, 0)))


def image_of(kspace: np.ndarray, axis: KSpaceAxis) -> Volume:
    """The magnitude of k-space filtered along both axes, its bright end at 1000."""
    rows, columns = (np.fft.fftshift(axis.response(size)) for size in kspace.shape[:2])
    filtered = kspace * (rows[:, None] * columns)[..., None]
    shifted = np.fft.ifftshift(filtered, axes=(0, 1))
    image = np.abs(np.fft.fftshift(np.fft.ifft2(shifted, axes=(0, 1)), axes=(0, 1)))
    plain = np.abs(np.fft.ifft2(np.fft.ifftshift(kspace, axes=(0, 1)), axes=(0, 1)))
    scaled = (1000 / np.percentile(plain, 99.5) * image)[None].astype(np.float32)
    return Volume(scaled, np.diag([*SPACING_MM, 1.0]), modality="MR")


def filtered_once_more(scan: Volume, axis: KSpaceAxis) -> Volume:
    """A magnitude filtered along both axes."""
    rows, columns = (axis.response(size) for size in scan.shape[:2])
    spectrum = np.fft.fft2(scan.voxels, axes=(1, 2)) * (rows[:, None] * columns)[..., None]
    return scan.with_voxels(np.abs(np.fft.ifft2(spectrum, axes=(1, 2))).astype(np.float32))


def agreement(one: Volume, other: Volume, plain: Volume) -> float:
    """The PSNR between two images where the blurred magnitude is bright, in dB."""
    inside = object_of(plain.voxels[0])
    apart = (one.voxels[0] - other.voxels[0])[inside]
    return float(10 * np.log10(1000**2 / np.mean(np.square(apart, dtype=np.float64))))


def object_of(image: Array) -> np.ndarray:
    """Where there is a subject."""
    smooth = gaussian_filter(image, (2, 2, 0))
    inside: np.ndarray = smooth > OBJECT * np.percentile(smooth, 99.5)
    return inside


if __name__ == "__main__":
    main()
