"""compare(): a candidate against a reference under a named protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from medddim.errors import ScoreError
from medddim.metrics.measures import local_bias, nmse, psnr, rmse
from medddim.metrics.protocols import PROTOCOLS, Protocol, require_known
from medddim.metrics.scores import Scores
from medddim.metrics.similarity import ssim
from medddim.metrics.slices import channels
from medddim.metrics.spectrum import hf_power
from medddim.metrics.table import METRICS
from medddim.taken import as_volume
from medddim.volume import Array, Mask, Volume

Compared = tuple[Array, Array, Mask | None, float]


def compare(
    candidate: Volume | Any, reference: Volume | Any, *, protocol: str = "medddim"
) -> Scores:
    """Score a candidate against a reference under a named protocol; all its terms are in Scores.

    Both may be paths or images of other libraries, too (`medddim.taken`). The protocols: `medddim`
    (ours), `mr` and `ct` (its two halves), `fastmri`, `monai`, `corediff`, `ldct` (its abdomen
    window), `ldct-chest`, `ldct-neuro`. Raises GridMismatch unless both share a grid, ScoreError
    for an unknown protocol or a reference without signal.
    """
    candidate, reference = as_volume(candidate), as_volume(reference)
    candidate.require_same_grid(reference)
    require_known(protocol)
    terms = PROTOCOLS[protocol](reference)
    ours, theirs, mask, axis = (
        terms.seen(candidate), terms.seen(reference), terms.mask, terms.slice_axis,
    )  # fmt: skip
    parts = list(_parts(ours, theirs, terms))
    inside = int(mask.sum()) if mask is not None else int(np.prod(reference.shape))
    return Scores(
        psnr_db=_mean(psnr(a, b, data_range=span, mask=m) for a, b, m, span in parts),
        ssim=_mean(_ssim(part, terms) for part in parts),
        nmse=nmse(ours, theirs, mask=mask),
        rmse=_rmse(candidate, reference, terms),
        hf_power=hf_power(ours, theirs, slice_axis=axis, mask=mask),
        local_bias=local_bias(candidate.voxels, reference.voxels, slice_axis=axis, mask=mask),
        more={name: metric(ours, theirs, terms) for name, metric in METRICS.items()},
        protocol=protocol,
        data_range=_mean(span for *_, span in parts),
        range_rule=terms.range_rule,
        unit=reference.unit,
        window=terms.window,
        zero=terms.zero,
        rmse_window=terms.rmse_window,
        mask=terms.mask_name,
        voxels=inside * reference.channels,
        dimensions=terms.dimensions,
        slice_axis=axis,
        kernel=str(terms.kernel),
        aggregation=terms.aggregation,
    )


def _parts(ours: Array, theirs: Array, terms: Protocol) -> Iterator[Compared]:
    """What is measured alone: every slice, or the whole; each with its mask and range."""
    if not terms.by_slice:
        yield ours, theirs, terms.mask, _range(theirs, terms)
        return
    axis = terms.slice_axis
    for one, other in zip(channels(ours), channels(theirs), strict=True):
        for number in range(one.shape[axis]):
            here = (slice(None),) * axis + (slice(number, number + 1),)
            yield one[here], other[here], None, _range(other[here], terms)


def _range(theirs: Array, terms: Protocol) -> float:
    span = float(np.ptp(theirs)) if terms.data_range is None else terms.data_range
    if not span > 0:
        raise ScoreError(
            f"expected a data range above 0, found {span:g} ({terms.range_rule}); "
            "this protocol has no answer for this scan, choose another"
        )
    return span


def _ssim(part: Compared, terms: Protocol) -> float:
    ours, theirs, mask, span = part
    return ssim(
        ours,
        theirs,
        data_range=span,
        mask=mask,
        slice_axis=terms.slice_axis if terms.dimensions == 2 else None,
        kernel=terms.kernel,
    )


def _rmse(candidate: Volume, reference: Volume, terms: Protocol) -> float:
    ours, theirs = candidate.voxels, reference.voxels
    if terms.rmse_window is not None:
        ours, theirs = ours.clip(*terms.rmse_window), theirs.clip(*terms.rmse_window)
    if not terms.by_slice:
        return rmse(ours, theirs, mask=terms.mask)
    across = tuple(axis for axis in (1, 2, 3) if axis != 1 + terms.slice_axis)
    squares = np.square(np.subtract(ours, theirs, dtype=np.float64)).mean(axis=across)
    return float(np.sqrt(squares).mean())


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))
