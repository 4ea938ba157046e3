"""A small 3D U-Net that reads what is known of the noise: its level map and its correlation.

One network for isotropic scans and for thick slices. MONAI's DynUNet without normalisation, as in
`medddim.networks.unet`, at half the resolution (Zhang et al. 2018, FFDNet, arXiv 1710.04026).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import Tensor
from torch.nn import functional

from medddim.networks.contract import Network
from medddim.networks.unet import body

MAPS = 8
"""The level of the noise; its correlation to the next voxel and the next but one along each of the
three axes; how much wider than a pixel the slices lie."""


class NoiseUNet(Network):
    """A norm-free 3D U-Net on states `(batch, 1, slice, row, column)`.

    `widths` are the channels of each resolution, finest first, three or more. `unshuffle` voxels
    of each axis are folded into channels first. `strength` holds `MAPS` maps: the standard
    deviation of the noise, the correlations at `LAGS` along each axis in the order of the axes
    (`medddim.degradation.kspace`), and log2(slice spacing / pixel) / 4.

    Beside the state the first layer sees how each voxel differs from the mean around it, in units
    of the noise that is left at this level, compressed by asinh: as clear at 1 % noise as at 10 %.
    """

    kind = "noise-unet"
    sees_scan = False

    def __init__(self, *, widths: Sequence[int] = (48, 72, 96), unshuffle: int = 2) -> None:
        super().__init__()
        self.spatial_dims, self.unshuffle = 3, unshuffle
        self.stride = unshuffle * 2 ** (len(widths) - 1)
        self.halo = 6 * self.stride  # as UNet.halo; the mean around a block adds two voxels
        self.folded = unshuffle**3
        self.body = body(3, 2 * self.folded + 2 + MAPS, self.folded, widths)

    def forward(
        self,
        state: Tensor,
        level: Tensor,
        *,
        strength: Tensor,
        scan: Tensor | None = None,
        level_map: Tensor | None = None,
    ) -> Tensor:
        """The prediction; any spatial size, mirrored inside to multiples of the stride.

        `level_map` `(batch, 1, *space)` stands for the first of the maps, which alone may vary.
        """
        size = state.shape[2:]
        folded: Tensor = pixelunshuffle(self._mirrored(state), 3, self.unshuffle)
        noise = strength[:, :1] if level_map is None else level_map
        inputs = torch.cat(self._seen(folded, level.to(state), (noise, strength), size), 1)
        del folded, noise, level_map
        inputs = inputs.contiguous(memory_format=torch.channels_last_3d)
        output: Tensor = pixelshuffle(self.body(inputs), 3, self.unshuffle)
        for axis, n in enumerate(size, start=2):
            output = output.narrow(axis, 0, n)
        return output

    def _seen(
        self, folded: Tensor, level: Tensor, maps: tuple[Tensor, Tensor], size: Sequence[int]
    ) -> list[Tensor]:
        like = (folded.shape[0], -1, *folded.shape[2:])
        noise, rest = maps[0], maps[1][:, 1:, :1, :1, :1]  # only the level is a map
        if any(n > 1 for n in noise.shape[2:]):
            noise = functional.avg_pool3d(
                self._mirrored(noise.expand(-1, -1, *size)), self.unshuffle
            )
        level = level.reshape(-1, 1, 1, 1, 1)
        left = (noise * level).expand(like)
        around = functional.avg_pool3d(
            folded.mean(1, keepdim=True), 3, stride=1, padding=1, count_include_pad=False
        )
        detail = torch.asinh((folded - around) / (left + 1e-4))
        loudness = torch.log10(left + 1e-4) / 2
        return [folded, detail, left, loudness, level.expand(like), rest.expand(like)]

    def _mirrored(self, x: Tensor) -> Tensor:
        """Mirrored at the far ends: what is repeated shows its noise twice, as anatomy is seen."""
        for axis, n in enumerate(x.shape[2:], start=2):
            # two strides at least: see UNet
            target = max(n + -n % self.stride, 2 * self.stride)
            if target > n:
                index = torch.arange(target, device=x.device) % max(2 * (n - 1), 1)
                x = x.index_select(axis, torch.minimum(index, 2 * (n - 1) - index).clamp(min=0))
        return x
