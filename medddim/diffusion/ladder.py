"""Ladders: the falling levels that a sampler visits, float64, `steps + 1` of them, the last 0."""

import math
from typing import Protocol

import torch
from torch import Tensor

from medddim.errors import DiffusionError


class Mix(Protocol):
    """What a ladder asks of a path."""

    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma at `level`."""
        ...


def trailing(steps: int) -> Tensor:
    """Evenly spaced from exactly 1 to exactly 0 (Lin et al. 2024, arXiv 2305.08891, table 2)."""
    if steps < 1:
        raise DiffusionError(f"expected at least 1 step, found {steps}")
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def karras(steps: int, *, path: Mix, lowest: float = 0.01, rho: float = 7.0) -> Tensor:
    """Level 1, then evenly spaced in the root `rho` of sigma / alpha down to `lowest`, then 0.

    Karras et al. 2022 (arXiv 2206.00364), eq. 5. For pure noise the ratio is infinite: there level
    1 stands by itself, and the spacing begins one step of the trailing ladder below it.
    """

    def height(level: Tensor) -> Tensor:
        alpha, sigma = path.mix(level)
        return (sigma / alpha).log() if math.isinf(rho) else (sigma / alpha) ** (1 / rho)

    top, below = trailing(steps + 1)[:2]
    alone = int(height(top).isinf())
    first, last = height(below if alone else top), height(torch.full_like(top, lowest))
    wanted = first.lerp(last, torch.linspace(0, 1, max(steps - alone, 1), dtype=torch.float64))
    low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
    for _ in range(60):  # bisection
        level = (low + high) / 2
        beyond = height(level) > wanted
        low, high = low.where(beyond, level), level.where(beyond, high)
    return torch.cat([top[None], high[1 - alone : steps - alone], 0 * top[None]])


def uniform_log_snr(steps: int, *, path: Mix, lowest: float = 0.01) -> Tensor:
    """`karras` in the limit of infinite `rho`: even in log-SNR (Lu et al. 2022, 2206.00927)."""
    return karras(steps, path=path, lowest=lowest, rho=math.inf)
