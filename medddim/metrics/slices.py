"""What every measure does first: see that two images can be compared, and take them in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from medddim.errors import GridMismatch, ScoreError
from medddim.volume import Mask

Image = npt.NDArray[np.floating]
Float = npt.NDArray[np.float64]
Pair = tuple[Float, Float, Mask]


def pieces(
    candidate: Image, reference: Image, region: Mask, *, flat_axis: int | None
) -> Iterator[Pair]:
    """One image pair at a time, float64, with its mask: slices, or whole channels without an axis.

    One at a time because the intermediate arrays of a chest CT would not fit in memory together.
    Slices outside the region are left out.
    """
    for ours, theirs in zip(channels(candidate), channels(reference), strict=True):
        if flat_axis is None:
            yield ours.astype(np.float64), theirs.astype(np.float64), region
            continue
        stacks = (np.moveaxis(array, flat_axis, 0) for array in (ours, theirs, region))
        for one, other, inside in zip(*stacks, strict=True):
            if inside.any():
                yield one.astype(np.float64), other.astype(np.float64), inside


def channels(image: Image) -> Image:
    """The image as `(channel, x, y, z)`."""
    return image.reshape(-1, *image.shape[-3:])


def everywhere(reference: Image) -> Mask:
    """The mask that leaves nothing out."""
    return np.ones(reference.shape[-3:], dtype=bool)


def require_range(data_range: float) -> None:
    """Raise ScoreError unless the range is finite and above 0."""
    if not (np.isfinite(data_range) and data_range > 0):
        raise ScoreError(f"expected a data range above 0, found {data_range}")


def require_comparable(candidate: Image, reference: Image, *, mask: Mask | None) -> None:
    """Raise GridMismatch if shapes differ, ScoreError if there is nothing to measure."""
    if candidate.shape != reference.shape or candidate.ndim not in (3, 4):
        raise GridMismatch(
            "expected two images of one shape, (x, y, z) or (channel, x, y, z); "
            f"found {candidate.shape} against {reference.shape}"
        )
    if mask is not None and mask.shape != reference.shape[-3:]:
        raise GridMismatch(f"expected a mask on {reference.shape[-3:]}, found {mask.shape}")
    if mask is not None and not mask.any():
        raise ScoreError("the mask holds no voxel, so there is nothing to measure")
    for name, image in (("candidate", candidate), ("reference", reference)):
        if broken := image.size - int(np.isfinite(image).sum()):
            raise ScoreError(f"{broken} voxels of the {name} are not finite numbers")
