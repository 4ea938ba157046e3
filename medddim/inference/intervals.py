"""Intervals for every voxel, calibrated over held-out scans by conformal risk control.

How far an answer may be off at a voxel is guessed from what is cheap to look at (`features`): how
much was changed around it, how steep and how busy the answer is there, the noise level. A small
function of these, fitted once for a model, gives the half width; one factor for each coverage makes
it hold over scans.

Conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814, theorem 1): with n scans held
out whose loss falls with the factor and is at most B, the smallest factor with
(n R + B) / (n + 1) <= alpha keeps the expected loss of a further scan, exchangeable with them, at
alpha or below. The loss is the share of the object's voxels outside the interval, counted up to B.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

from medddim.errors import RequestProblem
from medddim.inference import measured
from medddim.inference.settings import Settings
from medddim.recipe import Recipe
from medddim.volume import Array, Volume

INTERVALS = "intervals.json"
LOSS_BOUND = 0.3
"""B: a scan with more than this share of its voxels outside counts as this much."""
AROUND = 1.5
"""Voxels; the standard deviation of the neighbourhoods that features are means over."""
FLOOR = 0.05
"""Of the noise level: no feature counts as less, so that logarithms are finite."""
FEATURES = ("level", "changed here", "changed around", "steep", "busy", "bright")
Floats = npt.NDArray[np.float64]


def features(scan: Array, answer: Array, *, noise: float, axis: int) -> Array:
    """What the half width is found from, `(feature, x, y, z)`: logarithms, in units of the noise.

    `scan` and `answer` are images `(x, y, z)` of one unit, `noise` their level, `axis` that across
    the slices, which neighbourhoods do not reach over.
    """
    unit = max(noise, 1e-12)
    sigma = [AROUND] * 3
    sigma[axis] = 0.0
    steep_at = [0.7] * 3
    steep_at[axis] = 1e-3
    change, level = (answer - scan) / unit, answer / unit
    around = np.sqrt(gaussian_filter(np.square(change), sigma))
    mean = gaussian_filter(level, sigma)
    busy = np.sqrt(np.maximum(gaussian_filter(np.square(level - mean), sigma), 0))
    steep = gaussian_gradient_magnitude(level, steep_at)
    parts = (np.abs(change), around, steep, busy)
    logs = [np.log(part + FLOOR).astype(np.float32) for part in parts]
    bright = np.log1p(np.abs(level)).astype(np.float32)
    found: Array = np.stack([np.zeros_like(bright), *logs, bright])
    return found


@dataclass(frozen=True)
class Calibration:
    """What makes intervals of a model: the function of the features, and the factors.

    `weights` go with FEATURES, the first of them for log(noise level as a share), after
    `intercept`; `factors` are by coverage in per cent. `source` names the scans held out,
    `scans` counts them; `noise` is the range of levels (shares) that they had.
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
        return measured.read(folder / INTERVALS, cls, by="tools/calibrate_intervals.py")

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / INTERVALS).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @property
    def in_words(self) -> str:
        """What the intervals were calibrated on, in words."""
        return f"calibrated over {self.scans} scans held out ({self.source})"

    def require_coverage(self, coverage: float) -> None:
        """Raise RequestProblem for a coverage that no factor was found for."""
        if f"{coverage:g}" not in self.factors:
            raise RequestProblem(
                f"expected an interval of {', '.join(self.factors)} per cent, for which this model "
                f"is calibrated; found {coverage:g}"
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

    def width(self, seen: Array, *, noise: float, share: float) -> Array:
        """The half width before any factor, in the unit of `noise`, for `features` seen."""
        logs = self.intercept + self.weights[0] * np.log(max(share, 1e-6))
        for weight, feature in zip(self.weights[1:], seen[1:], strict=True):
            logs = logs + np.float32(weight) * feature
        wide: Array = (noise * np.exp(logs)).astype(np.float32)
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
                    features(before, after, noise=noise, axis=answer.slice_axis),
                    noise=noise,
                    share=share,
                )
                for before, after in zip(scan.voxels, answer.voxels, strict=True)
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
            "weights); tools/calibrate_intervals.py makes them"
        )
    if settings.steps_taken > 1 or settings.samples is not None:
        raise RequestProblem(
            "intervals are calibrated for the answer of one step: leave out --steps and --samples"
        )
    return calibration


# --- calibrating ---------------------------------------------------------------------------------


def fit_width(seen: Sequence[Array], errors: Sequence[Array]) -> tuple[float, tuple[float, ...]]:
    """Intercept and weights that make the half width as large as errors are on average.

    `seen` are `(feature, voxel)` for each scan, the first feature being log(noise share); `errors`
    are sizes in units of the noise. A log-linear model of the mean error, fitted by iteratively
    reweighted least squares (gamma family, log link: McCullagh & Nelder 1989, section 8.3), with a
    small ridge so that few scans do not run away with it.
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
