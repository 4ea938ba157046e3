"""What do the models take from scans that are noisy as they are? Noise, or anatomy?

    python benchmarks/real_noise.py SCANS [-o table.md] [--picture picture.png]

SCANS is the folder of development scans. No noise is added, and nothing but the scan is told. The
residual, input minus result, is judged by `medddim.metrics.residual`, beside that of a Gaussian
blur that takes away as much: what anatomy in a residual looks like. Where a scan was repeated,
`repeat` says how far two repeats lie apart after enhancement, as a share of how far before: a
denoiser that leaves the signal alone brings them closer. `other` is the PSNR against the vendor's
own denoised or less accelerated reconstruction, before and after, once the scan's grey values are
fitted to it by a line; the two share their noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from matplotlib.figure import Figure
from quality import table
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from medddim import formats
from medddim.dataset import middle_slices
from medddim.enhancer import Enhancer
from medddim.metrics import compare
from medddim.metrics.masks import body, foreground
from medddim.metrics.noise import estimate_noise
from medddim.metrics.residual import Residual, residual
from medddim.report.picture import DIVERGING
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
    *("lag1", "edges", "signal", "of a blur: lag1", "edges", "signal", "repeat", "other"),
]


@dataclass(frozen=True)
class Case:
    """A scan and its result, a channel at a time, and the blur that takes as much away."""

    name: str
    scan: Volume
    result: Volume
    blurred: Volume
    noise: float
    other: Volume | None

    def row(self) -> list[str]:
        """The cells of TITLES."""
        ours, blur = (self.taken(result) for result in (self.result, self.blurred))
        unit = 1 if self.scan.unit == "HU" else np.percentile(self.scan.voxels, 99.5) / 100
        told = f"{self.noise / unit:.1f} {'HU' if self.scan.unit == 'HU' else '%'}"
        figures = [f"{value:+.2f}" for r in (ours, blur) for value in (r.lag1, r.edges, r.signal)]
        share = f"{ours.spread / self.noise:.2f}"
        return [self.name, told, share, *figures, self.repeat(), self.agreement()]

    def taken(self, result: Volume) -> Residual:
        """The residual of the first channel."""
        axis = self.scan.slice_axis
        before, after = (volume.voxels[:1] for volume in (self.scan, result))
        return residual(after, before, slice_axis=axis, mask=self.mask())

    def mask(self) -> Array:
        """Where there is a subject."""
        of = body if self.scan.modality == "CT" else foreground
        return of(self.scan.voxels, slice_axis=self.scan.slice_axis)

    def repeat(self) -> str:
        """How far apart two channels are after, as a share of before."""
        if len(self.scan.voxels) < 2:
            return ""
        apart = [np.std(np.subtract(*v.voxels[:2])[self.mask()]) for v in (self.scan, self.result)]
        return f"{apart[1] / apart[0]:.2f}"

    def agreement(self) -> str:
        """PSNR against the other reconstruction, before and after."""
        if self.other is None:
            return ""
        slope, offset = np.polyfit(self.scan.voxels.ravel(), self.other.voxels.ravel(), 1)
        fitted = (v.with_voxels(v.voxels * slope + offset) for v in (self.scan, self.result))
        scores = [compare(volume, self.other).psnr_db for volume in fitted]
        return " → ".join(f"{score:.1f}" for score in scores) + " dB"


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
    """The scan blurred within its slices until as much is missing as from the result."""
    missing = np.std(scan.voxels - result.voxels)
    flat = [0 if axis == scan.slice_axis else 1 for axis in range(3)]

    def blur(width: float) -> Array:
        return gaussian_filter(scan.voxels, (0, *(width * one for one in flat)))

    width = brentq(lambda w: np.std(scan.voxels - blur(w)) - missing, 0.1, 5.0, xtol=0.01)
    return scan.with_voxels(blur(width))


def draw(found: list[Case], path: Path) -> None:
    """A row a scan: the scan, the result, what was taken away, what the blur took away."""
    figure = Figure(figsize=(9.6, 2.4 * len(found)), dpi=100, facecolor="black")
    titles = ("as it is", "enhanced", "taken away", "taken away by a blur")
    for row, case in enumerate(found):
        low, high = (
            (-40, 80) if case.scan.unit == "HU" else np.percentile(case.scan.voxels, (1, 99.7))
        )
        seen = [middle(case.scan), middle(case.result)]
        taken = [middle(case.scan) - middle(other) for other in (case.result, case.blurred)]
        for column, image in enumerate([*seen, *taken]):
            axes = figure.add_subplot(len(found), 4, 4 * row + column + 1)
            axes.set_axis_off()
            if column < 2:
                axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            else:
                reach = 4 * case.noise
                axes.imshow(image, cmap=DIVERGING, vmin=-reach, vmax=reach)
            if row == 0:
                axes.set_title(titles[column], color="white", fontsize=9)
    figure.subplots_adjust(0, 0, 1, 0.97, 0.01, 0.01)
    figure.savefig(path)


def middle(volume: Volume) -> Array:
    """The middle slice, upright enough to be looked at."""
    image = np.moveaxis(volume.voxels[0], volume.slice_axis, 0)
    return np.rot90(image[len(image) // 2])


if __name__ == "__main__":
    main()
