"""A MetaTensor as a Volume, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor as MetaTensor

from medddim.errors import UnsupportedScan
from medddim.intensity import modality_code
from medddim.volume import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SPACE, RAS, LPS = "space", "RAS", "LPS"
KEPT = ("modality", "unit")
"""Keys of the metadata under which a Volume's own facts travel."""


def from_metatensor(tensor: MetaTensor, *, modality: str = "") -> Volume:
    """The Volume of a MetaTensor `(channel, x, y, z)`, position and all.

    Modality and unit are those given, else those that `to_metatensor` left in `tensor.meta`.
    Raises UnsupportedScan for a tensor without metadata, of other dimensions, with operations
    that lazy transforms have put off, or in a space other than RAS and LPS.
    """
    if not isinstance(tensor, MetaTensor):
        raise UnsupportedScan(
            f"expected a MetaTensor, which knows where it lies, found {type(tensor).__name__}; "
            "load with LoadImage(image_only=True, ensure_channel_first=True)"
        )
    if tensor.ndim != 4:
        raise UnsupportedScan(
            f"expected a MetaTensor of shape (channel, x, y, z), found {tuple(tensor.shape)}; "
            "EnsureChannelFirst adds a channel"
        )
    if tensor.pending_operations:
        raise UnsupportedScan(
            f"{len(tensor.pending_operations)} lazy operations on the MetaTensor are still to be "
            "done, and its affine is not yet true; ApplyPending does them"
        )
    space = str(tensor.meta.get(SPACE, RAS))
    if space not in (RAS, LPS):
        raise UnsupportedScan(f"expected a MetaTensor in RAS or LPS, found its space {space!r}")
    affine = np.asarray(tensor.affine.detach().cpu(), dtype=np.float64)
    said = modality_code(modality or tensor.meta.get("modality"))
    return Volume(
        tensor.detach().cpu().as_tensor().to(torch.float32).numpy(),
        LPS_TO_RAS @ affine if space == LPS else affine,
        modality=said,
        unit=str(tensor.meta.get("unit") or ("HU" if said == "CT" else "")),
    )


def to_metatensor(volume: Volume, *, like: MetaTensor | None = None) -> MetaTensor:
    """A float32 MetaTensor `(channel, x, y, z)` in RAS+ with a float64 affine.

    It keeps the metadata and the applied operations of `like`, its space and its device included.
    """
    meta: dict[str, Any] = {SPACE: RAS} if like is None else dict(like.meta)
    meta.pop("affine", None)
    meta |= {key: getattr(volume, key) for key in KEPT}
    space = str(meta.get(SPACE, RAS))
    affine = LPS_TO_RAS @ volume.affine if space == LPS else np.array(volume.affine)
    device = torch.device("cpu") if like is None else like.device
    return MetaTensor(
        torch.from_numpy(volume.voxels.copy()).to(device),
        affine=torch.from_numpy(affine),
        meta=meta,
        applied_operations=None if like is None else like.applied_operations,
    )
