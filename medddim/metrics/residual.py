"""What was taken away: is it noise, or is there anatomy in it? Needs no reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from medddim.metrics.slices import Float, Image, everywhere, pieces, require_comparable
from medddim.volume import Mask

EDGE_SIGMA = 1.0


@dataclass(frozen=True)
class Residual:
    """The residual, input minus result, over a mask.

    `spread` is its standard deviation in the unit of the scan. `lag1` is its correlation with
    itself one voxel further within the slice: 0 for white noise; the noise of a CT, or of a scan
    that was interpolated, is itself correlated, so compare it with that. `edges` is the Pearson
    correlation of its size with the gradient of the result: near 0 for noise, high where edges were
    taken away. `signal` is its correlation with the result: near 0 if no brightness was moved.
    """

    spread: float
    lag1: float
    edges: float
    signal: float

    def as_dict(self) -> dict[str, float | None]:
        """Plain values for JSON: a correlation of something constant is None."""
        return {
            f"residual_{name}": value if np.isfinite(value) else None
            for name, value in asdict(self).items()
        }


def residual(
    result: Image, before: Image, *, slice_axis: int = 2, mask: Mask | None = None
) -> Residual:
    """What `result` took away from `before`, the image it was made from.

    The "method noise" of Buades, Coll and Morel 2005 (Multiscale Model. Simul. 4(2), section 2),
    which should look like noise. The gradient is that of a Gaussian of 1 voxel, within the slice;
    pairs of voxels count if both are in the mask. NaN where the residual is constant. Errors as for
    the measures.
    """
    require_comparable(result, before, mask=mask)
    region = everywhere(before) if mask is None else mask
    inside_all, lagged, edges, shown = [], [], [], []
    centre = _mean_difference(before, result, region)
    for ours, theirs, inside in pieces(result, before, region, flat_axis=slice_axis):
        rest = theirs - ours - centre
        inside_all.append(rest[inside])
        lagged.append(np.hstack([_neighbours(rest, inside, axis) for axis in (0, 1)]))
        edges.append(ndimage.gaussian_gradient_magnitude(ours, EDGE_SIGMA)[inside])
        shown.append(ours[inside])
    values = np.concatenate(inside_all)
    here, there = np.hstack(lagged)
    energy = np.sqrt(np.sum(here**2) * np.sum(there**2))
    return Residual(
        spread=float(np.std(values)),
        lag1=float(np.sum(here * there) / energy) if energy > 0 else float("nan"),
        edges=_correlation(np.abs(values), np.concatenate(edges)),
        signal=_correlation(values, np.concatenate(shown)),
    )


def _mean_difference(before: Image, result: Image, region: Mask) -> float:
    difference = np.subtract(before[..., region], result[..., region], dtype=np.float64)
    return float(difference.mean())


def _neighbours(rest: Float, inside: Mask, axis: int) -> Float:
    """`(2, pairs)`: each voxel and the next one along an axis."""
    values, seen = np.moveaxis(rest, axis, 0), np.moveaxis(inside, axis, 0)
    both = seen[:-1] & seen[1:]
    return np.stack([values[:-1][both], values[1:][both]])


def _correlation(one: Float, other: Float) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
