"""Where a network computes, and in which number format."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

import torch

from medddim.errors import EnvironmentProblem, RequestProblem

Precision = Literal["auto", "bf16", "fp32"]
FAST_BF16 = ("amx_bf16", "bf16", "sve_bf16")
"""What torch calls the instructions of x86 and of Arm that make bfloat16 faster than float32."""
MADE_BY = os.getpid()
"""The process that loaded torch."""


def require_own_threads() -> None:
    """In a forked process compute with one thread.

    It has not inherited the threads of OpenMP, and would wait for them for ever; torch's own
    DataLoader does the same in its workers.
    """
    if os.getpid() != MADE_BY and torch.get_num_threads() > 1:
        torch.set_num_threads(1)


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "mps"; raises EnvironmentProblem if absent."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if not available.get(name.partition(":")[0]):
        raise EnvironmentProblem(f"device {name!r} is not available here; use the device auto")
    return torch.device(name)


def choose_precision(device: torch.device, precision: Precision) -> Literal["bf16", "fp32"]:
    """What "auto" means on this device: "bf16" where its hardware computes in it, else "fp32".

    A CPU without bfloat16 instructions emulates them, several times slower than float32; one with
    those of AVX-512 alone is slower in it, too (docs/decisions/0006). Apple's
    mps runs fp32 whatever is asked, having no bf16 autocast to trust.
    """
    if precision not in get_args(Precision):
        raise RequestProblem(f"expected a precision of auto, bf16 or fp32, found {precision!r}")
    if device.type == "mps":
        return "fp32"
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # old torch: unknown
    return "bf16" if any(known.get(name) for name in FAST_BF16) else "fp32"


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """A context in which convolutions run in bfloat16, or an empty one for "fp32".

    bfloat16 keeps float32's range and 8 bits of mantissa. A residual network rounds only the
    noise it removes, at most 0.4 % of it.
    """
    if choose_precision(device, precision) == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
