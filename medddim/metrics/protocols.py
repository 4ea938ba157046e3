"""Protocols: named choices of range, window, mask and dimension, so that figures can be compared.

A protocol is one function from the reference to a `Protocol`, entered in PROTOCOLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from medddim.errors import ScoreError
from medddim.metrics.masks import Mask, body, foreground, signal_level
from medddim.metrics.measures import hf_power, psnr, rmse, ssim
from medddim.metrics.scores import Scores
from medddim.volume import Volume

SOFT_TISSUE_HU = (-160.0, 240.0)


@dataclass(frozen=True, eq=False)
class Protocol:
    """The terms of one comparison; `window` clips both images before PSNR, SSIM and HF power."""

    data_range: float
    window: tuple[float, float] | None
    mask: Mask
    mask_name: str
    dimensions: Literal[2, 3]
    slice_axis: int

    def clip(self, volume: Volume) -> npt.NDArray[np.float32]:
        """The voxels inside the window; all of them where there is none."""
        return volume.voxels if self.window is None else volume.voxels.clip(*self.window)


def magnitude_mr(reference: Volume) -> Protocol:
    """MR: range from 0 to the 99.5th percentile of the whole reference; its foreground; 2D."""
    axis = reference.slice_axis
    return Protocol(
        data_range=signal_level(reference.voxels),
        window=None,
        mask=foreground(reference.voxels, slice_axis=axis),
        mask_name="foreground",
        dimensions=2,
        slice_axis=axis,
    )


def soft_tissue_ct(reference: Volume) -> Protocol:
    """CT in HU: window -160 to 240, range 400; the body, whose lungs the window flattens; 2D."""
    axis = reference.slice_axis
    return Protocol(
        data_range=SOFT_TISSUE_HU[1] - SOFT_TISSUE_HU[0],
        window=SOFT_TISSUE_HU,
        mask=body(reference.voxels, slice_axis=axis),
        mask_name="body",
        dimensions=2,
        slice_axis=axis,
    )


def medddim(reference: Volume) -> Protocol:
    """Soft tissue for CT, magnitude for everything else."""
    is_ct = reference.modality == "CT" or reference.unit == "HU"
    return soft_tissue_ct(reference) if is_ct else magnitude_mr(reference)


PROTOCOLS: dict[str, Callable[[Volume], Protocol]] = {
    "medddim": medddim,
    "mr": magnitude_mr,
    "ct": soft_tissue_ct,
}


def compare(candidate: Volume, reference: Volume, *, protocol: str = "medddim") -> Scores:
    """Score a candidate against a reference under a named protocol; all its terms are in Scores.

    Raises GridMismatch unless both share a grid, ScoreError for an unknown protocol or a reference
    without signal.
    """
    candidate.require_same_grid(reference)
    if protocol not in PROTOCOLS:
        raise ScoreError(f"unknown protocol {protocol!r}; choose from {', '.join(PROTOCOLS)}")
    terms = PROTOCOLS[protocol](reference)
    ours, theirs = terms.clip(candidate), terms.clip(reference)
    mask, axis, span = terms.mask, terms.slice_axis, terms.data_range
    return Scores(
        psnr_db=psnr(ours, theirs, data_range=span, mask=mask),
        ssim=ssim(
            ours,
            theirs,
            data_range=span,
            mask=mask,
            dimensions=terms.dimensions,
            slice_axis=axis,
        ),
        rmse=rmse(candidate.voxels, reference.voxels, mask=mask),
        hf_power=hf_power(ours, theirs, slice_axis=axis, mask=mask),
        data_range=span,
        unit=reference.unit,
        protocol=protocol,
        window=terms.window,
        mask=terms.mask_name,
        dimensions=terms.dimensions,
        slice_axis=axis,
        voxels=int(mask.sum()) * reference.channels,
    )
