"""The noise passport: what is known of the noise of one scan, from the scan alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from medddim.intensity import bright_end, median
from medddim.noise.across import across_slices, is_thick, slice_filter
from medddim.noise.air import nearest, tail
from medddim.noise.belief import believed
from medddim.noise.ct import ct_noise, tissue_correlation
from medddim.noise.filters import AxisFilter, Round
from medddim.noise.grid import resampled
from medddim.noise.level import MINIMUM_VOXELS, Whitened
from medddim.noise.level_map import level_cells
from medddim.noise.planes import Slabs, reading_axis
from medddim.noise.spectrum import LEAST_VOXELS, OBJECT, noise_power, plane_filter
from medddim.noise.texture import CtTexture, ct_texture
from medddim.taken import as_volume
from medddim.volume import Array, Volume

WHITE_WITHIN = 0.08
"""The model of the noise fits if no correlation of the whitened noise is further from 0."""
MOST_TAIL = 1.1
"""Nor does it fit if the largest hundredth of the noise is so many times what normal noise has."""
ABOVE = 1.5
"""Times the noise, that a magnitude of the object has at least; of none it has 1.25."""
LEAST_TAPER = 0.5
"""Tapers below this are not worth a word."""
Three = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class NoisePassport:
    """What is known of a scan's noise; axes are the volume's spatial axes, in their order.

    `level` is the standard deviation of each receiver channel (MR) or of soft tissue (CT) in the
    scan's unit: the median over the object; 0 if there is none or it cannot be read. `cells` is
    the level on a coarse grid over the scan, in the same unit. `filters` are those of k-space
    along each axis. `correlation` is that of the noise to the next voxel along x, y and z, and
    to the next but one: `((x1, x2), (y1, y2), (z1, z2))`. `whiteness` is what is left at 1, 2 and
    3 voxels along each in-plane axis (0 across slices) once the spectrum is divided out; within
    0.08 of 0 the model `fits`, else `reason` says why it does not. `around` is a round filter of
    k-space within the slices, None without one. `texture` is the power spectrum of the noise
    of CT and what it looks like; None without even soft tissue, and of MR.
    """

    shape: tuple[int, int, int]
    unit: str
    level: float
    cells: Array
    filters: tuple[AxisFilter, AxisFilter, AxisFilter]
    correlation: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    whiteness: tuple[Three, Three, Three]
    reason: str = ""
    around: Round | None = None
    texture: CtTexture | None = None

    @property
    def fits(self) -> bool:
        """Whether the model of the noise explains it."""
        return not self.reason

    @property
    def radius(self) -> float:
        """Where a round filter of k-space falls to a half (`PlaneFilter`); 0 without one."""
        return self.around.radius if self.around else 0.0

    @property
    def measured_share(self) -> Three:
        """The share of k-space along each axis that was measured; 1 is not zero-filled."""
        x, y, z = self.filters
        return x.share, y.share, z.share

    @property
    def taper(self) -> Three:
        """The s of the amplitude filter exp(-s^2 u^2 / 2), u from -1 to 1 over what was measured.

        Of the Gaussian closest to the filter found, whatever its kind; 0 is no filter.
        """
        x, y, z = self.filters
        return x.taper, y.taper, z.taper

    @property
    def edge(self) -> Three:
        """The amplitude the filter leaves where the measured k-space ends."""
        x, y, z = self.filters
        return x.edge, y.edge, z.edge

    @cached_property
    def level_map(self) -> Array:
        """The level at each voxel `(x, y, z)`, in the scan's unit; smooth."""
        return resampled(self.cells, self.shape)

    @property
    def facts(self) -> dict[str, Any]:
        """All of it but the map as plain values, rounded: for JSON."""
        low, high = np.percentile(self.cells, [10, 90]) if self.level else (0.0, 0.0)
        texture = {"texture": self.texture.facts} if self.texture else {}
        return texture | {
            "level": _rounded(self.level),
            "level_low_high": [_rounded(low), _rounded(high)],
            "measured_share": [round(one, 3) for one in self.measured_share],
            "taper": [round(one, 2) for one in self.taper],
            "radius": round(self.radius, 2),
            "edge": [round(one, 3) for one in self.edge],
            "correlation": [[round(one, 3) for one in pair] for pair in self.correlation],
            "whiteness": [[round(one, 3) for one in three] for three in self.whiteness],
            "fits": self.fits,
            "reason": self.reason,
        }

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.unit == "HU":
            return self.texture.summary if self.texture else "no even soft tissue to read it in"
        return "; ".join(self._in_words())

    def _in_words(self) -> Iterator[str]:
        for axis, share in zip("xyz", self.measured_share, strict=True):
            if share < 1:
                yield f"zero-filled along {axis}: {share:.0%} of k-space was measured"
        if self.radius:
            yield "smoothed by a filter of k-space, round about its centre"
        elif along := [a for a, s in zip("xyz", self.taper, strict=True) if s >= LEAST_TAPER]:
            yield f"smoothed by a filter of k-space along {_listed(along)}"
        lags = [lag for lag, _ in self.correlation]
        if max(map(abs, lags)) < WHITE_WITHIN:
            yield "white: neighbouring voxels do not correlate"
        else:
            yield "neighbouring voxels correlate by {:.2f}, {:.2f}, {:.2f} (x, y, z)".format(*lags)
        if self.reason:
            yield f"this reading is uncertain: {self.reason}"


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _rounded(value: float) -> float:
    """To four digits: noise may be of any size."""
    return float(f"{value:.4g}")


def noise_passport(volume: Volume | Any) -> NoisePassport:
    """Read the noise of a scan: level, its map, and the filters of k-space it went through.

    A path or another library's image does, too (`medddim.taken`). Any volume gives a passport: a
    constant one of level 0, one too small to tell of white noise. A series of volumes (4D) gets one
    for all, read from how neighbours in time differ: there is hardly any anatomy. Sources: the
    spectrum where noise dominates, after Aja-Fernandez & Vegas-Sanchez-Ferrero 2016 (Statistical
    Analysis of Noise in MRI, ch. 7); the level by the median absolute deviation of whitened noise
    (Donoho & Johnstone 1994).
    """
    volume = as_volume(volume)
    slabs = Slabs.of(volume)
    if min(slabs.planes.shape[1:]) < 8 or float(np.ptp(slabs.planes)) == 0:
        return _without_model(volume, 0.0, "the scan is too small, or constant")
    if volume.in_hu:
        return _of_ct(volume, slabs)
    axis = reading_axis(volume)
    return _of_magnitude(volume, slabs if axis == slabs.axis else Slabs.of(volume, axis=axis))


def _of_ct(volume: Volume, slabs: Slabs) -> NoisePassport:
    """Level and correlation within the slices, both measured: there is no k-space to speak of."""
    level = ct_noise(volume)
    found = _without_model(volume, level, "the noise of CT is not that of k-space")
    pixel_mm = float(np.sqrt(np.prod([volume.spacing_mm[axis] for axis in slabs.axes])))
    found = replace(found, texture=ct_texture(slabs, pixel_mm, level))
    within = tissue_correlation(slabs.planes)
    if within is None:
        return found
    correlation = list(found.correlation)
    for axis, pair in zip(slabs.axes, within, strict=True):
        correlation[axis] = pair
    return replace(found, correlation=(correlation[0], correlation[1], correlation[2]))


def _of_magnitude(volume: Volume, slabs: Slabs) -> NoisePassport:
    within = plane_filter(*noise_power(slabs.image, slabs.noise))
    white = Whitened.of(slabs.image, within, None if slabs.again is None else slabs.noise)
    level, inside, even = white.level()
    if level == 0:
        return _without_model(volume, 0.0, "no noise was found")
    thick = is_thick(volume, slabs.axis)
    between = (0.0, 0.0) if thick else across_slices(white.detail, even, slabs.runs)
    through = slice_filter(volume, between[0], slabs.axis)
    filters, correlation = [through] * 3, [through.correlation[:2] or between] * 3
    left = [(0.0, 0.0, 0.0)] * 3
    pairs = zip(within.axes, within.correlation, white.whiteness(even), strict=True)
    for axis, (one, lags, rest) in zip(slabs.axes, pairs, strict=True):
        filters[axis], correlation[axis], left[axis] = one, lags[:2], rest
    if through == AxisFilter():
        correlation[slabs.axis] = between
    cells = level * level_cells(white, inside, level, slabs)
    far = tail(white, level, even, slabs, cells)
    reason = _reason(slabs, left, far)
    if slabs.again is None:
        share, flat = believed(slabs, level, cells, within.correlation, far > MOST_TAIL, not reason)
        if flat:
            cells = np.full((1, 1, 1), level, np.float32)
        level, cells = level * share, cells * np.float32(share)
    level = _of_object(slabs, white, cells) or level
    return NoisePassport(
        volume.shape,
        volume.unit,
        level,
        cells,
        (filters[0], filters[1], filters[2]),
        (correlation[0], correlation[1], correlation[2]),
        (left[0], left[1], left[2]),
        reason,
        Round(within.radius, within.width, slabs.axes) if within.radius else None,
    )


def _of_object(slabs: Slabs, white: Whitened, cells: Array) -> float:
    """The median of the map over all of the object, dark tissue too; 0 where there is little of it.

    The map was read where the signal is far above the noise.
    """
    known = nearest(slabs, cells, white.brightness.shape)
    dark = OBJECT * float(bright_end(white.brightness))
    object_ = white.brightness > np.maximum(dark, ABOVE * known)
    return float(median(known[object_])) if np.count_nonzero(object_) > MINIMUM_VOXELS else 0.0


def _reason(slabs: Slabs, left: list[Three], tail: float) -> str:
    """Why the model does not fit; empty if it does."""
    if min(slabs.planes.shape[1:]) < LEAST_VOXELS:
        return f"{LEAST_VOXELS} voxels along each axis are the fewest to read a spectrum from"
    worst = max((abs(one), axis) for axis in slabs.axes for one in left[axis])
    if worst[0] > WHITE_WITHIN:
        return (
            f"the filter found does not explain all of the correlation along {'xyz'[worst[1]]}, "
            f"{worst[0]:.2f} is left"
        )
    if tail > MOST_TAIL:
        return (
            f"the largest values are {tail:.1f} times those of noise: fine anatomy or ghosts are "
            "read as noise"
        )
    return ""


def _without_model(volume: Volume, level: float, reason: str) -> NoisePassport:
    """White noise of one level everywhere."""
    none = AxisFilter()
    return NoisePassport(
        volume.shape,
        volume.unit,
        level,
        np.full((1, 1, 1), level, np.float32),
        (none, none, none),
        ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        reason,
    )
