"""The training loss: how far the network's prediction is from what it should have been."""

from __future__ import annotations

from torch import Tensor

from medddim.diffusion.denoiser import Condition, Denoiser, middle


def prediction_loss(
    denoiser: Denoiser, *, clean: Tensor, source: Tensor, level: Tensor, condition: Condition | None
) -> Tensor:
    """Mean squared error of the prediction, averaged over batch and voxels; a scalar.

    `clean` and `source` are `(batch, slices, *space)`, `level` is `(batch,)` float64. The square,
    not the absolute value, so that one step returns the posterior mean. For "residual" prediction
    equal weight at all strengths of degradation follows from the unit of the target.
    """
    state = denoiser.path.state(clean, source, level)
    output = denoiser.predict(state, level, condition)
    target = denoiser.target(middle(clean), middle(source), level, condition)
    return (output - target).square().mean()
