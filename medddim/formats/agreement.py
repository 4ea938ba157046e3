"""A written result against the scan it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medddim.errors import GridMismatch
from medddim.formats.contract import Derivation, Format
from medddim.intensity import BRIGHT_PERCENTILE
from medddim.volume import Affine, Array, Volume

EXTENT_TOLERANCE_MM = 1e-3
BRIGHTNESS = 10.0
"""No result is so many times brighter or darker than its source, unless a scale went wrong."""
NO_CHANGE = 1e-4
"""Largest difference of an unchanged copy, as a share of the range: what re-scaling may cost."""
ROUNDING = 0.51
"""The same in steps of what is stored: voxels that a repair has computed lie between two."""


def disagreements(
    format: Format, files: Sequence[Path], source: Volume, result: Volume, derivation: Derivation
) -> dict[str, str]:
    """What is wrong with a result, by topic; "" where nothing is.

    Topics: "geometry", "values", "provenance", for DICOM "order" and "identity".
    Raises ScanError for files that cannot be read.
    """
    problems = {
        "geometry": geometry(result, source, derivation.kind),
        "values": values(result, source, derivation.kind),
    }
    for topic, problem in format.check(files, source, derivation).items():
        problems[topic] = problems.get(topic) or problem
    return problems


def geometry(result: Volume, source: Volume, kind: str) -> str:
    """Denoising keeps the grid, super-resolution its extent; a degraded scan stays inside.

    At a lower resolution its edges may lie beyond, not the centres of its voxels.
    """
    if kind not in ("superresolve", "degrade"):
        try:
            result.require_same_grid(source)
        except GridMismatch as mismatch:
            return str(mismatch)
        return ""
    (low, high), (source_low, source_high) = (
        _box(result, source.affine),
        _box(source, source.affine),
    )
    tolerance = EXTENT_TOLERANCE_MM / np.array(source.spacing_mm)
    if kind == "degrade":  # the centre of the first voxel may stay where it was
        larger = np.subtract(result.spacing_mm, source.spacing_mm) / source.spacing_mm
        tolerance += np.maximum(larger, 0) / 2
    over = np.concatenate([source_low - low, high - source_high])
    worst = np.abs(over) if kind == "superresolve" else over
    if (worst > np.tile(tolerance, 2)).any():
        mm = float((worst * np.tile(source.spacing_mm, 2)).max())
        return f"the edges of the result lie up to {mm:.3f} mm from those of the source"
    return ""


def values(result: Volume, source: Volume, kind: str) -> str:
    """The unit, the number of images and, roughly, the brightness are those of the source."""
    result = result.taken_for(source.modality)  # of NIfTI, a JSON file beside the source says it
    said, should = ((one.modality or "?", one.unit or "?") for one in (result, source))
    if said != should:
        return f"it is {' in '.join(said)}, the source is {' in '.join(should)} (modality, unit)"
    if result.channels != source.channels:
        return f"it holds {result.channels} images, the source {source.channels}"
    if kind == "identity":
        expected = _storable(source.voxels, result)
        far = max(_range(source.voxels) * NO_CHANGE, ROUNDING * _step(result))
        changed = int(np.count_nonzero(np.abs(result.voxels - expected) > far))
        return f"{changed} voxels of an unchanged copy differ" if changed else ""
    ratio = _range(result.voxels) / (_range(source.voxels) or 1.0)
    if ratio > BRIGHTNESS or (0 < ratio < 1 / BRIGHTNESS):
        return f"the range of its values is {ratio:.3g} times that of the source"
    return ""


def _storable(voxels: Array, result: Volume) -> Array:
    """What the stored type of the result can hold: beyond, it was clipped, as is on record."""
    scales = {(float(slope), float(zero)) for slope, zero in getattr(result.source, "scales", ())}
    dtype = getattr(result.source, "dtype", None)
    if len(scales) != 1 or dtype is None or dtype.kind not in "iu":
        return voxels
    ((slope, zero),) = scales
    ends = [slope * end + zero for end in (np.iinfo(dtype).min, np.iinfo(dtype).max)]
    return np.clip(voxels, min(ends), max(ends))


def _box(volume: Volume, affine: Affine) -> tuple[Affine, Affine]:
    """The outer corners of the volume, counted in voxels of the grid `affine`."""
    ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in volume.shape])).reshape(3, -1)
    points = np.linalg.solve(affine, volume.affine @ np.vstack([ends, np.ones(8)]))[:3]
    return points.min(axis=1), points.max(axis=1)


def _step(volume: Volume) -> float:
    """The difference of two neighbouring stored values; 0 if the format keeps more than those."""
    return max((abs(slope) for slope, _ in getattr(volume.source, "scales", ())), default=0.0)


def _range(voxels: Array) -> float:
    low, high = np.percentile(voxels, (100 - BRIGHT_PERCENTILE, BRIGHT_PERCENTILE))
    return float(high - low)
