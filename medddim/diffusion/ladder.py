"""Ladders: the levels a sampler visits, from the start to exactly clean.

A ladder is a falling float64 tensor of `steps + 1` levels that ends at 0. Any other such tensor
may be given in its place; the sampler reads each next level from the ladder itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from medddim.errors import DiffusionError

if TYPE_CHECKING:
    from medddim.diffusion.path import Path

BISECTIONS = 60


def trailing(steps: int) -> Tensor:
    """Evenly spaced from exactly 1 to exactly 0 (Lin et al. 2024, arXiv 2305.08891, table 2)."""
    require_steps(steps)
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def uniform_log_snr(steps: int, *, path: Path, lowest: float = 0.01) -> Tensor:
    """Level 1, then evenly spaced in log(alpha / sigma) down to level `lowest`, then 0.

    Lu et al. 2022 (arXiv 2206.00927), section 3.3.
    """
    return _between(steps, path=path, lowest=lowest, spacing=torch.lerp)


def karras(steps: int, *, path: Path, lowest: float = 0.01, rho: float = 7.0) -> Tensor:
    """Level 1, then sigma / alpha falling as a power `rho` down to level `lowest`, then 0.

    Karras et al. 2022 (arXiv 2206.00364), eq. 5.
    """

    def power(first: Tensor, last: Tensor, share: Tensor) -> Tensor:
        return -rho * torch.log(torch.lerp(torch.exp(-first / rho), torch.exp(-last / rho), share))

    return _between(steps, path=path, lowest=lowest, spacing=power)


def _between(
    steps: int, *, path: Path, lowest: float, spacing: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Tensor:
    """Levels spaced in log(alpha / sigma), from 1 to `lowest`, and 0 after them.

    A start without any signal has no logarithm: there level 1 stands by itself, and the spacing
    begins one step of the trailing ladder below it.
    """
    require_steps(steps)
    clean, start = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    silent = bool(path.alpha(start) == 0)
    top = trailing(steps + 1)[1:2] if silent else start
    first, last = (_log_snr(t, path=path) for t in (top, torch.full_like(top, lowest)))
    share = torch.linspace(0, 1, max(steps - silent, 1), dtype=torch.float64)
    levels = _level_of(spacing(first, last, share), path=path)
    noisy = torch.cat([start, levels if silent else levels[1:]])[:steps]
    return torch.cat([noisy, clean])


def require_steps(steps: int) -> None:
    """Raise DiffusionError for fewer than one step."""
    if steps < 1:
        raise DiffusionError(f"expected at least 1 step, found {steps}")


def _log_snr(level: Tensor, *, path: Path) -> Tensor:
    return path.alpha(level).log() - path.sigma(level).log()


def _level_of(log_snr: Tensor, *, path: Path) -> Tensor:
    """The levels at which log(alpha / sigma) has these values, by bisection: it falls with t."""
    low, high = torch.zeros_like(log_snr), torch.ones_like(log_snr)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_clean = _log_snr(middle, path=path) > log_snr
        low, high = torch.where(too_clean, middle, low), torch.where(too_clean, high, middle)
    return (low + high) / 2
