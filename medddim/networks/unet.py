"""The one door to MONAI's networks: a U-Net whose answer does not depend on the tile.

MONAI's DynUNet (the nnU-Net of Isensee et al. 2021) is built without any normalisation, because
group or instance normalisation averages over the tile and makes every voxel depend on all others.
What is left are convolutions: the receptive field is finite and the answer at a voxel depends on
its neighbourhood alone, provided tiles start at multiples of `UNet.stride`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import Tensor, nn
from torch.nn import functional

from medddim.networks.body import Body
from medddim.networks.contract import Network


class UNet(Network):
    """A norm-free U-Net on `(batch, slices, *space)` states, 2D, 2.5D or 3D.

    `widths` are the channels of each resolution, finest first, three or more. `unshuffle`
    folds that many voxels per axis into channels first (Shi et al. 2016; FFDNet, Zhang et al.
    2018), which divides the cost by unshuffle ** spatial_dims. `sees_scan` adds the degraded scan
    to the input. Beside them it sees the level, the `maps` that tell how strongly the scan is
    degraded, and their product. With a `detail_gain` it sees local means and amplified differences
    from them: where the answer is fine detail, plain intensities would drown it. The last layer
    starts at zero, and so do the weights for the state where the scan is seen beside it.

    With `refine`, the widths of a second U-Net, the first one's output goes through that once more,
    beside the input, and the answer is the sum of both: more depth for little more width (W-Net;
    stacked hourglasses, Newell et al. 2016, arXiv 1603.06937).

    `images` and `maps` count the channels the first layer sees: the folded images and their local
    means, state before scan; the level, the maps, and their products.
    """

    kind = "unet"
    FIRST = "body.input_block."
    """Where the names of the parameters begin that see the input."""

    def __init__(  # noqa: PLR0913  # one for each field of NetworkRecipe
        self,
        *,
        spatial_dims: int = 2,
        slices: int = 3,
        widths: Sequence[int] = (64, 96, 128),
        unshuffle: int = 2,
        sees_scan: bool = False,
        maps: int = 1,
        detail_gain: float = 0.0,
        refine: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.detail_gain = detail_gain
        images = slices * (2 if sees_scan else 1)
        self.spatial_dims, self.unshuffle = spatial_dims, unshuffle
        self.stride = unshuffle * 2 ** (len(widths) - 1)
        # The receptive radius: in folded voxels every level of resolution adds the reach of its
        # convolutions, five times its scale in all; with the unfolding and the phase in the grid
        # that is 6 stride - 3 unshuffle - 1 voxels, and for two U-Nets no more than twice that.
        self.halo = (12 if refine else 6) * self.stride
        self.sees_scan, self.folded = sees_scan, unshuffle**spatial_dims
        self.images = [images * self.folded, *([images] if detail_gain else [])]
        self.maps = [1, maps, maps]
        seen = sum(self.images + self.maps)
        handed_on = max([self.folded, *refine[:1]])
        self.body = body(spatial_dims, seen, handed_on, widths)
        self.second = body(spatial_dims, seen + handed_on, self.folded, refine) if refine else None
        if sees_scan:  # begin deaf to the state, or its noise drowns what the scan has to tell
            for layer in (self.body.input_block.conv1, self.body.input_block.conv3):
                kinds = layer.conv.weight.detach().split([*self.images, sum(self.maps)], 1)
                for weights in kinds[:-1]:
                    weights[:, : weights.shape[1] // 2] = 0

    def forward(
        self, state: Tensor, level: Tensor, *, strength: Tensor, scan: Tensor | None = None
    ) -> Tensor:
        """The prediction `(batch, 1, *space)`; any spatial size, padded inside by replication.

        `strength` is `(batch or 1, maps, *space)`, with any spatial axis of length 1.
        """
        size = state.shape[2:]
        seen = self._pad(state if scan is None else torch.cat([state, scan], 1))
        if any(n > 1 for n in strength.shape[2:]):
            strength = self._pad(strength.expand(-1, -1, *size))
            strength = self._pool(strength)
        folded = self._fold(seen)
        seen_as = self._detailed(folded) if self.detail_gain else folded
        inputs = torch.cat([seen_as, self._maps(level, strength, folded)], 1)
        layout = torch.channels_last if self.spatial_dims == 2 else torch.channels_last_3d
        inputs = inputs.contiguous(memory_format=layout)
        answer = self.body(inputs)
        if self.second:
            refined = self.second(torch.cat([inputs, answer], 1))
            answer = answer[:, : self.folded] + refined
        output: Tensor = pixelshuffle(answer, self.spatial_dims, self.unshuffle)
        for axis, n in enumerate(size, start=2):
            output = output.narrow(axis, 0, n)
        return output

    def _pad(self, x: Tensor) -> Tensor:
        # Two strides at least: where a strided convolution leaves one column, oneDNN (torch 2.13,
        # bfloat16) reads memory that is not the image's, and now and then the answer is NaN.
        excess = [max(-n % self.stride, 2 * self.stride - n) for n in x.shape[2:]]
        pads = [side for extra in reversed(excess) for side in (0, extra)]
        return functional.pad(x, pads, mode="replicate") if any(pads) else x

    def _fold(self, x: Tensor) -> Tensor:
        folded: Tensor = pixelunshuffle(x, self.spatial_dims, self.unshuffle)
        return folded

    def _detailed(self, folded: Tensor) -> Tensor:
        """The mean around each block of voxels, and how they differ from it, amplified."""
        block = folded.unflatten(1, (-1, self.folded))
        pool = functional.avg_pool2d if self.spatial_dims == 2 else functional.avg_pool3d
        around = pool(block.mean(2), 3, stride=1, padding=1, count_include_pad=False)
        detail = self.detail_gain * (block - around[:, :, None])
        return torch.cat([detail.flatten(1, 2), around], 1)

    def _pool(self, x: Tensor) -> Tensor:
        pool = functional.avg_pool2d if self.spatial_dims == 2 else functional.avg_pool3d
        return pool(x, self.unshuffle)

    def _maps(self, level: Tensor, strength: Tensor, like: Tensor) -> Tensor:
        levels = level.to(like).reshape(-1, 1, *[1] * self.spatial_dims)
        levels = levels.expand(like.shape[0], 1, *like.shape[2:])
        strength = strength.to(like).expand(like.shape[0], -1, *like.shape[2:])
        return torch.cat([levels, strength, levels * strength], 1)


def body(spatial_dims: int, seen: int, answered: int, widths: Sequence[int]) -> Body:
    """A U-Net without normalisation whose last layer is zero."""
    levels = len(widths)
    network = Body(
        spatial_dims,
        in_channels=seen,
        out_channels=answered,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=list(widths),
        norm_name="",
        act_name=("leakyrelu", {"negative_slope": 0.1, "inplace": True}),
        res_block=True,
    )
    for parameter in network.output_block.parameters():
        nn.init.zeros_(parameter)
    return network
