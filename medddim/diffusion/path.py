"""Diffusion paths: how a clean scan and a source of disturbance are mixed at every level.

Every path is `x(t) = alpha(t) * clean + sigma(t) * source`, for levels t from 1 (where sampling
starts) down to 0 (exactly clean). What differs between methods is alpha, sigma and the source;
all of it lives here, none of it in the sampler. Tables are float64.

Notation: alpha and sigma are those of Kingma et al. 2021, "Variational Diffusion Models", eq. 1;
alpha squared is the alpha-bar of Ho et al. 2020 and the alpha of Song et al. 2021.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from medddim.diffusion.ladder import trailing


class Path(ABC):
    """One way from a clean scan to a disturbed one."""

    white = False
    """Whether the source is white noise, so that fresh noise may take its place while sampling."""
    random = True
    """Whether the start holds noise that has to be drawn."""
    crowding = 1.0
    """The power that draws levels towards clean, in training and in the default ladder."""

    @abstractmethod
    def alpha(self, level: Tensor) -> Tensor:
        """Share of the clean scan at `level`, float64; 1 at level 0."""

    @abstractmethod
    def sigma(self, level: Tensor) -> Tensor:
        """Share of the source at `level`, float64; 0 at level 0."""

    @abstractmethod
    def source(self, clean: Tensor, scan: Tensor, noise: Tensor) -> Tensor:
        """What the clean scan is mixed with, given the degraded `scan` and unit white `noise`."""

    @abstractmethod
    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The state at level 1, where sampling starts; known without the clean scan."""

    def state(self, clean: Tensor, source: Tensor, level: Tensor) -> Tensor:
        """The mixture at `level`, one level a batch item."""
        alpha, sigma = self.weights(level, like=clean)
        return alpha * clean + sigma * source

    def weights(self, level: Tensor, *, like: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma of `(batch,)` levels, shaped and typed to multiply `like`."""
        shape = (-1,) + (1,) * (like.ndim - 1)
        exact = level.to("cpu", torch.float64)  # Apple's mps has no float64
        alpha, sigma = self.alpha(exact), self.sigma(exact)
        return alpha.to(like).reshape(shape), sigma.to(like).reshape(shape)

    def ladder(self, steps: int) -> Tensor:
        """The levels a sampler visits by default: `trailing`, crowded towards clean."""
        return trailing(steps) ** self.crowding

    def draw(self, batch: int, *, full_share: float, generator: torch.Generator) -> Tensor:
        """Levels to train on: 1 with probability `full_share`, else those of a random ladder.

        Few-step sampling leans on level 1, so it deserves more than its measure.
        """
        uniform = 1 - torch.rand(batch, dtype=torch.float64, generator=generator)
        full = torch.rand(batch, dtype=torch.float64, generator=generator) < full_share
        return torch.where(full, torch.ones_like(uniform), uniform**self.crowding)


class ScanNoise(Path):
    """The scan's own noise: the scan is already a diffusion state, at level 1.

    alpha = 1, sigma = t, source = scan - clean. No random number is drawn to sample. It is the
    variance-exploding path of Karras et al. 2022 (EDM) in units of the scan's own noise, and the
    bridge of Delbracio & Milanfar 2023 (InDI, eq. 4). The network must see the state only: shown
    the scan as well it would learn to invert the mixture and every number of steps would return
    the regression.
    """

    random = False
    crowding = 1.5  # keeps a little more texture than even spacing; docs/decisions/0007

    def alpha(self, level: Tensor) -> Tensor:
        """Everywhere 1."""
        return torch.ones_like(level)

    def sigma(self, level: Tensor) -> Tensor:
        """The level itself."""
        return level

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor) -> Tensor:
        """The noise the scan holds, its Rician bias included."""
        return scan - clean

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The scan as it is."""
        return scan


class VariancePreserving(Path):
    """White noise as the source: the path of DDPM and DDIM, with zero terminal SNR.

    alpha = cos(pi t / 2), sigma = sin(pi t / 2) (Nichol & Dhariwal 2021 without their offset;
    Salimans & Ho 2022, section 4). alpha(1) is exactly 0, so sampling starts from pure noise and
    eps-prediction is impossible there.
    """

    white = True
    crowding = 2.0  # shown the scan, a sampler decides on texture where sigma is a few per cent

    def alpha(self, level: Tensor) -> Tensor:
        """A quarter of a cosine; exactly 0 at level 1, where float64's cos(pi/2) is 6e-17."""
        return torch.where(level == 1, torch.zeros_like(level), torch.cos(math.pi / 2 * level))

    def sigma(self, level: Tensor) -> Tensor:
        """A quarter of a sine."""
        return torch.sin(math.pi / 2 * level)

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor) -> Tensor:
        """White noise."""
        return noise

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """White noise; the scan comes in as a condition."""
        return noise


class LinearBeta(VariancePreserving):
    """The variance-preserving path of DDPM's table: betas rising linearly over `count` steps.

    Ho et al. 2020, section 4. Level t stands for entry `t * count - 1` of the table, level 0 for
    the clean scan before it; between entries alpha squared is interpolated. With
    `zero_terminal_snr` alpha is shifted and stretched to end at exactly 0 (Lin et al. 2024,
    arXiv 2305.08891, algorithm 1).
    """

    def __init__(
        self,
        *,
        count: int = 1000,
        betas: tuple[float, float] = (1e-4, 0.02),
        zero_terminal_snr: bool = False,
    ) -> None:
        """Make the table, float64."""
        alphas = 1 - torch.linspace(*betas, count, dtype=torch.float64)
        table = torch.cumprod(alphas, 0)
        if zero_terminal_snr:
            root = table.sqrt()
            table = ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
        self.table = torch.cat([torch.ones(1, dtype=torch.float64), table])

    def alpha(self, level: Tensor) -> Tensor:
        """The root of the interpolated table."""
        return self._squared(level).sqrt()

    def sigma(self, level: Tensor) -> Tensor:
        """The root of what is left to 1."""
        return (1 - self._squared(level)).sqrt()

    def _squared(self, level: Tensor) -> Tensor:
        place = level.clamp(0, 1) * (len(self.table) - 1)
        below = place.floor().long()
        above = place.ceil().long()
        return torch.lerp(
            self.table.to(level.device)[below], self.table.to(level.device)[above], place - below
        )


class Bridge(Path):
    """From the degraded scan to the clean one: alpha = 1 - t, sigma = t, source = scan + k noise.

    With k = 0 it is deterministic and adds no detail the scan does not determine; with k > 0 the
    noise lets it sample (the family of InDI, I2SB and ResShift).
    """

    def __init__(self, k: float = 0.0) -> None:
        """`k` is the standard deviation of the added noise, in the network's intensity range."""
        self.k = k
        self.random = k > 0

    def alpha(self, level: Tensor) -> Tensor:
        """Falls linearly to 0 at level 1."""
        return 1 - level

    def sigma(self, level: Tensor) -> Tensor:
        """The level itself."""
        return level

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor) -> Tensor:
        """The degraded scan with k times white noise."""
        return scan + self.k * noise

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The same: at level 1 nothing of the clean scan is left."""
        return scan + self.k * noise
