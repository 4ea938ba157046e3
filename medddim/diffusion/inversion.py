"""The way back up a ladder: the start that a sampler would have needed for an answer."""

from itertools import pairwise

from torch import Tensor

from medddim.diffusion.path import CleanEstimate, Path
from medddim.diffusion.samplers import rungs, step
from medddim.errors import DiffusionError


def invert(
    denoise: CleanEstimate, answer: Tensor, ladder: Tensor, *, path: Path, iterations: int = 100
) -> Tensor:
    """The start from which `ddim` (eta = 0) along `ladder` gives `answer`, by fixed point.

    Each step is solved for the state it came from, to 1e-12 of the largest value. Raises
    DiffusionError where alpha is 0, and where the denoiser is no contraction.
    """
    state, upwards = answer, rungs(path, ladder)[::-1]
    if upwards[-1].alpha == 0:
        begin = "pure noise has forgotten what it came from; begin the ladder below it"
        raise DiffusionError(f"alpha is 0 at level {upwards[-1].level:g}: {begin}")
    for there, here in pairwise(upwards):
        reached = state
        gain = here.sigma / there.sigma if there.sigma > 0 else 1.0
        for _ in range(iterations):
            clean = denoise(state, here.level)
            change = gain * (reached - step(state, clean, here=here, there=there))
            state = state + change
            if change.abs().max() <= 1e-12 * state.abs().max():
                break
        else:
            raise DiffusionError(f"no fixed point from level {there.level:g} to {here.level:g}")
    return state
