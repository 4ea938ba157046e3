"""MONAI's DynUNet, holding each image no longer than it is needed."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets.dynunet import DynUNet
from torch import Tensor


class Body(DynUNet):  # type: ignore[misc]  # MONAI has no types
    """A DynUNet whose answer is that of MONAI's forward to the bit, in two thirds of the memory.

    MONAI's holds the input and the output of each block until the one above it is through, and the
    features of both sides beside their concatenation. At the finest resolution, where memory peaks,
    that is as much again as the concatenation itself.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The answer `(batch, out_channels, *space)`; MONAI's own forward where it may be learnt.

        So it is where the network is exported: nothing is written into there.
        """
        if not torch.is_inference_mode_enabled():
            answer: Tensor = super().forward(x)
            return answer
        skips: list[Tensor] = []
        for block in (self.input_block, *self.downsamples):
            x = block(x)
            skips.append(x)
        x = self.bottleneck(x)
        for block in self.upsamples:
            x = _convolved(block.conv_block, [_joined(block.transp_conv, x, skips)])
        output: Tensor = self.output_block(x)
        return output


def _joined(upsample: Any, x: Tensor, skips: list[Tensor]) -> Tensor:
    """What `torch.cat` makes of both, one after the other in their place."""
    skip = skips.pop()
    batch, channels, *space = skip.shape
    layout = torch.channels_last if len(space) == 2 else torch.channels_last_3d
    if not skip.is_contiguous(memory_format=layout):
        layout = torch.contiguous_format
    joined = torch.empty(
        (batch, 2 * channels, *space), dtype=skip.dtype, device=skip.device, memory_format=layout
    )
    joined[:, channels:] = skip
    del skip
    joined[:, :channels] = upsample(x)
    return joined


def _convolved(block: Any, held: list[Tensor]) -> Tensor:
    """MONAI's `UnetBasicBlock` on the one image that is held, which goes on the way."""
    x = block.conv1(held.pop())
    x = block.lrelu(block.norm1(x))
    x = block.lrelu(block.norm2(block.conv2(x)))
    answer: Tensor = x
    return answer
