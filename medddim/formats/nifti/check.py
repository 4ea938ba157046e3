"""A written NIfTI file against its source: is its stored form that of the source?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medddim.formats.contract import Derivation
from medddim.formats.nifti.header import affine_mm, read_header, shape_of
from medddim.formats.nifti.read import NiftiSource
from medddim.formats.nifti.write import SAME_AFFINE


def check_file(path: Path, source: NiftiSource, derivation: Derivation) -> dict[str, str]:
    """What is wrong with one written file, by topic; "" where nothing is. Raises ScanError."""
    header = read_header(path)
    values = ""
    same = shape_of(header) == source.shape and np.allclose(
        affine_mm(header, path), source.affine, rtol=0, atol=SAME_AFFINE
    )
    kind = source.header.get_data_dtype().kind if same else "f"
    if header.get_data_dtype().kind != kind:
        values = "the stored type is not that of the source" if same else "expected float32"
    elif header.get_data_dtype().kind in "iu":
        slope, intercept = header.get_slope_inter()
        if (slope or 1.0, intercept or 0.0) != (source.slope, source.intercept):
            values = "scl_slope and scl_inter are not those of the source"
    note = bytes(header["descrip"].item())
    told = note.startswith(f"medddim {derivation.kind}: ".encode())
    missing = "" if told else f"descrip does not begin with medddim and {derivation.kind!r}"
    return {"values": values, "provenance": missing}
