"""Two worlds where everything is known, and the exact answer of a walk through them.

The posterior mean is linear in the state there, so a perfect network exists for every prediction,
and every sampler is an affine map, which `exact` multiplies out as matrices, without the sampler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from medddim.diffusion import Bridge, Path, Prediction

NOISE = 0.4


@dataclass(frozen=True)
class Gaussian:
    """A prior N(mean, spread^2), numbers or tensors per voxel, on a path.

    A state at level t is `a(t) * clean + b(t) * unit noise`.
    """

    path: Path
    mean: float | Tensor = 0.3
    spread: float | Tensor = 0.1
    noise: float = NOISE

    def signal(self, level: Tensor) -> Tensor:
        """a(t): the clean scan is inside the bridge's source as well."""
        return torch.ones_like(level) if isinstance(self.path, Bridge) else self.path.mix(level)[0]

    def disturbance(self, level: Tensor) -> Tensor:
        """b(t)."""
        unit = 1.0 if self.path.white else math.hypot(self.noise, getattr(self.path, "k", 0.0))
        return unit * self.path.mix(level)[1]

    def posterior_mean(self, state: Tensor, level: Tensor) -> Tensor:
        gain, offset = self.estimator(level)
        return gain * state + offset

    def estimator(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Gain and offset of the posterior mean."""
        a, b = self.signal(level), self.disturbance(level)
        gain = a * self.spread**2 / (a**2 * self.spread**2 + b**2)
        return gain, (1 - gain * a) * self.mean

    def answer(self, start: Tensor, ladder: Tensor) -> Tensor:
        """Where DDIM ends, in closed form: each step multiplies the deviation from the mean."""
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


@dataclass(frozen=True)
class PerfectNetwork:
    """Returns exactly what training with infinite data would: the mean of its target."""

    world: Gaussian | Restoration
    prediction: Prediction

    def __call__(
        self, state: Tensor, level: Tensor, *, strength: Tensor | None, scan: Tensor | None
    ) -> Tensor:
        levels = level.reshape(-1, *[1] * (state.ndim - 1))
        alpha, sigma = self.world.path.mix(levels)
        clean = self.world.posterior_mean(state, levels)
        if self.prediction == "x0":
            return clean
        if self.prediction == "residual" and scan is not None:
            return (scan - clean) / strength
        source = (state - alpha * clean) / sigma
        if self.prediction == "v":
            return alpha * source - sigma * clean
        return source if strength is None or self.prediction == "eps" else source / strength


class Restoration:
    """y = A x + n: four voxels, of which A measures only the means of pairs; V is dense.

    Paths of white noise, and a bridge with k > 0, are shown y: their answer is a sample of the
    posterior N(mu, V). The others start from y and see the state only, B x + t (n + k z) with
    B = (1 - t) I + t A.
    """

    SIZE = 4

    def __init__(self, path: Path) -> None:
        d, k = self.SIZE, getattr(path, "k", 0.0)
        self.path, self.k, self.shown = path, k, path.white or k > 0
        generator = torch.Generator().manual_seed(2)
        root = torch.randn(d, d, dtype=torch.float64, generator=generator)
        self.mean = torch.randn(d, dtype=torch.float64, generator=generator)
        self.prior = 0.2 * root @ root.T + 0.1 * torch.eye(d, dtype=torch.float64)
        halves = torch.full((2, 2), 0.5, dtype=torch.float64)
        self.measure = torch.block_diag(halves, halves)
        self.y = torch.randn(d, dtype=torch.float64, generator=generator)
        seen = self.measure @ self.prior @ self.measure.T + NOISE**2 * torch.eye(d)
        gain = torch.linalg.solve(seen, self.measure @ self.prior).T
        self.posterior = self.mean + gain @ (self.y - self.measure @ self.mean)
        self.variance = self.prior - gain @ self.measure @ self.prior
        self._known: dict[float, tuple[Tensor, Tensor]] = {}

    def start(self, noise: Tensor) -> Tensor:
        return self.path.start(self.y.expand_as(noise), noise)

    def posterior_mean(self, state: Tensor, level: Tensor) -> Tensor:
        gain, offset = self.estimator(level)
        return state @ gain.T + offset

    def estimator(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Gain matrix and offset of the posterior mean."""
        t = level.flatten()[0].item()
        if t not in self._known:
            self._known[t] = self._estimator(level.flatten()[:1])
        return self._known[t]

    def _estimator(self, level: Tensor) -> tuple[Tensor, Tensor]:
        eye = torch.eye(self.SIZE, dtype=torch.float64)
        alpha, sigma = self.path.mix(level)
        if self.shown:
            mean, covariance, mixing = self.posterior, self.variance, alpha * eye
            spread = sigma * (1.0 if self.path.white else self.k)
            known = torch.zeros(1) if self.path.white else sigma * self.y
        else:
            mean, covariance, mixing = self.mean, self.prior, (1 - level) * eye
            mixing = mixing + level * self.measure
            spread, known = level * NOISE, torch.zeros(1)
        total = mixing @ covariance @ mixing.T + spread**2 * eye
        gain = torch.linalg.solve(total, mixing @ covariance).T
        return gain, mean - gain @ (mixing @ mean + known)


def exact(world: Gaussian | Restoration, start: Tensor, ladder: Tensor, *, order: int) -> Tensor:
    """The answer of DDIM (order 1) or of the second-order sampler, as one product of matrices.

    They act on (state, last clean estimate, 1). The line of second order is drawn in
    c = kappa / sqrt(1 + kappa^2), kappa = alpha / sigma; the integral of c is sqrt(1 + kappa^2).
    """
    size = getattr(world, "SIZE", 1)
    eye, nought = torch.eye(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64)
    total = torch.eye(2 * size + 1, dtype=torch.float64)
    alpha, sigma = world.path.mix(ladder)
    kappa = alpha / sigma
    place = torch.where(kappa.isinf(), 1.0, kappa / (1 + kappa**2).sqrt())
    target = total[:size]
    for i in range(len(ladder) - 1):
        gain, offset = world.estimator(ladder[i : i + 1])
        clean = torch.cat([gain.reshape(size, size), nought, offset.reshape(size, 1)], dim=1)
        before = torch.cat([nought, eye, torch.zeros(size, 1)], dim=1)
        weight = 0.0
        if order == 2 and i > 0:
            rise = (1 + kappa[i + 1] ** 2).sqrt() - (1 + kappa[i] ** 2).sqrt()
            mean = place[i + 1] if sigma[i + 1] == 0 else rise / (kappa[i + 1] - kappa[i])
            weight = (mean - place[i]) / (place[i] - place[i - 1])
        target = clean + weight * (clean - before)
        state = torch.cat([eye, nought, torch.zeros(size, 1)], dim=1)
        moved = alpha[i + 1] * target + sigma[i + 1] / sigma[i] * (state - alpha[i] * target)
        target = target @ total
        total = torch.cat([moved, clean, torch.eye(2 * size + 1)[-1:].double()]) @ total
    flat = start.reshape(-1, size)
    return (flat @ target[:, :size].T + target[:, -1]).reshape(start.shape)
