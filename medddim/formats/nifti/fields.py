"""The nibabel classes of a NIfTI header, which ship without types."""

from __future__ import annotations

from typing import Any, TypeAlias

from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

NiftiHeader: TypeAlias = Any
"""A nibabel Nifti1Header or Nifti2Header."""

HEADER_BYTES: dict[int, Any] = {348: Nifti1Header, 540: Nifti2Header}
