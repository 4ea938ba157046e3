"""Whatever a user holds for a scan, as a Volume; where that cannot be, how to make one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medddim import formats
from medddim.errors import RequestProblem
from medddim.volume import Volume


def as_volume(scan: Any) -> Volume:
    """The Volume of a scan given as one, as a path, or as an image of nibabel, SimpleITK, MONAI.

    Raises RequestProblem for anything else, an array above all: it does not say where it lies. And
    what reading or converting raises.
    """
    if isinstance(scan, Volume):
        return scan
    if isinstance(scan, str | Path):
        return formats.read(scan)
    libraries = {kind.__module__.partition(".")[0] for kind in type(scan).__mro__}
    if "nibabel" in libraries:
        return Volume.from_nibabel(scan)
    if "SimpleITK" in libraries:
        return Volume.from_sitk(scan)
    if "monai" in libraries:
        return Volume.from_metatensor(scan)
    shape = getattr(scan, "shape", None)
    if shape is None:
        remedy = "medddim.read(path) gives a Volume"
    elif len(shape) == 3:
        remedy = "an array does not say where it lies: medddim.Volume(array[None], affine)"
    else:
        remedy = (
            "an array does not say where it lies: medddim.Volume(array, affine), with the channel "
            "first and three spatial axes"
        )
    raise RequestProblem(f"expected a Volume, found {type(scan).__name__}; {remedy}")
