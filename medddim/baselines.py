"""The classical rivals, called like an Enhancer: `(volume, *, noise) -> Volume`.

`noise` is the standard deviation of the noise in the volume's own unit. Constants were chosen on
training scans at 5 and 10 % noise, so that a gain is not one over a straw man; only DIPY's
non-local means know of Rician noise, the others take it for Gaussian. Channels go one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from medddim.errors import EnvironmentProblem
from medddim.volume import Array, Volume

Image = npt.NDArray[np.float64]

SEARCH_WINDOW = 9
"""Voxels across the search of non-local means with its patches: 2 * (3 + 1) + 1."""

GAUSSIAN_WIDTHS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)


class Baseline(Protocol):
    """What every rival looks like from outside."""

    def __call__(self, volume: Volume, /, *, noise: float) -> Volume:
        """The denoised scan on the same grid."""


def identity(volume: Volume, /, *, noise: float) -> Volume:
    """The scan as it is: what every other figure has to beat."""
    return volume


def gaussian(volume: Volume, /, *, noise: float) -> Volume:
    """Gaussian blur, its width chosen per channel by Stein's unbiased estimate of the error."""
    return _each_channel(volume, lambda image: _best_blur(image, noise=noise))


def tv(volume: Volume, /, *, noise: float) -> Volume:
    """Total variation (Chambolle), its weight half the noise."""
    from skimage.restoration import denoise_tv_chambolle

    return _each_channel(volume, partial(denoise_tv_chambolle, weight=max(0.5 * noise, 1e-12)))


def nlm(volume: Volume, /, *, noise: float) -> Volume:
    """Non-local means of scikit-image in 3D: patches of 3, search of 7, h = 0.4 noise."""
    from skimage.restoration import denoise_nl_means

    cutoff = max(0.4 * noise, 1e-12)
    how = {"patch_size": 3, "patch_distance": 3, "h": cutoff, "sigma": noise, "fast_mode": True}
    return _each_channel(volume, lambda image: _with_room(image, partial(denoise_nl_means, **how)))


def nlm_dipy(
    volume: Volume, /, *, noise: float, method: Literal["classic", "blockwise"] = "classic"
) -> Volume:
    """Non-local means of DIPY, patch radius 1, block radius 3; Rician, except for CT.

    "classic" is up to 3 dB better on sharp scans than DIPY's default, "blockwise", whose threads
    race (1.12.1), so that it gets one. Raises EnvironmentProblem where DIPY is not installed.
    """
    nlmeans = _nlmeans_of_dipy()
    rician = volume.modality != "CT" and volume.unit != "HU"
    threads = 1 if method == "blockwise" else None
    how = {"patch_radius": 1, "block_radius": 3, "rician": rician, "num_threads": threads}

    def denoise(image: Image) -> Image:
        # DIPY takes the magnitude of what it is given, so Hounsfield units are lifted above 0.
        floor = 0.0 if rician else float(image.min())
        return nlmeans(image - floor, sigma=max(noise, 1e-12), method=method, **how) + floor

    return _each_channel(volume, lambda image: _with_room(image, denoise))


def bm4d(volume: Volume, /, *, noise: float) -> Volume:
    """BM4D (Maggioni et al. 2013), in MR with the Rician bias of its answer removed.

    Its licence forbids commercial use, so that medddim never installs it. Raises
    EnvironmentProblem where the user has not.
    """
    try:
        from bm4d import bm4d as denoise
    except ImportError as error:
        raise EnvironmentProblem(
            "expected BM4D for the baseline bm4d, found none; if its licence (non-commercial) "
            "suits you, install it with: pip install bm4d"
        ) from error
    sigma = max(noise, 1e-12)
    rician = volume.modality != "CT" and volume.unit != "HU"

    def unbiased(image: Array) -> npt.ArrayLike:
        mean = denoise(image.astype(np.float64), sigma)
        return signal_of_mean(mean / sigma) * sigma if rician else mean

    return _each_channel(volume, unbiased)


def signal_of_mean(mean: Image) -> Image:
    """The signal whose magnitude has this mean, both in units of the noise; 0 below the floor.

    Inverts the mean of the Rice distribution (Koay & Basser 2006, J Magn Reson 179:317, eq. 5).
    """
    from scipy.special import ive

    signal = np.linspace(0, 40, 4001)
    half = signal**2 / 4
    means = np.sqrt(np.pi / 2) * ((1 + 2 * half) * ive(0, half) + 2 * half * ive(1, half))
    near = np.interp(mean, means, signal)
    return np.where(mean < means[-1], near, np.sqrt(np.maximum(mean**2 - 1, 0)))


BASELINES: dict[str, Baseline] = {
    "identity": identity,
    "gaussian": gaussian,
    "tv": tv,
    "bm4d": bm4d,
    "nlm": nlm,
    "nlm-dipy": nlm_dipy,
    "nlm-dipy-blockwise": partial(nlm_dipy, method="blockwise"),
}


def _nlmeans_of_dipy() -> Callable[..., Image]:
    try:
        from dipy.denoise.nlmeans import nlmeans
    except ImportError as error:
        raise EnvironmentProblem(
            "expected DIPY for the baseline nlm-dipy, found none; "
            "install it with: pip install 'medddim[benchmarks]'"
        ) from error
    return cast(Callable[..., Image], nlmeans)


def _each_channel(volume: Volume, denoise: Callable[[Array], npt.ArrayLike]) -> Volume:
    return volume.with_voxels(np.stack([np.asarray(denoise(image)) for image in volume.voxels]))


def _with_room(image: Array, denoise: Callable[[Image], Image]) -> Image:
    """Mirror what is thinner than a search window; a single slice thus gets its 2D answer."""
    missing = [max(0, SEARCH_WINDOW - n) for n in image.shape]
    padding = [(n // 2, n - n // 2) for n in missing]
    inner = tuple(slice(low, low + n) for (low, _), n in zip(padding, image.shape, strict=True))
    return denoise(np.pad(image.astype(np.float64), padding, mode="symmetric"))[inner]


def _best_blur(image: Array, *, noise: float) -> Array:
    """The blur with the least `|y - Hy|^2 / n + 2 noise^2 h(0)`, the error up to a constant.

    Summed over voxels beyond three times the noise: air would ask for as much blur as there is.
    """
    from scipy.ndimage import gaussian_filter

    impulse = np.zeros((17, 17, 17))
    impulse[8, 8, 8] = 1.0
    signal = np.abs(image) > 3 * noise
    if not signal.any():
        return image
    best, least = image, np.inf
    for width in GAUSSIAN_WIDTHS:
        blurred = gaussian_filter(image, width)
        centre = gaussian_filter(impulse, width)[8, 8, 8]
        change = np.subtract(image, blurred, dtype=np.float64)[signal]
        risk = np.mean(change**2) + 2 * noise**2 * centre
        if risk < least:
            best, least = blurred, risk
    return best
