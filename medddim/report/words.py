"""What happened to a scan, how much better it is and where to doubt it: in plain sentences."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from medddim.metrics import hf_power, rmse
from medddim.metrics.noise import estimate_noise
from medddim.report.case import Case
from medddim.volume import Array

HEADINGS = {
    "psnr_db": "PSNR, dB \N{UPWARDS ARROW}",
    "ssim": "SSIM \N{UPWARDS ARROW}",
    "nmse": "NMSE \N{DOWNWARDS ARROW}",
    "rmse": "RMSE \N{DOWNWARDS ARROW}",
    "hf_power": "fine detail, best 1",
    "local_bias": "local bias \N{DOWNWARDS ARROW}",
}
"""Of columns, for people: the arrow tells which way is better."""
STRUCTURE = "structure in the change"
"""The name of the map that `doubt` speaks of."""
NEIGHBOURHOOD = 2.0
"""Voxels; the standard deviation of the Gaussian that averages the change within a slice."""
BEYOND_CHANCE = 4.0
"""Standard deviations; white noise passes this once in 16 000 voxels."""


def better(case: Case) -> list[str]:
    """How much better the result is; against the reference where there is one."""
    reference = case.images.get("reference")
    if reference is None:
        return ["No clean reference exists, so no figure can tell.", *_noise_left(case)]
    before, after = (
        rmse(case.images[name], reference, mask=case.inside) for name in ("input", "enhanced")
    )
    if not (before > 0 and after > 0):
        return ["The input or the result equals the reference."]
    gain = 20 * math.log10(before / after)
    stated = "closer to" if gain > 0 else "further from"
    words = (
        f"The result is {abs(gain):.1f} dB {stated} the reference than the input: its error "
        f"(root mean square, inside the object) {'fell' if gain > 0 else 'rose'} from "
        f"{_share(case, before)} to {_share(case, after)} of the grey scale."
    )
    return [words, *_texture(case, reference)]


def doubt(case: Case, deviations: Array) -> list[str]:
    """Where this result is least to be trusted, as far as figures can tell.

    `deviations` is the `structure` of the case.
    """
    shift = float(case.difference[case.inside].mean())
    share = float((np.abs(deviations) > BEYOND_CHANCE)[case.inside].mean())
    words = [
        f"In {_percent(share)} of the object the change is not like noise: neighbouring voxels "
        "were moved the same way. There anatomy may have been altered; see the map "
        f"“{STRUCTURE}”."
        if share > 0.001
        else "Nowhere is the change more than noise would leave: no structure stands out in it."
    ]
    if abs(shift) > 0.01 * (case.window[1] - case.window[0]):
        words.append(
            f"The object became {'brighter' if shift > 0 else 'darker'} by "
            f"{_share(case, abs(shift))} of the grey scale on average."
        )
    return words


def structure(case: Case) -> Array:
    """The local mean of the change, `(x, y, z)`, in standard deviations of what noise would leave.

    The change is averaged by a Gaussian within each slice, and divided by the deviation that
    white noise of the same local power would keep, `rms / (2 sqrt(pi) sigma)`. 0 outside.
    """
    sigma = [NEIGHBOURHOOD] * 3
    sigma[case.enhanced.slice_axis] = 0.0
    wide = [4 * s for s in sigma]
    inside = case.inside.astype(np.float32)
    change = np.where(case.inside, case.difference, 0).astype(np.float32)
    weight = np.maximum(ndimage.gaussian_filter(inside, wide), 1e-3)
    power = ndimage.gaussian_filter(np.square(change), wide) / weight
    expected = np.sqrt(np.maximum(power, 0)) / (2 * math.sqrt(math.pi) * NEIGHBOURHOOD)
    mean = ndimage.gaussian_filter(change, sigma)
    deviations: Array = np.zeros_like(mean)
    np.divide(mean, expected, out=deviations, where=case.inside & (expected > 0))
    return deviations


def _noise_left(case: Case) -> list[str]:
    before, after = estimate_noise(case.input), estimate_noise(case.enhanced)
    if not before > 0:
        return []
    return [
        f"What is noise at the finest scale {'fell' if after <= before else 'rose'} to "
        f"{_percent(after / before)} of what it was. That counts what was removed, not what "
        "was right to remove."
    ]


def _texture(case: Case, reference: Array) -> list[str]:
    ratio = hf_power(
        case.images["enhanced"], reference, slice_axis=case.enhanced.slice_axis, mask=case.inside
    )
    if not math.isfinite(ratio):
        return []
    word = "smoother than" if ratio < 0.9 else "rougher than" if ratio > 1.1 else "as fine as"
    return [f"It holds {_percent(ratio)} of the fine detail of the reference: it is {word} that."]


def _share(case: Case, figure: float) -> str:
    low, high = case.window
    return _percent(figure / (high - low))


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.1 else 1}f}\N{NO-BREAK SPACE}%"
