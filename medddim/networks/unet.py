"""The one door to MONAI's networks: a U-Net whose answer does not depend on the tile.

MONAI's DynUNet (the nnU-Net of Isensee et al. 2021) is built without any normalisation, because
group or instance normalisation averages over the tile and makes every voxel depend on all others.
What is left are convolutions: the receptive field is finite and the answer at a voxel depends on
its neighbourhood alone, provided tiles start at multiples of `UNet.stride`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets.dynunet import DynUNet
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import Tensor, nn
from torch.nn import functional

LEVEL_MAPS = 3
"""Constant maps the network sees: the level, the scan's noise level, and their product."""


class UNet(nn.Module):
    """A norm-free U-Net on `(batch, slices, *space)` states, 2D, 2.5D or 3D.

    `widths` are the channels of each resolution, finest first, three or more. `unshuffle`
    folds that many voxels per axis into channels first (Shi et al. 2016; FFDNet, Zhang et al.
    2018), which divides the cost by unshuffle ** spatial_dims. `sees_scan` adds the degraded scan
    to the input. The last layer starts at zero.
    """

    def __init__(
        self,
        *,
        spatial_dims: int = 2,
        slices: int = 3,
        widths: Sequence[int] = (64, 96, 128),
        unshuffle: int = 2,
        sees_scan: bool = False,
    ) -> None:
        super().__init__()
        self.spatial_dims, self.unshuffle = spatial_dims, unshuffle
        self.stride = unshuffle * 2 ** (len(widths) - 1)
        folded = unshuffle**spatial_dims
        levels = len(widths)
        self.body = DynUNet(
            spatial_dims,
            in_channels=slices * folded * (2 if sees_scan else 1) + LEVEL_MAPS,
            out_channels=folded,
            kernel_size=[3] * levels,
            strides=[1] + [2] * (levels - 1),
            upsample_kernel_size=[2] * (levels - 1),
            filters=list(widths),
            norm_name="",
            act_name=("leakyrelu", {"negative_slope": 0.1, "inplace": True}),
            res_block=True,
        )
        for parameter in self.body.output_block.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, state: Tensor, level: Tensor, *, noise: Tensor, scan: Tensor | None = None
    ) -> Tensor:
        """The prediction `(batch, 1, *space)`; any spatial size, padded inside by replication.

        `noise` is the scan's noise level, `(batch or 1, 1, *space)`, any spatial axis of length 1.
        """
        size = state.shape[2:]
        seen = state if scan is None else torch.cat([state, scan], 1)
        folded = self._fold(self._pad(seen))
        if any(n > 1 for n in noise.shape[2:]):
            noise = self._pool(self._pad(noise.expand(-1, -1, *size)))
        inputs = torch.cat([folded, self._maps(level, noise, folded)], 1)
        if self.spatial_dims == 2:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        output: Tensor = pixelshuffle(self.body(inputs), self.spatial_dims, self.unshuffle)
        kept: Tensor = output[(..., *(slice(n) for n in size))]  # type: ignore[index]  # torch's stubs miss generators
        return kept

    def _pad(self, x: Tensor) -> Tensor:
        excess = [-n % self.stride for n in x.shape[2:]]
        pads = [side for extra in reversed(excess) for side in (0, extra)]
        return functional.pad(x, pads, mode="replicate") if any(pads) else x

    def _fold(self, x: Tensor) -> Tensor:
        folded: Tensor = pixelunshuffle(x, self.spatial_dims, self.unshuffle)
        return folded

    def _pool(self, x: Tensor) -> Tensor:
        pool = functional.avg_pool2d if self.spatial_dims == 2 else functional.avg_pool3d
        return pool(x, self.unshuffle)

    def _maps(self, level: Tensor, noise: Tensor, like: Tensor) -> Tensor:
        shape = (like.shape[0], 1, *like.shape[2:])
        levels = level.to(like).reshape(-1, 1, *[1] * self.spatial_dims).expand(shape)
        noise = noise.to(like).expand(shape)
        return torch.cat([levels, noise, levels * noise], 1)
