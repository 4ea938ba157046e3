"""Which number format a network computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["bf16", "fp32"]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """A context in which convolutions run in bfloat16, or an empty one for "fp32".

    bfloat16 keeps float32's range and 8 bits of mantissa. A residual network rounds only the
    noise it removes, at most 0.4 % of it. Apple's mps runs fp32, having no bf16 autocast to trust.
    """
    if precision == "fp32" or device.type == "mps":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
