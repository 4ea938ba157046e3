"""Intervals for every voxel, calibrated over held-out scans by conformal risk control.

How far an answer may be off at a voxel is guessed from the noise level and from how much noise a
Wiener filter that knew the power of the answer would leave there (`features`): little where tissue
is even, almost all of it at edges and in fine structure. A log-linear function of these, fitted
once for a model, gives the half width; one factor for each coverage makes it hold over scans.

Conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814, theorem 1): with n scans held
out whose loss falls with the factor and is at most B, the smallest factor with
(n R + B) / (n + 1) <= alpha keeps the expected loss of a further scan, exchangeable with them, at
alpha or below. The loss is the share of the object's voxels outside the interval, counted up to B.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medddim.errors import CheckpointError, RequestProblem
from medddim.inference import measured
from medddim.inference.settings import Settings
from medddim.recipe import Recipe
from medddim.volume import Array, Volume

INTERVALS = "intervals.json"
LOSS_BOUND = 0.3
"""B: a scan with more than this share of its voxels outside counts as this much."""
BLOCK = 4
"""Voxels along the edge of the square blocks, within slices, that are seen as sums of cosines."""
FLOOR = 0.1
"""Of the noise: as much as this, in quadrature, is left everywhere (docs/decisions/0232)."""
FEATURES = ("level", "left")
TOOL = "tools/calibrate_intervals.py"
Floats = npt.NDArray[np.float64]


def features(answer: Array, *, noise: float, share: float, axis: int) -> Array:
    """What the half width is found from, `(feature, x, y, z)`: logarithms of FEATURES.

    `answer` is an image `(x, y, z)`, `noise` the noise level of its scan in the same unit, `share`
    that level as a share of what the network sees as 1, `axis` that across the slices, which are
    looked at one by one.
    """
    left = np.hypot(_left(answer / np.float32(max(noise, 1e-12)), axis), np.float32(FLOOR))
    found: Array = np.stack([np.full_like(left, np.log(max(share, 1e-6))), np.log(left)])
    return found


def _left(signal: Array, axis: int) -> Array:
    """The standard deviation that a Wiener filter would leave of noise of 1 around each voxel.

    Of a cosine of power P it leaves P / (P + 1) of the noise. Blocks lie side by side, and means
    over a little more than a block go over their borders.
    """
    # here: requests are judged by this module, and scipy takes as long to import as numpy, pydantic
    from scipy.fft import dctn
    from scipy.ndimage import uniform_filter

    sizes = [1 if one == axis else BLOCK for one in range(3)]
    pads = [(0, -n % size) for n, size in zip(signal.shape, sizes, strict=True)]
    padded = np.pad(signal, pads, mode="symmetric")
    pairs = [(n // size, size) for n, size in zip(padded.shape, sizes, strict=True)]
    blocks = padded.reshape([n for pair in pairs for n in pair])
    power = np.square(dctn(blocks, axes=(1, 3, 5), norm="ortho"))
    power /= power + 1
    left = power.mean(axis=(1, 3, 5))
    for one, size in enumerate(sizes):
        left = left.repeat(size, axis=one)
    left = left[tuple(slice(n) for n in signal.shape)]
    around = uniform_filter(left, [1 if one == axis else BLOCK + 1 for one in range(3)])
    deviation: Array = np.sqrt(np.maximum(around, 0))
    return deviation


@dataclass(frozen=True)
class Calibration:
    """What makes intervals of a model: the function of the features, and the factors.

    `weights` go with FEATURES, after `intercept`; `factors` are by coverage in per cent. `source`
    names the scans held out, `scans` counts them; `noise` is the range of levels (shares) that they
    had.
    """

    source: str
    scans: int
    noise: tuple[float, float]
    intercept: float
    weights: tuple[float, ...]
    factors: dict[str, float]
    loss_bound: float = LOSS_BOUND

    @classmethod
    def load(cls, folder: Path) -> Calibration | None:
        """That of the model in a folder; None if it has none. Raises CheckpointError."""
        found = measured.read(folder / INTERVALS, cls, by=TOOL)
        if found and len(found.weights) != len(FEATURES):
            raise CheckpointError(
                f"{folder / INTERVALS}: expected weights of {', '.join(FEATURES)}, found "
                f"{len(found.weights)} weights, of an earlier medddim; make it again by {TOOL}"
            )
        return found

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / INTERVALS).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @property
    def in_words(self) -> str:
        """What the intervals were calibrated on, in words."""
        return f"calibrated over {self.scans} scans held out ({self.source})"

    def require_coverage(self, coverage: float) -> None:
        """Raise RequestProblem for a coverage that no factor was found for."""
        said = f"{coverage:g}" if isinstance(coverage, Real) else repr(coverage)
        if said not in self.factors:
            raise RequestProblem(
                f"expected an interval of {', '.join(self.factors)} per cent, for which this model "
                f"is calibrated; found {said}"
            )

    def require(self, coverage: float, share: float) -> None:
        """Raise RequestProblem for a coverage or a noise level that no factor was found for."""
        self.require_coverage(coverage)
        low, high = self.noise
        if not low <= share <= high:
            raise RequestProblem(
                f"the intervals of this model were calibrated at noise of {low:.1%} to {high:.1%}, "
                f"and this scan has {share:.2%}: outside, none is given; leave out --interval"
            )

    def width(self, seen: Array, *, noise: float) -> Array:
        """The half width before any factor, in the unit of `noise`, for `features` seen."""
        logs = np.tensordot(np.asarray(self.weights, np.float32), seen, axes=1)
        wide: Array = np.float32(noise) * np.exp(logs + np.float32(self.intercept))
        return wide

    def interval(
        self, scan: Volume, answer: Volume, *, noise: float, share: float, coverage: float
    ) -> tuple[Volume, Volume]:
        """The lower and the upper end for every voxel, in the scan's unit.

        Ends of a scan without a value below 0 are not below 0 either. Raises RequestProblem as
        `require` does.
        """
        self.require(coverage, share)
        factor = np.float32(self.factors[f"{coverage:g}"])
        half = np.stack(
            [
                self.width(
                    features(image, noise=noise, share=share, axis=answer.slice_axis), noise=noise
                )
                for image in answer.voxels
            ]
        )
        lower, upper = answer.voxels - factor * half, answer.voxels + factor * half
        if scan.voxels.min() >= 0:
            lower = np.maximum(lower, 0)
        return answer.with_voxels(lower), answer.with_voxels(upper)


def require_calibrated(
    calibration: Calibration | None, recipe: Recipe, settings: Settings
) -> Calibration:
    """The calibration. Raises RequestProblem for a model or settings without one.

    Several steps or samples have another error than the one step that was calibrated.
    """
    if calibration is None:
        raise RequestProblem(
            f"the model {recipe.name} has no calibrated intervals (no {INTERVALS} beside its "
            f"weights); {TOOL} makes them"
        )
    if settings.steps_taken > 1 or settings.samples is not None:
        raise RequestProblem(
            "intervals are calibrated for the answer of one step: leave out --steps and --samples"
        )
    return calibration


# --- calibrating ---------------------------------------------------------------------------------


def fit_width(seen: Sequence[Array], errors: Sequence[Array]) -> tuple[float, tuple[float, ...]]:
    """Intercept and weights that make the half width as large as errors are on average.

    `seen` are `(feature, voxel)` for each scan; `errors` are sizes in units of the noise. A
    log-linear model of the mean error, fitted by iteratively reweighted least squares (gamma
    family, log link: McCullagh & Nelder 1989, section 8.3), with a small ridge so that few scans do
    not run away with it.
    """
    table = np.concatenate(seen, axis=1).T.astype(np.float64)
    error = np.concatenate(errors).astype(np.float64)
    design = np.column_stack([np.ones(len(table)), table])
    ridge = 1e-3 * len(design) * np.diag([0.0] + [1.0] * table.shape[1])
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(error.mean() + 1e-12)
    normal = design.T @ design + ridge
    for _ in range(25):
        mean = np.exp((design @ weights).clip(-20, 20))
        step = np.linalg.solve(normal, design.T @ ((error - mean) / mean) - ridge @ weights)
        weights = weights + step.clip(-1, 1)
    return float(weights[0]), tuple(map(float, weights[1:]))


def factor_for(ratios: Sequence[Floats], *, alpha: float, bound: float = LOSS_BOUND) -> float:
    """The smallest factor by which half widths keep the expected loss at `alpha`.

    `ratios` are error over half width, all voxels of one scan each. Raises RequestProblem for
    too few scans: no factor is enough where bound / (n + 1) is above `alpha`.
    """
    n = len(ratios)
    if bound / (n + 1) > alpha:
        raise RequestProblem(
            f"{n} scans are too few to calibrate at {alpha:.0%}: at least "
            f"{int(np.ceil(bound / alpha - 1))} are needed"
        )
    grid = [np.quantile(one, np.linspace(0.5, 1, 401)) for one in ratios]
    low, high = 0.0, max(float(one.max()) for one in ratios) + 1e-9

    def risk(factor: float) -> float:
        outside = [
            1 - np.interp(factor, one, np.linspace(0.5, 1, 401), left=0.5, right=1.0)
            for one in grid
        ]
        return float(np.minimum(outside, bound).sum() + bound) / (n + 1)

    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if risk(middle) <= alpha else (middle, high)
    return high
