"""What do the models take from scans that are noisy as they are? Noise, or anatomy?

    python benchmarks/real_noise.py SCANS [-o table.md] [--picture picture.png]

SCANS is the folder of development scans. No noise is added, and nothing but the scan is given. The
residual, input minus result, is judged by `medddim.metrics.residual`: its correlation with itself
one voxel on / of its size with the edges / with the brightness of the result. Two yardsticks stand
beside it: noise as the model knows it and of the level read in the scan, put on the result, and
what a Gaussian blur takes away that takes away as much: anatomy. Where a scan was repeated,
`repeat` says how far two repeats lie apart after enhancement, as a share of how far before: a
denoiser that leaves the signal alone brings them closer. `other` is the PSNR, of the range of that
other, against the vendor's own denoised or less accelerated reconstruction, before and after, once
both are fitted to it by a line; where it is clipped it does not count, and it is no truth.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from quality import table
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from medddim import formats
from medddim.degradation import LowDose
from medddim.degradation.rician import rician
from medddim.inference.enhancer import Enhancer
from medddim.metrics import psnr
from medddim.metrics.masks import body, foreground
from medddim.metrics.noise import estimate_noise
from medddim.metrics.residual import Residual, residual
from medddim.report.picture import DIVERGING
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

MODELS = {"MR": "mr-denoise", "CT": "ct-denoise"}
SCANS = {
    "mri/train/decubitus_*_t1w.nii.gz": "MR",
    "mri/aux/csdl_ge_flair_dloff.nii.gz": "MR",
    "mri/aux/csdl_ph_t1tse_aioff.nii.gz": "MR",
    "mri/aux/csdl_ph_t1ffe_cs4.nii.gz": "MR",
    "ct/aux/phhead_std*.nii.gz": "CT",
}
OTHER = {"dloff": "dlhigh", "aioff": "ai2", "cs4": "cs2"}
EPI = Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
PICTURED = ("decubitus_hfs", "csdl_ge_flair", "csdl_ph_t1ffe", "phhead_std1mm")
TITLES = [
    *("scan", "noise", "taken away / noise"),
    *("residual: lag1 / edges / signal", "of noise", "of a blur", "repeat", "other"),
]


@dataclass(frozen=True)
class Case:
    """A scan and its result, and the blur that takes as much away."""

    name: str
    scan: Volume
    result: Volume
    blurred: Volume
    noise: float
    other: Volume | None

    def row(self) -> list[str]:
        """The cells of TITLES."""
        ours = taken(self.scan, self.result)
        unit = 1 if self.scan.unit == "HU" else np.percentile(self.scan.voxels, 99.5) / 100
        level = f"{self.noise / unit:.1f} {'HU' if self.scan.unit == 'HU' else '%'}"
        noisy = with_noise(self.result, self.noise)
        residuals = ours, taken(noisy, self.result), taken(self.scan, self.blurred)
        figures = [f"{one.lag1:+.2f} / {one.edges:+.2f} / {one.signal:+.2f}" for one in residuals]
        share = f"{ours.spread / self.noise:.2f}"
        return [self.name, level, share, *figures, self.repeat(), self.agreement()]

    def repeat(self) -> str:
        """How far apart two channels are after, as a share of before."""
        if len(self.scan.voxels) < 2:
            return ""
        inside = subject(self.scan)
        apart = [np.std(np.subtract(*v.voxels[:2])[inside]) for v in (self.scan, self.result)]
        return f"{apart[1] / apart[0]:.2f}"

    def agreement(self) -> str:
        """PSNR against the other reconstruction, before and after."""
        if self.other is None:
            return ""
        theirs = self.other.voxels[0]
        highest = theirs.max()
        inside = subject(self.other) & (theirs < highest)
        scores = []
        for ours in (self.scan.voxels[0], self.result.voxels[0]):
            line = np.polyfit(ours[inside], theirs[inside], 1)
            fitted = np.polyval(line, ours)
            scores.append(psnr(fitted, theirs, data_range=float(highest), mask=inside))
        return " → ".join(f"{score:.1f}" for score in scores) + " dB"


def subject(scan: Volume) -> Array:
    """Where there is a subject."""
    of = body if scan.modality == "CT" else foreground
    return of(scan.voxels, slice_axis=scan.slice_axis)


def taken(before: Volume, after: Volume) -> Residual:
    """The residual of the first channel, where there is a subject."""
    images = after.voxels[:1], before.voxels[:1]
    return residual(*images, slice_axis=before.slice_axis, mask=subject(before))


def with_noise(clean: Volume, sigma: float) -> Volume:
    """Noise as the model knows it: Rician, or of half the dose, which doubles the variance."""
    generator = np.random.default_rng(0)
    if clean.modality == "CT":
        return LowDose(0.5, noise_hu=sigma)(clean, generator)
    return clean.with_voxels(rician(clean.voxels, sigma, generator))


def main() -> None:
    """Enhance, judge, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--slices", type=int, default=5, help="only so many, in the middle")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    parser.add_argument("--picture", type=Path, help="draw some of the scans (PNG)")
    asked = parser.parse_args()
    found = list(cases(asked.scans, slices=asked.slices))
    text = table(TITLES, [case.row() for case in found])
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    if asked.picture:
        draw([case for case in found if case.name.startswith(PICTURED)], asked.picture)


def cases(root: Path, *, slices: int) -> Iterator[Case]:
    """Every scan, enhanced as it is."""
    enhancers = {modality: Enhancer.load(model) for modality, model in MODELS.items()}
    paths = [(path, kind) for rule, kind in SCANS.items() for path in sorted(root.glob(rule))]
    for path, modality in [*paths, (EPI, "MR")]:
        scan = middle_slices(formats.read(path).taken_for(modality), slices)
        noise = estimate_noise(scan)
        result = enhancers[modality](scan, noise=noise)
        name = path.name.removesuffix(".nii.gz")
        yield Case(
            f"{name}, EPI twice" if path == EPI else name,
            scan,
            result,
            blurred_as_much(scan, result),
            noise,
            beside(path, modality, slices=slices),
        )


def beside(path: Path, modality: str, *, slices: int) -> Volume | None:
    """The same acquisition, reconstructed in another way."""
    for ours, theirs in OTHER.items():
        twin = path.with_name(path.name.replace(ours, theirs))
        if ours in path.name and twin.exists():
            return middle_slices(formats.read(twin).taken_for(modality), slices)
    return None


def blurred_as_much(scan: Volume, result: Volume) -> Volume:
    """The scan blurred within its slices until its subject misses as much as that of the result."""
    missing = taken(scan, result).spread
    flat = [0 if axis == scan.slice_axis else 1 for axis in range(3)]

    def blur(width: float) -> Volume:
        return scan.with_voxels(gaussian_filter(scan.voxels, (0, *(width * one for one in flat))))

    return blur(brentq(lambda w: taken(scan, blur(w)).spread - missing, 0.1, 5.0, xtol=0.001))


def draw(found: list[Case], path: Path) -> None:
    """A row a scan: the scan, the result, what was taken away, what the blur took away."""
    figure = Figure(figsize=(9.6, 2.4 * len(found)), dpi=100, facecolor="black")
    titles = ("as it is", "enhanced", "taken away", "taken away by a blur")
    for row, case in enumerate(found):
        low, high = np.percentile(case.scan.voxels, (1, 99.7))
        reach = 4 * taken(case.scan, case.result).spread
        seen = [middle(case.scan), middle(case.result)]
        away = [middle(case.scan) - middle(other) for other in (case.result, case.blurred)]
        for column, image in enumerate([*seen, *away]):
            axes = figure.add_subplot(len(found), 4, 4 * row + column + 1)
            axes.set_axis_off()
            if column < 2:
                axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            else:
                axes.imshow(image, cmap=DIVERGING, vmin=-reach, vmax=reach)
            if row == 0:
                axes.set_title(titles[column], color="white", fontsize=9)
    figure.subplots_adjust(0, 0, 1, 0.97, 0.01, 0.01)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    few = Image.open(file).convert("RGB").quantize(palette=palette(), dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def palette() -> Image.Image:
    """Greys and the colours of a difference: a file a third as large."""
    greys = np.linspace(0, 255, 88)[:, None].repeat(3, axis=1)
    colours = 255 * DIVERGING(np.linspace(0, 1, 168))[:, :3]
    few = Image.new("P", (1, 1))
    few.putpalette(np.vstack([greys, colours]).round().astype(np.uint8).ravel().tolist())
    return few


def middle(volume: Volume) -> Array:
    """The middle slice, upright enough to be looked at."""
    image = np.moveaxis(volume.voxels[0], volume.slice_axis, 0)
    return np.rot90(image[len(image) // 2])


if __name__ == "__main__":
    main()
