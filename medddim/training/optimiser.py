"""The optimisers a recipe may choose, behind the few things the training loop asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

WEIGHT_DECAY = 0.01
"""Of both, per unit of learning rate."""


class Optimiser:
    """AdamW for all parameters, or Muon for the kernels of convolutions and AdamW for the rest.

    Muon (Jordan et al. 2024; scaled to the steps of AdamW by Liu et al. 2025, arXiv 2502.16982)
    takes steps along orthogonal matrices, here `(channels out, channels in x kernel)`. A layer of
    at most `FEW` channels, as the last one, is left to AdamW. One learning rate serves both.
    """

    FEW = 8

    def __init__(self, network: nn.Module, *, kind: str, learning_rate: float) -> None:
        """Take the parameters of `network`, which stay where they are in memory."""
        named = dict(network.named_parameters())
        kernels = {
            name: parameter
            for name, parameter in named.items()
            if kind == "muon" and parameter.ndim > 2 and len(parameter) > self.FEW
        }
        rest = [parameter for name, parameter in named.items() if name not in kernels]
        self._named, self._matrices = named, {n: _Matrix(k) for n, k in kernels.items()}
        self._parts: list[torch.optim.Optimizer] = []
        if rest:
            adamw = torch.optim.AdamW(rest, lr=learning_rate, weight_decay=WEIGHT_DECAY)
            self._parts.append(adamw)
        if kernels:
            muon = torch.optim.Muon(
                [matrix.view for matrix in self._matrices.values()],
                lr=learning_rate,
                weight_decay=WEIGHT_DECAY,
                adjust_lr_fn="match_rms_adamw",
            )
            self._parts.append(muon)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._named.values():
            parameter.grad = None

    def step(self, learning_rate: float) -> None:
        """One step down the gradients that stand at the parameters."""
        for matrix in self._matrices.values():
            matrix.take_gradient()
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()

    def tensors(self) -> Iterator[tuple[str, Mapping[str, Tensor]]]:
        """What it remembers of each parameter, by name: views, to be read and written."""
        for name, parameter in self._named.items():
            known = self._matrices[name].view if name in self._matrices else parameter
            for part in self._parts:
                if known in part.state:
                    yield name, part.state[known]


class _Matrix:
    """The kernel of a convolution as the matrix that Muon wants, in the same memory."""

    def __init__(self, kernel: nn.Parameter) -> None:
        inner = sorted(range(1, kernel.ndim), key=kernel.stride, reverse=True)
        self.kernel, self.order = kernel, (0, *inner)
        self.view = nn.Parameter(kernel.detach().permute(self.order).flatten(1))
        assert self.view.data_ptr() == kernel.data_ptr()  # noqa: S101  # a copy would never learn

    def take_gradient(self) -> None:
        gradient = self.kernel.grad
        self.view.grad = None if gradient is None else gradient.permute(self.order).flatten(1)
