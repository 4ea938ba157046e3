"""The classical baselines, called like an Enhancer: `(volume, *, noise) -> Volume`.

`noise` is the standard deviation of the noise in the volume's own unit. Constants were chosen on
training or validation scans at 5 and 10 % noise, so that a gain is not one over a straw man. DIPY's
non-local means know of Rician noise; the others take it for Gaussian and find a mean, from which
the bias is removed. Channels go one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import product
from types import ModuleType
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from medddim.errors import EnvironmentProblem
from medddim.noise.rice import signal_of_mean
from medddim.volume import Array, Volume

Image = npt.NDArray[np.float64]

NO_NOISE = 1e-12
"""What stands for a noise of 0, which most methods cannot divide by."""

SEARCH_WINDOW = 9
"""Voxels across the search of non-local means with its patches: 2 * (3 + 1) + 1."""

ANTS_MARGIN = 4
"""Voxels mirrored around what ANTs is given: it takes what is outside for 0 and mixes it in."""

GAUSSIAN_WIDTHS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)


class Baseline(Protocol):
    """What every baseline looks like from outside."""

    def __call__(self, volume: Volume, /, *, noise: float) -> Volume:
        """The denoised scan on the same grid."""


def identity(volume: Volume, /, *, noise: float) -> Volume:
    """The scan as it is: what every other figure has to beat."""
    return volume


def gaussian(volume: Volume, /, *, noise: float) -> Volume:
    """Gaussian blur, its width chosen per channel by Stein's unbiased estimate of the error."""
    return _signal(volume, partial(_best_blur, noise=noise), noise=noise)


def tv(volume: Volume, /, *, noise: float) -> Volume:
    """Total variation (Chambolle), its weight half the noise."""
    from skimage.restoration import denoise_tv_chambolle

    weight = max(0.5 * noise, NO_NOISE)
    return _signal(volume, partial(denoise_tv_chambolle, weight=weight), noise=noise)


def wavelet(volume: Volume, /, *, noise: float) -> Volume:
    """Soft BayesShrink of db2 wavelets of scikit-image, for 0.9 noise; 3D, a single slice 2D.

    The mean over shifts by a voxel along each axis (Coifman & Donoho 1995, translation-invariant
    de-noising) is what makes it strong. Raises EnvironmentProblem where PyWavelets is not
    installed.
    """
    from skimage.restoration import denoise_wavelet

    _installed("pywt", "expected PyWavelets for the baseline wavelet", "pip install PyWavelets")
    how = {"sigma": max(0.9 * noise, NO_NOISE), "wavelet": "db2", "rescale_sigma": False}

    def denoise(image: Image) -> Image:
        mean, axes = np.zeros_like(image), range(image.ndim)
        for shift in product((0, 1), repeat=image.ndim):
            there = denoise_wavelet(np.roll(image, shift, axes), **how)
            mean += np.roll(there, [-n for n in shift], axes) / 2**image.ndim
        return mean

    def in_its_dimensions(image: Array) -> Image:
        # Noise that a mirror repeats along a third axis would be thresholded as signal.
        return _with_room(image.squeeze(), denoise).reshape(image.shape)

    return _signal(volume, in_its_dimensions, noise=noise)


def nlm(volume: Volume, /, *, noise: float) -> Volume:
    """Non-local means of scikit-image in 3D: patches of 3, search of 7, h = 0.4 noise."""
    from skimage.restoration import denoise_nl_means

    cutoff = max(0.4 * noise, NO_NOISE)
    how = {"patch_size": 3, "patch_distance": 3, "h": cutoff, "sigma": noise, "fast_mode": True}
    denoise = partial(denoise_nl_means, **how)
    return _signal(volume, partial(_with_room, denoise=denoise), noise=noise)


def nlm_dipy(
    volume: Volume, /, *, noise: float, method: Literal["classic", "blockwise"] = "classic"
) -> Volume:
    """Non-local means of DIPY, patch radius 1, block radius 3; Rician, except for CT.

    "classic" is up to 3 dB better on sharp scans than DIPY's default, "blockwise", whose threads
    race (1.12.1), so that it gets one. Raises EnvironmentProblem where DIPY is not installed.
    """
    nlmeans = _installed(
        "dipy.denoise.nlmeans",
        "expected DIPY for the baseline nlm-dipy",
        "pip install 'medddim[benchmarks]'",
    ).nlmeans
    rician = _is_rician(volume)
    threads = 1 if method == "blockwise" else None
    how = {"patch_radius": 1, "block_radius": 3, "rician": rician, "num_threads": threads}

    def denoise(image: Image) -> Image:
        # DIPY takes the magnitude of what it is given, so Hounsfield units are lifted above 0.
        floor = 0.0 if rician else float(image.min())
        lifted = nlmeans(image - floor, sigma=max(noise, NO_NOISE), method=method, **how)
        return np.asarray(lifted + floor)

    return _each_channel(volume, partial(_with_room, denoise=denoise))


def ants(volume: Volume, /, *, noise: float) -> Volume:
    """DenoiseImage of ANTs, adaptive non-local means (Manjon et al. 2010) that estimate the noise.

    Patch radius 1, search radius 2. `noise` serves only to remove the Rician bias, as from the
    others; ANTs' own way leaves more error. Raises EnvironmentProblem where ANTs is not installed:
    medddim never installs it.
    """
    library = _installed("ants", "expected ANTs for the baseline ants", "pip install antspyx")
    how = {"noise_model": "Gaussian", "p": 1, "r": 2}
    inner = (slice(ANTS_MARGIN, -ANTS_MARGIN),) * 3

    def denoise(image: Array) -> Image:
        # ANTs compares patches by the ratios of their means: Hounsfield units are lifted above 0.
        floor = 0.0 if _is_rician(volume) else float(image.min())
        lifted = np.pad(image - floor, ANTS_MARGIN, mode="symmetric").astype(np.float32)
        answer = library.denoise_image(library.from_numpy(lifted), **how).numpy()
        return np.asarray(answer[inner] + floor, dtype=np.float64)

    return _signal(volume, denoise, noise=noise)


def bm4d(volume: Volume, /, *, noise: float) -> Volume:
    """BM4D (Maggioni et al. 2013).

    Its licence forbids commercial use, so that medddim never installs it. Raises
    EnvironmentProblem where the user has not.
    """
    denoise = _installed(
        "bm4d",
        "expected BM4D for the baseline bm4d",
        "if its licence (non-commercial) suits you: pip install bm4d",
    ).bm4d
    sigma = max(noise, NO_NOISE)
    return _signal(volume, lambda image: denoise(image.astype(np.float64), sigma), noise=noise)


BASELINES: dict[str, Baseline] = {
    "identity": identity,
    "gaussian": gaussian,
    "tv": tv,
    "wavelet": wavelet,
    "ants": ants,
    "bm4d": bm4d,
    "nlm": nlm,
    "nlm-dipy": nlm_dipy,
    "nlm-dipy-blockwise": partial(nlm_dipy, method="blockwise"),
}


def _installed(module: str, expected: str, cure: str) -> ModuleType:
    """A module that does not come with medddim."""
    try:
        return import_module(module)
    except ImportError as error:
        raise EnvironmentProblem(f"{expected}, found none; install it: {cure}") from error


def _is_rician(volume: Volume) -> bool:
    return volume.modality != "CT" and not volume.in_hu


def _signal(volume: Volume, denoise: Callable[[Array], npt.ArrayLike], *, noise: float) -> Volume:
    """The answer of a method for Gaussian noise, in MR without the bias of Rician noise."""
    if not _is_rician(volume):
        return _each_channel(volume, denoise)
    sigma = max(noise, NO_NOISE)

    def unbiased(image: Array) -> npt.ArrayLike:
        return signal_of_mean(np.asarray(denoise(image), dtype=np.float64) / sigma) * sigma

    return _each_channel(volume, unbiased)


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
