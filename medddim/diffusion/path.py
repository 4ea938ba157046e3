"""Diffusion paths: how a clean scan and a disturbance mix at every level.

Every path is `x(t) = alpha(t) * clean + sigma(t) * source`, for levels t from 1 (where sampling
starts) down to 0 (exactly clean). What differs between methods is alpha, sigma and the source:
data, and all of it here. Alpha and sigma are those of Kingma et al. 2021, "Variational Diffusion
Models", eq. 1; alpha squared is the alpha-bar of Ho et al. 2020, the alpha of Song et al. 2021.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from medddim.diffusion.ladder import trailing

CleanEstimate = Callable[[Tensor, float], Tensor]
"""`(state, level) -> clean estimate`: a Denoiser, or one wrapped to cut and blend a whole scan."""


class Path(ABC):
    """One way from a clean scan to a disturbed one.

    `white`: the source is white noise, so that fresh noise may take its place while sampling.
    `random`: a walk begins with noise that has to be drawn, `scaled`: as strong as the scan's.
    `crowding`: the power that draws levels to clean, in training and in the default ladder.
    """

    white, random, scaled, crowding = False, True, False, 1.0

    @abstractmethod
    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma at `level`, all float64 on the CPU; exactly 1 and 0 at level 0."""

    @abstractmethod
    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The state at level 1, from the degraded `scan` and unit white `noise`."""

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """What the clean scan is mixed with: the start, if that holds nothing of it."""
        return self.start(scan, noise)

    def walk(
        self, denoise: CleanEstimate, scan: Tensor, noise: Tensor
    ) -> tuple[CleanEstimate, Tensor, "Path"]:
        """What a sampler takes beside a ladder: clean estimates, the start, the path it walks.

        `denoise` is a network trained on this path.
        """
        return denoise, self.start(scan, noise), self

    def state(self, clean: Tensor, source: Tensor, level: Tensor) -> Tensor:
        """The mixture at `level`, one level a batch item."""
        alpha, sigma = self.weights(level, like=clean)
        return alpha * clean + sigma * source

    def weights(self, level: Tensor, *, like: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma of `(batch,)` levels, shaped and typed to multiply `like`."""
        shape = (-1,) + (1,) * (like.ndim - 1)
        alpha, sigma = self.mix(level.to("cpu", torch.float64))  # Apple's mps has no float64
        return alpha.to(like).reshape(shape), sigma.to(like).reshape(shape)

    def ladder(self, steps: int) -> Tensor:
        """The levels a sampler visits by default: `trailing`, crowded towards clean."""
        return trailing(steps) ** self.crowding

    def draw(self, batch: int, *, full_share: float, generator: torch.Generator) -> Tensor:
        """Levels to train on: 1, on which few steps lean, with probability `full_share`, or any."""
        uniform = 1 - torch.rand(batch, dtype=torch.float64, generator=generator)
        full = torch.rand(batch, dtype=torch.float64, generator=generator) < full_share
        return torch.where(full, torch.ones_like(uniform), uniform**self.crowding)


class ScanNoise(Path):
    """The scan's own noise: alpha = 1, sigma = t, source = scan - clean; no random number.

    The scan is already a diffusion state, at level 1: the variance-exploding path of Karras et al.
    2022 (EDM) in units of the scan's noise, the bridge of Delbracio & Milanfar 2023 (InDI, eq. 4).
    The network must see the state only: shown the scan as well it would learn to invert the
    mixture, and every number of steps would return the regression.
    """

    random, crowding = False, 1.5  # docs/decisions/0007

    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """The whole clean scan, and as much of the noise as the level says."""
        return torch.ones_like(level), level

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The scan as it is."""
        return scan

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """The noise the scan holds, its Rician bias included."""
        return scan - clean


class Bridge(Path):
    """From the degraded scan to the clean one: alpha = 1 - t, sigma = t, source = scan + k noise.

    With k = 0 it is deterministic and adds no detail the scan does not determine; with k > 0, the
    noise's standard deviation in the network's range, it samples (as InDI, I2SB, ResShift do).
    """

    def __init__(self, k: float = 0.0) -> None:
        self.k, self.random = k, k > 0

    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """From all clean to all source, linearly."""
        return 1 - level, level

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The scan with k times the noise."""
        return scan + self.k * noise


class VariancePreserving(Path):
    """White noise as the source: alpha = cos(pi t / 2), sigma = sin(pi t / 2).

    The path of DDPM and DDIM (Nichol & Dhariwal 2021 without their offset; Salimans & Ho 2022,
    section 4). alpha(1) is exactly 0: sampling starts from pure noise, without eps-prediction.
    """

    white, crowding = True, 2.0  # where sigma is small it decides on texture

    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """A quarter turn; exactly 0 at level 1, where float64's cos(pi / 2) is 6e-17."""
        alpha, sigma = torch.cos(math.pi / 2 * level), torch.sin(math.pi / 2 * level)
        return torch.where(level == 1, torch.zeros_like(level), alpha), sigma

    def start(self, scan: Tensor, noise: Tensor) -> Tensor:
        """The noise; the scan comes in as a condition."""
        return noise


class Posterior(ScanNoise):
    """The scan's noise giving way to fresh noise as strong: what a network sees that draws samples.

    A sampler walks the variance-preserving path from that fresh noise to the clean scan, whose
    noisy scan it knows: two measurements of one clean scan at every level, with independent noise.
    All they tell is in their best mean. Its noise is sigma times the scan's, so that the network
    sees one image of a known noise level, as on `ScanNoise`, and no second input. Exact for white
    Gaussian noise (Kawar, Vaksman & Elad 2021, arXiv 2101.09552, walk it in small random steps).
    """

    random, scaled, crowding = True, True, 1.0

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """The noise of the best mean, in units of its level; `noise` is as strong as the scan's."""
        _, sigma = self.weights(level, like=clean)
        return sigma * (scan - clean) + (1 - sigma**2).sqrt() * noise

    def walk(
        self, denoise: CleanEstimate, scan: Tensor, noise: Tensor
    ) -> tuple[CleanEstimate, Tensor, Path]:
        """The variance-preserving path; `noise` is as strong as the scan's."""
        walked = VariancePreserving()

        def estimate(state: Tensor, level: float) -> Tensor:
            alpha, sigma = (x.item() for x in walked.mix(torch.tensor(level, dtype=torch.float64)))
            return denoise(sigma**2 * scan + alpha * state, sigma)

        return estimate, noise, walked


class LinearBeta(VariancePreserving):
    """DDPM's table of 1000 linear betas (Ho et al. 2020, section 4); level t: entry 1000 t - 1.

    With `zero_terminal_snr` its last alpha is exactly 0 (Lin et al. 2024, algorithm 1).
    """

    def __init__(
        self, betas: tuple[float, float] = (1e-4, 0.02), *, zero_terminal_snr: bool = False
    ) -> None:
        alpha = (1 - torch.linspace(*betas, 1000, dtype=torch.float64)).cumprod(0).sqrt()
        if zero_terminal_snr:
            alpha = (alpha - alpha[-1]) * (alpha[0] / (alpha[0] - alpha[-1]))
        self.table = torch.cat([torch.ones(1, dtype=torch.float64), alpha.square()])

    def mix(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """The roots of the table's entry and of what it leaves to 1."""
        below, above = (self.table[end(1000 * level).long()] for end in (torch.floor, torch.ceil))
        squared = torch.lerp(below, above, (1000 * level).frac())
        return squared.sqrt(), (1 - squared).sqrt()
