"""An Inferer of MONAI's that walks a path of ours with any network of MONAI's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import torch
from monai.inferers.inferer import Inferer
from torch import Tensor

from medddim.diffusion import Condition, Denoiser, Path, Prediction, ddim, keyed_noise
from medddim.errors import RequestProblem

Mode = Literal["concat", "crossattn", "state"]


class DDIMInferer(Inferer):
    """The clean scan that DDIM finds along a path, with a network trained on that path.

    `path` is one of `medddim.diffusion`: `LinearBeta()` for a network trained with MONAI's
    `DDPMScheduler(schedule="linear_beta", beta_start=1e-4, beta_end=0.02)`, whose number of
    timesteps is 1000; `prediction` is what it returns: "x0", "eps", "v" or "residual". `mode` is
    how it sees the degraded scan: "concat", as MONAI's inferers say it, behind the state along the
    channels; "crossattn", as `context`; "state", not at all, as on paths that start from the scan.
    `timesteps` None is for a network that takes no timesteps, such as a plain UNet. `strength` is
    the noise level of the scans in the network's range, for residual prediction. The `ladder`, by
    default the path's own of so many `steps`, is walked pairwise and ends exactly at the clean scan
    (docs: Why another DDIM?).
    """

    def __init__(  # noqa: PLR0913  # the settings of a diffusion model
        self,
        path: Path,
        *,
        prediction: Prediction = "v",
        steps: int = 8,
        mode: Mode = "concat",
        timesteps: int | None = 1000,
        strength: float = 1.0,
        seed: int = 0,
        ladder: Tensor | None = None,
    ) -> None:
        super().__init__()
        if mode not in ("concat", "crossattn", "state"):
            raise RequestProblem(f"expected a mode of concat, crossattn or state, found {mode!r}")
        self.path, self.prediction = path, prediction
        self.mode, self.timesteps, self.strength, self.seed = mode, timesteps, strength, seed
        self.ladder = path.ladder(steps) if ladder is None else ladder

    @torch.no_grad()
    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """The clean estimate of degraded scans `(batch, 1, *space)`, in the network's range.

        `args` and `kwargs` go to the network. The same seed draws the same noise, in each place of
        the batch another. Raises RequestProblem for several channels.
        """
        if inputs.ndim not in (4, 5) or inputs.shape[1] != 1:
            raise RequestProblem(
                "expected scans of shape (batch, 1, *space) with 2 or 3 spatial axes, found "
                f"{tuple(inputs.shape)}"
            )
        strength = torch.full((1, 1, *[1] * (inputs.ndim - 2)), self.strength).to(inputs)

        def called(state: Tensor, level: Tensor, **condition: Tensor | None) -> Tensor:
            seen, named = self._seen(state, level, inputs)
            return network(seen, *args, **kwargs, **named)

        denoiser = Denoiser(called, self.path, self.prediction)
        condition = Condition(strength, None if self.mode == "state" else inputs)
        estimates, start, walked = self.path.walk(
            lambda state, level: denoiser(state, level, condition), inputs, self._noise(inputs)
        )
        return deque(ddim(estimates, start, self.ladder, path=walked), maxlen=1).pop()

    def _seen(self, state: Tensor, level: Tensor, scan: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the network is called with: the first argument, and the named ones."""
        seen = torch.cat([state, scan], 1) if self.mode == "concat" else state
        named = {"context": scan} if self.mode == "crossattn" else {}
        if self.timesteps is not None:  # entry t of a scheduler's table is level (t + 1) / T
            named["timesteps"] = (level * self.timesteps - 1).to(state)
        return seen, named

    def _noise(self, inputs: Tensor) -> Tensor:
        drawn = torch.zeros(())
        if self.path.random:
            space = inputs.shape[2:]
            each = (keyed_noise(space, seed=self.seed, draw=n) for n in range(len(inputs)))
            drawn = torch.stack(list(each))[:, None]
        return drawn.to(inputs) * (self.strength if self.path.scaled else 1.0)
