"""Structural similarity, with the kernel named: three are in use in the field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medddim.errors import ScoreError
from medddim.metrics.slices import Float, Image, pieces, require_comparable, require_range
from medddim.volume import Mask


@dataclass(frozen=True)
class Kernel:
    """The local window of SSIM: `size` voxels across, Gaussian where `sigma` is above 0.

    `sample` divides variances by n - 1 instead of n. `padded` sets the outside of the image to 0
    and counts every voxel; without it, the border half a window wide is left out of the mean.
    """

    size: int
    sigma: float = 0.0
    sample: bool = False
    padded: bool = False

    def __str__(self) -> str:
        shape = f"gaussian {self.size}/{self.sigma:g}" if self.sigma else f"uniform {self.size}"
        covariance = ", sample covariance" if self.sample else ""
        return shape + covariance + (", zero padded" if self.padded else "")

    def mean(self, image: Float) -> Float:
        """The weighted local mean."""
        mode = "constant" if self.padded else "reflect"
        mean: Float = (
            ndimage.gaussian_filter(image, self.sigma, radius=self.size // 2, mode=mode)
            if self.sigma
            else ndimage.uniform_filter(image, self.size, mode=mode)
        )
        return mean

    def unbiased(self, dimensions: int) -> float:
        """What variances are multiplied with."""
        voxels = self.size**dimensions
        return voxels / (voxels - 1) if self.sample else 1.0


GAUSSIAN = Kernel(11, sigma=1.5)
"""Wang et al. 2004, MONAI; scikit-image with `gaussian_weights` and without sample covariance."""
UNIFORM = Kernel(7, sample=True)
"""The defaults of scikit-image, hence of fastMRI and ldct-benchmark."""
ZERO_PADDED = Kernel(11, sigma=1.5, padded=True)
"""pytorch-ssim, which CoreDiff and many others copied."""


def ssim(
    candidate: Image,
    reference: Image,
    *,
    data_range: float,
    mask: Mask | None = None,
    slice_axis: int | None = 2,
    kernel: Kernel = GAUSSIAN,
) -> float:
    """Structural similarity as Wang et al. 2004 and scikit-image define it.

    Equal to `skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)` with the kernel GAUSSIAN and to its defaults with UNIFORM: in 2D
    within each slice across `slice_axis`, in 3D if that is None. With a mask, the mean of the full
    map over the mask; without, over all but the border of half a kernel, which is scikit-image's
    own mean.
    """
    require_range(data_range)
    require_comparable(candidate, reference, mask=mask)
    region = _inner(reference.shape[-3:], kernel, flat_axis=slice_axis) if mask is None else mask
    if not region.any():
        raise ScoreError(
            f"expected at least {kernel.size} voxels across, found {reference.shape[-3:]}"
        )
    total = count = 0.0
    for ours, theirs, inside in pieces(candidate, reference, region, flat_axis=slice_axis):
        values = _map(ours, theirs, data_range, kernel)[inside]
        total += values.sum()
        count += values.size
    return float(total / count)


def _map(candidate: Float, reference: Float, data_range: float, kernel: Kernel) -> Float:
    luminance, contrast = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ours, theirs = kernel.mean(candidate), kernel.mean(reference)
    squares = kernel.mean(candidate**2) - ours**2 + kernel.mean(reference**2) - theirs**2
    products = kernel.mean(candidate * reference) - ours * theirs
    factor = kernel.unbiased(candidate.ndim)
    above = (2 * ours * theirs + luminance) * (2 * factor * products + contrast)
    below = (ours**2 + theirs**2 + luminance) * (factor * squares + contrast)
    return above / below


def _inner(shape: tuple[int, ...], kernel: Kernel, *, flat_axis: int | None) -> Mask:
    if kernel.padded:
        return np.ones(shape, dtype=bool)
    inner = np.zeros(shape, dtype=bool)
    border = kernel.size // 2
    cut = slice(border, -border)
    inner[tuple(slice(None) if axis == flat_axis else cut for axis in range(3))] = True
    return inner
