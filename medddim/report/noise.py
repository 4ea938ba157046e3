"""The noise of a scan, as its report shows it: the noise passport of the input."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medddim.intensity import in_digits
from medddim.noise import NoisePassport, noise_passport
from medddim.report.planes import cuts
from medddim.scaling import Scaling
from medddim.volume import Volume

UNEVEN = 1.25
"""A map is shown if its largest level is so many times its smallest."""
WIDTH = 160
"""Pixels across the picture of the map, at most."""


@dataclass(frozen=True)
class NoiseSection:
    """Facts of the noise by name, and the map of its level: a data address, empty if it is flat."""

    facts: tuple[tuple[str, str], ...]
    picture: str = ""
    scale: str = ""


def noise_section(scan: Volume) -> NoiseSection:
    """What the scan alone tells of its noise, for people."""
    found = noise_passport(scan)
    if found.level == 0:
        return NoiseSection((("Noise", f"not read: {found.reason}"),))
    facts = _ct(found) if scan.in_hu else _magnitude(scan, found)
    return NoiseSection(tuple(facts), *_map(scan, found))


def _ct(found: NoisePassport) -> list[tuple[str, str]]:
    return [
        ("Noise (standard deviation in soft tissue)", _with_unit(found.level, found.unit)),
        ("Correlation to the next voxel, x, y, z", _lags(found)),
        ("Texture", found.summary),
    ]


def _magnitude(scan: Volume, found: NoisePassport) -> list[tuple[str, str]]:
    low, high = found.facts["level_low_high"]
    share = found.level / Scaling.fit(scan).scale
    over = f"{_with_unit(found.level, found.unit)}, {share:.1%} of the bright end"
    if high > low:
        over += f"; {in_digits(low)} to {in_digits(high)} over the scan"
    fits = "yes" if found.fits else f"no: {found.reason}"
    shares = " × ".join(f"{share:.0%}" for share in found.measured_share)
    return [
        ("Noise (standard deviation of each receiver channel)", over),
        ("Share of k-space that was measured", shares),
        ("Correlation to the next voxel, x, y, z", _lags(found)),
        ("Explained by a filter of k-space", fits),
    ]


def _lags(found: NoisePassport) -> str:
    shown = ", ".join(f"{lag:.2f}" for lag, _ in found.correlation)
    return shown.replace("-", "\N{MINUS SIGN}")


def _with_unit(level: float, unit: str) -> str:
    return f"{in_digits(level)} {unit}".rstrip()


def _map(scan: Volume, found: NoisePassport) -> tuple[str, str]:
    """A small picture of the level's map, as the slices lie, and its scale in words."""
    low, high = float(found.cells.min()), float(found.cells.max())
    every = cuts(scan)
    if high < UNEVEN * low or not every:
        return "", ""
    cut = next((one for one in every if one.through == scan.slice_axis), every[0])
    shares = (cut.of(found.level_map) - low) / (high - low)
    image = Image.fromarray(np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8))
    height = max(1, round(WIDTH * cut.size_mm[1] / cut.size_mm[0]))
    file = io.BytesIO()
    image.resize((WIDTH, height)).save(file, format="png")
    address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    scale = f"black {in_digits(low)}, white {_with_unit(high, found.unit)}; one {cut.plane} slice"
    return address, scale
