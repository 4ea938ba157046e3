"""Is what a model takes from real scans the noise that the passport says they have?

    python benchmarks/whitened.py SCANS... [--model mr-denoise-fast] [--slices 16]

Nothing is added: of the middle slices of each scan, the model's residual (scan minus answer) is
divided by the passport's filters of k-space. If all of the noise was taken, and nothing else, it is
then white: printed are its correlations at 1, 2 and 3 voxels within the slices (the one furthest
from 0 of both axes), in the object; and those of the residual's size with edges of the answer and
of the residual with its brightness (`medddim.metrics.residual`), which noise has not.

No estimate takes all of the noise: what noise and anatomy share is divided between them, so that
the residual of a perfect one is not white either. In brackets is therefore what the same figure
is if the answer is the truth and the passport right: the passport's noise is added to the answer,
the model is given that, and its residual is judged alike (a posterior predictive check: Gelman,
Meng & Stern 1996, Stat Sinica 6:733). `apart` is the largest difference of the five: anatomy that
was taken, or noise of another spectrum than the passport's, shows there (`whitened_phantom.py
--controls` has examples). A wrong level shows in `spread`, the residual's standard deviation over
the expected one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from quality import table
from scanner_noise import first_channel
from scipy.ndimage import binary_erosion

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.metrics.residual import residual
from medddim.noise import NoisePassport, noise_passport
from medddim.noise.filters import PlaneFilter
from medddim.noise.level import correlations, white
from medddim.noise.planes import Slabs
from medddim.noise.spectrum import noise_power, plane_filter
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

TITLES = ["scan", "noise", "fits", "lag 1", "lag 2", "lag 3", "edges", "signal", "apart", "spread"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--slices", type=int, default=16)
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    rows = []
    for path in asked.scans:
        rows.append(measured(path, enhancer, asked.slices))
        print(*rows[-1], flush=True)
    print(table(TITLES, rows))


def measured(path: Path, enhancer: Enhancer, slices: int) -> list[str]:
    """The row of one scan."""
    scan = middle_slices(first_channel(formats.read(formats.find(path)[0]).taken_for("MR")), slices)
    found = noise_passport(scan)
    share = found.level / float(np.percentile(scan.voxels, 99.5))
    cells = compared(scan, enhancer, found)
    return [path.name.split(".")[0], f"{share:.1%}", "yes" if found.fits else "no", *cells]


def compared(
    scan: Volume, enhance: Callable[[Volume], Volume], known: NoisePassport, *, seed: int = 1
) -> list[str]:
    """Five figures of what is taken, the ones expected in brackets; `apart` and `spread`."""
    answer, judge = enhance(scan), Judge.of(scan)
    drawn = with_noise(answer, known, np.random.default_rng(seed))
    taken, spread = judge(scan, answer)
    expected, usual = judge(drawn, enhance(drawn))
    cells = [f"{one:+.2f} ({other:+.2f})" for one, other in zip(taken, expected, strict=True)]
    return [*cells, f"{np.abs(taken - expected).max():.2f}", f"{spread / usual:.2f}"]


def with_noise(answer: Volume, known: NoisePassport, generator: np.random.Generator) -> Volume:
    """The magnitude of an answer with the noise of a passport."""
    power = np.ones(())
    for one, n in zip(known.filters, answer.shape, strict=True):
        power = np.multiply.outer(power, one.power(frequencies(n)))
    if known.around:
        first, second = known.around.axes
        plane = PlaneFilter(
            known.filters[first], known.filters[second], known.around.radius, known.around.width
        )
        within = plane.round(*(frequencies(answer.shape[axis]) for axis in known.around.axes))
        power *= np.expand_dims(within, ({0, 1, 2} - {first, second}).pop())
    drawn = generator.standard_normal((2, *answer.shape))
    noise = np.fft.ifftn(np.fft.fftn(drawn[0] + 1j * drawn[1]) * np.sqrt(power / power.mean()))
    image = np.abs(answer.voxels[0] + known.level_map * noise)
    return answer.with_voxels(image[None].astype(np.float32))


def frequencies(n: int) -> Array:
    """Those of a discrete Fourier transform, as shares of Nyquist."""
    return np.abs(np.fft.fftfreq(n)) * 2


@dataclass(frozen=True)
class Judge:
    """Judges residuals by the filters read in a scan, where that scan is bright."""

    filters: PlaneFilter
    inside: Array
    shown: Array

    @classmethod
    def of(cls, scan: Volume) -> Judge:
        """By the filters of this scan."""
        bright, image = float(np.percentile(scan.voxels, 99.5)), Slabs.of(scan).planes
        filters = plane_filter(*noise_power(image))
        brightness, *_ = white(image, filters)
        inside = binary_erosion(brightness > 0.2 * bright, np.ones((1, 3, 3)), iterations=2)
        return cls(filters, inside, scan.voxels[0] > 0.2 * bright)

    def __call__(self, scan: Volume, answer: Volume) -> tuple[Array, float]:
        """Whitened correlations at 1, 2, 3 voxels, those with edges and brightness; the spread."""
        taken = scan.with_voxels(scan.voxels - answer.voxels)
        rest, *_ = white(Slabs.of(taken).planes, self.filters)
        along = np.array([correlations(rest, self.inside, axis) for axis in (1, 2)])
        lags = along[np.abs(along).argmax(axis=0), range(3)]
        images = answer.voxels[0].astype(np.float64), scan.voxels[0].astype(np.float64)
        judged = residual(*images, slice_axis=scan.slice_axis, mask=self.shown)
        return np.array([*lags, judged.edges, judged.signal]), judged.spread


if __name__ == "__main__":
    main()
