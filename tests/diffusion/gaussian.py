"""The one world where everything is known: a Gaussian prior under Gaussian noise.

A state at level t is `a(t) * clean + b(t) * unit noise`; the clean scan is N(mean, spread^2). The
posterior mean is linear in the state, so a perfect network exists for every prediction, and a DDIM
step from t to u multiplies what the state deviates from its mean by

    (a(t) a(u) spread^2 + b(t) b(u)) / (a(t)^2 spread^2 + b(t)^2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from medddim.diffusion import Bridge, Path, Prediction

NOISE = 0.4


@dataclass(frozen=True)
class Gaussian:
    """A prior, a path, and a network on it that cannot be better. Numbers or tensors per voxel."""

    path: Path
    mean: float | Tensor = 0.3
    spread: float | Tensor = 0.1
    noise: float = NOISE

    def signal(self, level: Tensor) -> Tensor:
        """a(t): the clean scan is inside the bridge's source as well."""
        return torch.ones_like(level) if isinstance(self.path, Bridge) else self.path.alpha(level)

    def disturbance(self, level: Tensor) -> Tensor:
        """b(t)."""
        unit = 1.0 if self.path.white else self.noise
        return unit * self.path.sigma(level)

    def posterior_mean(self, state: Tensor, level: Tensor) -> Tensor:
        a, b = self.signal(level), self.disturbance(level)
        gain = a * self.spread**2 / (a**2 * self.spread**2 + b**2)
        return self.mean + gain * (state - a * self.mean)

    def answer(self, start: Tensor, ladder: Tensor) -> Tensor:
        """Where a whole walk down the ladder ends."""
        deviation = start - self.signal(ladder[0]) * self.mean
        for level, following in pairwise(ladder):
            a, b = self.signal(level), self.disturbance(level)
            a_next, b_next = self.signal(following), self.disturbance(following)
            variance = a**2 * self.spread**2 + b**2
            deviation = deviation * (a * a_next * self.spread**2 + b * b_next) / variance
        return self.mean + deviation

    def limit(self, start: Tensor) -> Tensor:
        """Where infinitely many steps from level 1 end: the probability-flow ODE."""
        one = torch.ones(1, dtype=torch.float64)
        a, b = self.signal(one), self.disturbance(one)
        return self.mean + self.spread / (a**2 * self.spread**2 + b**2).sqrt() * (
            start - a * self.mean
        )

    def network(self, prediction: Prediction) -> PerfectNetwork:
        return PerfectNetwork(self, prediction)


@dataclass(frozen=True)
class PerfectNetwork:
    """Returns exactly what training with infinite data would: the mean of its target."""

    world: Gaussian
    prediction: Prediction

    def __call__(
        self, state: Tensor, level: Tensor, *, strength: Tensor | None, scan: Tensor | None
    ) -> Tensor:
        levels = level.reshape(-1, *[1] * (state.ndim - 1))
        alpha, sigma = self.world.path.alpha(levels), self.world.path.sigma(levels)
        clean = self.world.posterior_mean(state, levels)
        source = (state - alpha * clean) / sigma
        if self.prediction == "x0":
            return clean
        if self.prediction == "v":
            return alpha * source - sigma * clean
        return source if strength is None or self.prediction == "eps" else source / strength
