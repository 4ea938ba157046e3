"""Keyed noise: a normal variate for every (seed, draw, voxel position), computed, not streamed.

Whatever is cut, batched, reordered or shared among workers, a voxel gets the same noise.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF


def keyed_noise(
    shape: Sequence[int], *, seed: int, draw: int = 0, origin: Sequence[int] | None = None
) -> Tensor:
    """Unit white noise, float32, on a box of up to three axes of voxels from `origin` on.

    `draw` tells the steps of a sampler apart. Counter-based generator Philox 4x32-10 (Salmon et
    al. 2011), the normal variate by Box and Muller's transform of 53 and 64 of its bits.
    """
    corner = origin or [0] * len(shape)
    axes = [torch.arange(first, first + n) for first, n in zip(corner, shape, strict=True)]
    grid = torch.meshgrid(*axes, indexing="ij")
    missing = [torch.zeros_like(grid[0])] * (3 - len(shape))
    counter = [*missing, *grid, torch.full_like(grid[0], draw)]
    words = philox([word & _MASK for word in counter], key=(seed & _MASK, (seed >> 32) & _MASK))
    first = ((words[0] << 21) ^ (words[1] >> 11)).to(torch.float64)
    second = (words[2].to(torch.float64) * 2.0**32 + words[3].to(torch.float64)) * 2.0**-64
    radius = torch.sqrt(-2 * torch.log((first + 1) * 2.0**-53))
    return (radius * torch.cos(2 * math.pi * second)).float()


def philox(counter: Sequence[Tensor], *, key: tuple[int, int]) -> list[Tensor]:
    """Philox 4x32-10 on int64 tensors that hold 32-bit words; four random words for each."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        # int64 wraps like the 64-bit product it stands for; the mask undoes the sign's extension.
        product0, product1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        high0, high1 = (product0 >> 32) & _MASK, (product1 >> 32) & _MASK
        c0, c1 = high1 ^ c1 ^ k0, product1 & _MASK
        c2, c3 = high0 ^ c3 ^ k1, product0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return [c0, c1, c2, c3]
