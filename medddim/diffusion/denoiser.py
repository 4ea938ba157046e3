"""The Denoiser: the only place that knows what a network predicts, and its loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from medddim.diffusion.path import Path
from medddim.errors import DiffusionError

Prediction = Literal["x0", "eps", "v", "residual"]

Network = Callable[..., Tensor]
"""`(state, level, *, strength, scan) -> prediction`; strength and scan may be None."""


@dataclass(frozen=True)
class Condition:
    """What the network may know beside the state.

    `strength` of degradation, `(batch, maps, *space)` with any spatial axis of length 1: standard
    deviation of the noise in the network's range, or a tenth of each factor of super-resolution.
    `scan` is the degraded scan `(batch, slices, *space)`, for the paths that start elsewhere.
    `level_map` `(batch, 1, *space)` stands for the first map of `strength`, where that alone varies
    and the network knows it so: the others need not be spread over the image.
    """

    strength: Tensor
    scan: Tensor | None = None
    level_map: Tensor | None = None


@dataclass(frozen=True)
class Denoiser:
    """Turns a network's prediction into an estimate of the clean scan.

    `prediction` says what the network returns:

    - "x0": the clean scan;
    - "eps": the source; unusable where alpha is 0;
    - "v": alpha * source - sigma * clean (Salimans & Ho 2022, appendix D);
    - "residual": what is wrong with the scan it is shown, else with the state, in units of the
      strength of degradation, so that an output of zero means "leave it as it is".

    A state may carry neighbouring slices as channels: the estimate is of the middle one.
    """

    network: Network
    path: Path
    prediction: Prediction = "x0"

    def __post_init__(self) -> None:
        if self.prediction not in get_args(Prediction):
            known = ", ".join(get_args(Prediction))
            raise DiffusionError(f"unknown prediction {self.prediction!r}; known: {known}")

    def __call__(
        self, state: Tensor, level: float | Tensor, condition: Condition | None = None
    ) -> Tensor:
        """The clean estimate `(batch, 1, *space)` of `state` at `level`, a number or `(batch,)`.

        Raises DiffusionError for eps, and for the residual of the state, where alpha is 0.
        """
        levels = torch.as_tensor(level, dtype=torch.float64).expand(state.shape[0])
        return self.estimate(state, self.predict(state, levels, condition), levels, condition)

    def estimate(
        self, state: Tensor, output: Tensor, levels: Tensor, condition: Condition | None
    ) -> Tensor:
        """What a prediction says of the clean scan; raises as calling does."""
        alpha, sigma = self.path.weights(levels, like=state)
        if self.prediction == "x0":
            return output
        if self.prediction == "v":
            return (alpha * middle(state) - sigma * output) / (alpha**2 + sigma**2)
        if self.prediction == "residual" and condition and condition.scan is not None:
            return middle(condition.scan) - output * self._unit(condition)
        if (alpha == 0).any():
            stated = "says nothing of the clean scan where alpha is 0; here predict x0 or v"
            raise DiffusionError(f"{self.prediction}-prediction {stated}")
        return (middle(state) - sigma * output * self._unit(condition)) / alpha

    def predict(self, state: Tensor, level: Tensor, condition: Condition | None) -> Tensor:
        """What the network returns, `(batch, 1, *space)`, in the number format of the state."""
        strength, scan = (condition.strength, condition.scan) if condition else (None, None)
        if condition is not None and condition.level_map is not None:
            return self.network(
                state, level, strength=strength, scan=scan, level_map=condition.level_map
            ).to(state.dtype)
        return self.network(state, level, strength=strength, scan=scan).to(state.dtype)

    def target(
        self, clean: Tensor, source: Tensor, level: Tensor, condition: Condition | None = None
    ) -> Tensor:
        """What the network should have returned, given the truth; all `(batch, 1, *space)`."""
        if self.prediction == "x0":
            return clean
        if self.prediction == "v":
            alpha, sigma = self.path.weights(level, like=clean)
            return alpha * source - sigma * clean
        if self.prediction == "residual" and condition and condition.scan is not None:
            source = middle(condition.scan) - clean
        return source / self._unit(condition)

    def _unit(self, condition: Condition | None) -> Tensor | float:
        if self.prediction == "eps":
            return 1.0
        if condition is None:
            raise DiffusionError("residual prediction needs the scan's degradation as a condition")
        return condition.strength[:, :1] if condition.level_map is None else condition.level_map


@dataclass(frozen=True)
class Beyond:
    """What `answer` makes of a state and of its clean estimate, where that is learnt as well.

    Its error counts for `share` of the loss.
    """

    answer: Callable[[Tensor, Tensor], Tensor]
    share: float


def prediction_loss(  # noqa: PLR0913  # a pair, and what is known of it
    denoiser: Denoiser,
    *,
    clean: Tensor,
    source: Tensor,
    level: Tensor,
    condition: Condition | None,
    own: Tensor | None = None,
    weight: Tensor | None = None,
    beyond: Beyond | None = None,
) -> Tensor:
    """Mean squared error of the prediction, so that one step returns the posterior mean.

    `clean` and `source` are `(batch, slices, *space)`, `level` is `(batch,)` float64. `own` is the
    noise that `clean` holds itself, see `noisier2noise`; `weight` is what each voxel counts. Both
    are `(batch, 1, *space)`, or None. `beyond` is learnt with a condition only.
    """
    there, target_source = source, source
    if own is not None:
        kept, times = noisier2noise(denoiser.path, own, level)
        there, target_source = kept * source, times * source
    state = denoiser.path.state(clean, there, level)
    target = denoiser.target(middle(clean), middle(target_source), level, condition)
    predicted = denoiser.predict(state, level, condition)
    error = (predicted - target).square()
    if beyond is not None and condition is not None:
        found, truth = (
            denoiser.estimate(state, output, level, condition) for output in (predicted, target)
        )
        answer = beyond.answer(state, found)
        sigma = denoiser.path.weights(level, like=clean)[1] * condition.strength[:, :1]
        off = (answer - truth) / sigma
        error = (1 - beyond.share) * error + beyond.share * off.square()
    if weight is None:
        return error.mean()
    return (weight * error).sum() / weight.sum()


def noisier2noise(path: Path, own: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """How to train on targets that hold noise themselves as if they held none.

    The scan's noise, of standard deviation 1, is `own` of the clean scan plus what was added to it.
    Returns what the added noise is multiplied by in the state, so that all of the state's noise is
    `level`, and in the target: given their sum, the expected share of the target's own noise is as
    known as that of the added one, so that the posterior mean of the noiseless scan is learnt.
    Exact for Gaussian noise of one spectrum. Noisier2Noise, Moran et al. 2020 (arXiv 1910.11908),
    eq. 6. Below the level at which the own noise is as strong as the added, it counts as that much.

    Raises DiffusionError for a path whose alpha is not 1 throughout.
    """
    alpha, sigma = path.weights(level, like=own)
    if (alpha != 1).any():
        raise DiffusionError("targets with noise of their own need a path of the scan's own noise")
    known = torch.minimum(own, sigma / math.sqrt(2))
    added = (1 - own**2).clamp(min=1e-6)
    kept = ((sigma**2 - known**2) / added).sqrt()
    # state = clean + sigma * (kept / sigma) * source
    return kept / sigma, kept * sigma / (sigma**2 - known**2)


def middle(stack: Tensor) -> Tensor:
    """The middle slice of `(batch, slices, *space)`, as `(batch, 1, *space)`."""
    centre = stack.shape[1] // 2
    return stack[:, centre : centre + 1]
