"""Protocols: named choices of range, window, mask and kernel, so that figures can be compared.

A protocol is one function from the reference to a `Protocol`, entered in PROTOCOLS. Those named
after others reproduce what their source computes; its file is named with each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from medddim.errors import RequestProblem, did_you_mean
from medddim.intensity import bright_end
from medddim.metrics.masks import body, foreground
from medddim.metrics.similarity import GAUSSIAN, UNIFORM, ZERO_PADDED, Kernel
from medddim.volume import Array, Mask, Volume

SOFT_TISSUE_HU = (-160.0, 240.0)

LDCT_WINDOWS = {"abdomen": (50, 400), "chest": (-600, 1500), "neuro": (40, 80)}
"""Centre and width in HU."""
LDCT_RMSE_HU = (-1024.0, 1900.0)
COREDIFF_HU = (-1000.0, 1000.0)

POOLED = "over all voxels"
SLICES = "mean over slices"


@dataclass(frozen=True, eq=False)
class Protocol:
    """The terms of one comparison; see Passport for their meaning.

    `data_range` None is the reference's own max - min in each slice. `mask` None is every voxel.
    `by_slice` measures every slice alone and averages; else RMSE and PSNR pool all voxels.
    """

    data_range: float | None
    range_rule: str
    slice_axis: int
    window: tuple[float, float] | None = None
    zero: float = 0.0
    rmse_window: tuple[float, float] | None = None
    mask: Mask | None = None
    mask_name: str = "none"
    dimensions: Literal[2, 3] = 2
    kernel: Kernel = GAUSSIAN
    by_slice: bool = False

    def seen(self, volume: Volume) -> Array:
        """The voxels that are compared: inside the window, counted from `zero`."""
        voxels = volume.voxels if self.window is None else volume.voxels.clip(*self.window)
        return voxels - np.float32(self.zero) if self.zero else voxels

    @property
    def aggregation(self) -> str:
        """What is averaged over what."""
        if self.by_slice:
            return f"PSNR, SSIM and RMSE {SLICES}"
        if self.mask is not None:
            return f"PSNR and SSIM {POOLED} of the mask"
        return f"PSNR {POOLED}, SSIM {SLICES if self.dimensions == 2 else 'over the volume'}"


def magnitude_mr(reference: Volume) -> Protocol:
    """MR: range from 0 to the 99.5th percentile of the whole reference; its foreground; 2D."""
    axis = reference.slice_axis
    return Protocol(
        data_range=float(bright_end(reference.voxels)),
        range_rule="99.5th percentile of the reference",
        mask=foreground(reference.voxels, slice_axis=axis),
        mask_name="foreground",
        slice_axis=axis,
    )


def soft_tissue_ct(reference: Volume) -> Protocol:
    """CT in HU: window -160 to 240, range 400; the body, whose lungs the window flattens; 2D."""
    axis = reference.slice_axis
    return Protocol(
        data_range=SOFT_TISSUE_HU[1] - SOFT_TISSUE_HU[0],
        range_rule="width of the window",
        window=SOFT_TISSUE_HU,
        mask=body(reference.voxels, slice_axis=axis),
        mask_name="body",
        slice_axis=axis,
    )


def medddim(reference: Volume) -> Protocol:
    """Soft tissue for what is in Hounsfield units, magnitude for everything else."""
    in_hu = reference.recognised().in_hu
    return soft_tissue_ct(reference) if in_hu else magnitude_mr(reference)


def fastmri(reference: Volume) -> Protocol:
    """fastMRI's: maximum of the volume as range, SSIM 7x7 uniform in each slice, all voxels.

    facebookresearch/fastMRI, `fastmri/evaluate.py`, but for its crop to a square, which belongs to
    that data set. Made for magnitude images; on HU its range has no meaning.
    """
    return Protocol(
        data_range=float(reference.voxels.max()),
        range_rule="maximum of the reference",
        slice_axis=reference.slice_axis,
        kernel=UNIFORM,
    )


def ldct(reference: Volume, *, anatomy: str = "abdomen") -> Protocol:
    """ldct-benchmark's: the window of the anatomy, each slice alone, SSIM 7x7 uniform.

    eeulig/ldct-benchmark, `ldctbench/utils/test_utils.py`, `compute_metric`. A window of centre c
    and width w spans c - w/2 to c + w/2 - 1 (DICOM PS3.3 C.11.2.1.2.1); RMSE sees -1024 to 1900 HU.
    For CT in HU.
    """
    centre, width = LDCT_WINDOWS[anatomy]
    low = centre - width / 2
    return Protocol(
        data_range=width - 1.0,
        range_rule=f"width of the {anatomy} window",
        window=(low, low + width - 1),
        zero=low,
        rmse_window=LDCT_RMSE_HU,
        slice_axis=reference.slice_axis,
        kernel=UNIFORM,
        by_slice=True,
    )


def corediff(reference: Volume) -> Protocol:
    """CoreDiff's: -1000 to 1000 HU, each slice over its own range, SSIM Gaussian, zero padded.

    qgao21/CoreDiff, `models/corediff/corediff.py`, `test` (one slice a batch), with
    `models/basic_template.py` and `utils/measure.py`. The range is max - min of the windowed
    reference slice: 2000 only where it holds both air and dense bone. For CT in HU.
    """
    return Protocol(
        data_range=None,
        range_rule="max - min of each windowed slice of the reference, here their mean",
        window=COREDIFF_HU,
        zero=COREDIFF_HU[0],
        rmse_window=COREDIFF_HU,
        slice_axis=reference.slice_axis,
        kernel=ZERO_PADDED,
        by_slice=True,
    )


def monai(reference: Volume) -> Protocol:
    """MONAI's defaults on a volume scaled to 0..1: PSNR with max_val 1, SSIM Gaussian 11, 3D.

    Project-MONAI/MONAI, `monai/metrics/regression.py`, PSNRMetric and SSIMMetric (data_range 1.0);
    both images are scaled as `ScaleIntensity` scales the reference, by its minimum and maximum.
    2D where a side is shorter than the kernel, which MONAI itself refuses. Several channels are
    averaged.
    """
    low, high = float(reference.voxels.min()), float(reference.voxels.max())
    thick = min(reference.shape) >= GAUSSIAN.size
    return Protocol(
        data_range=high - low,
        range_rule="max - min of the reference",
        zero=low,
        slice_axis=reference.slice_axis,
        dimensions=3 if thick else 2,
    )


PROTOCOLS: dict[str, Callable[[Volume], Protocol]] = {
    "medddim": medddim,
    "mr": magnitude_mr,
    "ct": soft_tissue_ct,
    "fastmri": fastmri,
    "monai": monai,
    "corediff": corediff,
    "ldct": ldct,
    "ldct-chest": partial(ldct, anatomy="chest"),
    "ldct-neuro": partial(ldct, anatomy="neuro"),
}

FOR_EVERY_SCAN = ("medddim", "fastmri", "monai")
FOR_CT = ("corediff", "ldct", "ldct-chest", "ldct-neuro")


def require_known(protocol: str, *more: str) -> None:
    """Raise RequestProblem unless it is the name of a protocol, or one of `more`."""
    known = (*PROTOCOLS, *more)
    if protocol not in known:
        raise RequestProblem(
            f"unknown protocol {protocol!r}; choose from {', '.join(known)}"
            f"{did_you_mean(protocol, known)}"
        )


def meant_for(reference: Volume) -> tuple[str, ...]:
    """The protocols whose range has a meaning on such a scan: those in HU only for CT."""
    return (*FOR_EVERY_SCAN, *FOR_CT) if reference.recognised().in_hu else FOR_EVERY_SCAN
