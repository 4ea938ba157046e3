"""Samplers: DDIM, one formula walked along a ladder of levels, and those beside it."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from medddim.diffusion.path import CleanEstimate, Path
from medddim.errors import DiffusionError

NoiseDraw = Callable[[int], Tensor]
"""`step -> white noise` in the shape of the state, as strong as the source."""


class Sampler(Protocol):
    """Walks a ladder: clean estimates, noisiest first; the last one is the answer.

    `noise` draws the fresh noise of a step; a sampler that is deterministic has no use for it.
    """

    def __call__(
        self,
        denoise: CleanEstimate,
        start: Tensor,
        ladder: Tensor,
        *,
        path: Path,
        noise: NoiseDraw,
    ) -> Iterator[Tensor]:
        """The clean estimate of every step."""
        ...


class Rung(NamedTuple):
    """A level of a ladder, with the alpha and sigma of its path."""

    level: float
    alpha: float
    sigma: float


def rungs(path: Path, ladder: Tensor) -> list[Rung]:
    """The ladder with alpha and sigma looked up, once, in float64."""
    levels = ladder.to("cpu", torch.float64)
    return [Rung(*row) for row in torch.stack([levels, *path.mix(levels)], dim=1).tolist()]


def step(state: Tensor, clean: Tensor, *, here: Rung, there: Rung, fresh: float = 0.0) -> Tensor:
    """The state at `there`, from `here` towards `clean`, with room for noise of sd `fresh`."""
    kept = math.sqrt(max(there.sigma**2 - fresh**2, 0.0)) / here.sigma
    return there.alpha * clean + kept * (state - here.alpha * clean)


def ddim(
    denoise: CleanEstimate,
    start: Tensor,
    ladder: Tensor,
    *,
    path: Path,
    eta: float = 0.0,
    noise: NoiseDraw | None = None,
) -> Iterator[Tensor]:
    """Clean estimates along `ladder`, noisiest first; the last one is the answer.

    Each step puts the state on the next level that the ladder itself holds; nothing recomputes a
    "previous timestep". With one step the answer is the denoiser's own estimate, the regression.
    `eta`, 0 to 1, exchanges a share of the state's noise for fresh `noise`; 1 is ancestral
    sampling. Raises DiffusionError outside 0 to 1, without `noise`, and for a source not white.

    Formula: Song et al. 2021 (arXiv 2010.02502), eq. 12, its variance eq. 16 for any alpha, sigma.
    """
    if not 0 <= eta <= 1 or (eta > 0 and (noise is None or not path.white)):
        raise DiffusionError(f"eta {eta:g}: 0, or up to 1 with a noise draw and white noise path")
    state = start
    for index, (here, there) in enumerate(pairwise(rungs(path, ladder))):
        clean = denoise(state, here.level)
        yield clean
        if index == len(ladder) - 2:
            return  # what would be the state at the end takes as much memory as the answer
        lost = max(here.sigma**2 - (here.alpha / there.alpha * there.sigma) ** 2, 0.0)
        fresh = eta * there.sigma / here.sigma * math.sqrt(lost)
        state = step(state, clean, here=here, there=there, fresh=fresh)
        if noise is not None and fresh > 0:
            state = state + fresh * noise(index)


def ancestral(
    denoise: CleanEstimate, start: Tensor, ladder: Tensor, *, path: Path, noise: NoiseDraw
) -> Iterator[Tensor]:
    """Like `ddim`, the DDPM way: each next state is drawn from the posterior, given the estimate.

    Ho et al. 2020 (arXiv 2006.11239), eq. 6 and 7, from any level t to any s below it. Raises
    DiffusionError unless the source is white noise.
    """
    if not path.white:
        raise DiffusionError(
            "ancestral sampling needs a path whose source is white noise; take ddim, or a model "
            "that starts from white noise, such as mr-denoise-vp"
        )
    state = start
    for index, (t, s) in enumerate(pairwise(rungs(path, ladder))):
        clean = denoise(state, t.level)
        yield clean
        ratio = t.alpha / s.alpha
        beta = max(t.sigma**2 - (ratio * s.sigma) ** 2, 0.0)
        mean = (ratio * s.sigma**2 * state + s.alpha * beta * clean) / t.sigma**2
        state = mean + math.sqrt(beta) * s.sigma / t.sigma * noise(index)


def second_order(
    denoise: CleanEstimate,
    start: Tensor,
    ladder: Tensor,
    *,
    path: Path,
    noise: NoiseDraw | None = None,
) -> Iterator[Tensor]:
    """Like `ddim`, along a line through the last two estimates: of order 2, deterministic.

    No `noise` is drawn.

    DPM-Solver++ (2M), Lu et al. 2022 (arXiv 2211.01095), algorithm 2, its line drawn not in the
    log-SNR, infinite at both ends, but in cos(atan(sigma / alpha)): docs/decisions/0035.
    """
    state, before = start, None
    for here, there in pairwise(rungs(path, ladder)):
        clean = target = denoise(state, here.level)
        angle, following = (math.atan2(rung.sigma, rung.alpha) for rung in (here, there))
        if before is not None:
            lead = math.sin(angle) * math.tan((angle - following) / 2)
            target = clean + lead / (math.cos(angle) - before[1]) * (clean - before[0])
        yield target
        state = step(state, target, here=here, there=there)
        before = (clean, math.cos(angle))


SAMPLERS: dict[str, Sampler] = {
    "ddim": ddim,
    "second-order": second_order,
    "ancestral": ancestral,
}
"""What `medddim enhance --sampler` and recipes may name: one function, one line."""
