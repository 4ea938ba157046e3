"""Where the noise is how strong: a smooth map, as uneven as the scan gives evidence for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from medddim.intensity import percentile
from medddim.noise.filters import TINY
from medddim.noise.level import MAD_OF_NORMAL, Whitened
from medddim.noise.planes import RUN, Slabs
from medddim.noise.rice import kept_of_mean
from medddim.volume import Array, Mask

Values = npt.NDArray[np.float64]

CELLS = 12
"""Cells within the slices, along each axis, in which the level is read; so many has the map."""
ALONG = 8
"""Cells of the map across the slices, at most."""
FEWEST = 12
"""A cell with fewer voxels of the object says nothing."""
EVEN = 60
"""Per cent of the object, its more even parts, that are read: rims of it are no noise."""
ORDERS = 5
"""Half waves over the scan that the map may have along an axis, at most."""
REACH = 0.3
"""How far the level stays the same, as a share of the scan: the width of a Gaussian covariance."""
TRUST = np.geomspace(1e-3, 1e3, 25)
"""Variances of the cells' errors that are tried, in units of that of the map."""
BEYOND = 1.5
"""Times the highest level that was read, that the map has at most, where there is nothing to read;
likewise below the lowest. Waves run wild there: up to 30 000 times in a phantom without noise."""
FAR = 2.0
"""Cells further from the map than so many of their errors count less: they hold anatomy."""


def level_cells(white: Whitened, used: Mask, level: float, slabs: Slabs) -> Array:
    """The level on a coarse grid over the scan, relative to its median over the object `used`.

    The spread of the more even half of each cell's voxels, without what a magnitude makes of it,
    is taken as a smooth map plus an error of each cell: half waves whose coefficients are normal
    (a Gaussian process with a Gaussian covariance). How much the map varies is what makes the
    cells most likely (Rasmussen & Williams 2006, eq. 2.30); it is flat if nothing is gained, and
    where nothing was read it is hardly higher or lower than where something was.
    """
    relative = _size_of_grid(slabs)
    depth = max(slabs.positions) + 1
    places, value, count = _read(white, used, level, slabs, depth)
    if len(value) < 8:
        return np.ones(relative, np.float32)
    waves = _waves(places, relative)
    coefficients = _fitted(waves, value, count)
    at_cells = waves @ coefficients
    surface = _waves_of_grid(relative) @ coefficients
    surface = surface.clip(at_cells.min() - np.log(BEYOND), at_cells.max() + np.log(BEYOND))
    order = np.argsort(at_cells)
    middle = np.searchsorted(np.cumsum(count[order]), count.sum() / 2)
    found: Array = np.exp(surface - at_cells[order][middle]).astype(np.float32).reshape(relative)
    return np.moveaxis(found, 0, slabs.axis)


def _size_of_grid(slabs: Slabs) -> tuple[int, int, int]:
    return min(ALONG, len(set(slabs.positions))), CELLS, CELLS


def _read(
    white: Whitened, used: Mask, level: float, slabs: Slabs, depth: int
) -> tuple[Values, Values, Values]:
    """Of each cell with enough voxels: its place from 0 to 1, the log of its level, the voxels."""
    if used.any():
        used = used & (white.slope <= percentile(white.slope[used], EVEN))
    size: Array = np.abs(white.detail) / np.sqrt(kept_of_mean(white.brightness / np.float32(level)))
    places, values, counts = [], [], []
    for run in _short(slabs.runs):
        inside, slope, detail = _in_cells(used[run], white.slope[run], size[run])
        count = np.count_nonzero(inside, axis=1)
        cells = np.flatnonzero(count >= FEWEST)
        inside, slope, detail = inside[cells], slope[cells], detail[cells]
        even = inside & (slope <= _medians(slope, inside)[:, None])
        values.append(_medians(detail.astype(np.float32), even))
        across = (float(np.mean(slabs.positions[run])) + 0.5) / depth
        within = (np.stack(np.divmod(cells, CELLS), axis=1) + 0.5) / CELLS
        places.append(np.insert(within, 0, across, axis=1))
        counts.append(count[cells])
    value = np.concatenate(values).astype(float) / MAD_OF_NORMAL
    usual = max(float(np.median(value)), TINY) if value.size else 1.0
    logarithms = np.log(np.maximum(value, 0.05 * usual) / usual)
    return np.concatenate(places), logarithms, np.concatenate(counts).astype(float)


def _in_cells(used: Mask, *images: npt.NDArray[Any]) -> tuple[Any, ...]:
    """The voxels of each cell of slices `(slice, row, column)`, all as `(cell, voxel)`.

    Cells may differ by a row and a column; what fills up the smaller ones is not `used`.
    """
    rows, columns = map(_edges, used.shape[1:])
    there = rows[1][:, None, None, :, None] & columns[1][:, None, None, :]
    box = slice(None), rows[0][:, None, :, None], columns[0][:, None, :]
    inside, *cut = (image[box].transpose(1, 2, 0, 3, 4) for image in (used, *images))
    return tuple(one.reshape(CELLS**2, -1) for one in (np.logical_and(inside, there), *cut))


def _edges(size: int) -> tuple[npt.NDArray[np.intp], Mask]:
    """The places along an axis that belong to each cell, `(cell, place)`, and which truly do."""
    edges = np.linspace(0, size, CELLS + 1).astype(int)
    places = edges[:-1, None] + np.arange(np.diff(edges).max())
    return np.minimum(places, size - 1), places < edges[1:, None]


def _medians(values: Array, inside: Mask) -> Array:
    """The median of each row of values, of those that are inside; there is one in each row."""
    count = np.count_nonzero(inside, axis=1)[:, None]
    ordered = np.sort(np.where(inside, values, np.inf), axis=1)
    middle = np.concatenate([(count - 1) // 2, count // 2], axis=1)
    lower, upper = np.take_along_axis(ordered, middle, axis=1).T
    found: Array = (lower + upper) / 2
    return found


def _short(runs: tuple[slice, ...]) -> list[slice]:
    """Runs of at most `RUN` slices: whose noise may be the same."""
    return [
        slice(first, min(first + RUN, run.stop))
        for run in runs
        for first in range(run.start, run.stop, RUN)
    ]


def _waves(places: Values, size: tuple[int, ...]) -> Values:
    """Half waves at places from 0 to 1, `(place, wave)`, each as large as it is likely to be.

    The first is constant, and as likely at any height.
    """
    most = [min(ORDERS, n - 1) for n in size]
    orders = np.stack(np.meshgrid(*(np.arange(m + 1) for m in most), indexing="ij"), -1)
    orders = orders.reshape(-1, 3)
    orders = orders[(orders**2).sum(axis=1) <= ORDERS**2]
    likely = np.exp(-((np.pi * REACH) ** 2) * (orders**2).sum(axis=1) / 4)
    likely *= np.sqrt(2.0) ** (orders > 0).sum(axis=1)
    waves: Values = np.ones((1, len(orders)))
    for axis, highest in enumerate(most):
        along = np.cos(np.pi * places[:, axis, None] * np.arange(highest + 1))
        waves = waves * along[:, orders[:, axis]]
    waves *= likely
    return waves


@lru_cache(maxsize=4)
def _waves_of_grid(size: tuple[int, int, int]) -> Values:
    """Those at the centres of a grid; scans of a folder have the same."""
    grid = np.meshgrid(*((np.arange(n) + 0.5) / n for n in size), indexing="ij")
    return _waves(np.stack([one.ravel() for one in grid], axis=1), size)


def _fitted(waves: Values, value: Values, count: Values) -> Values:
    """The most likely coefficients of the waves."""
    weight, coefficients = count / count.mean(), np.zeros(waves.shape[1])
    with _libraries().limit(limits=1, user_api="blas"):
        for _ in range(3):
            coefficients, error = _once(waves, value, weight)
            off = np.abs(value - waves @ coefficients) * np.sqrt(count / count.mean()) / error
            weight = count / count.mean() * np.minimum(1, FAR / np.maximum(off, TINY))
    return coefficients


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Of linear algebra. Several threads of theirs wait for each other where cores are busy.

    Beside a network, or other programs, matrices of a hundred rows then take a hundred times as
    long.
    """
    return ThreadpoolController()


def _once(waves: Values, value: Values, weight: Values) -> tuple[Values, float]:
    """The coefficients, and the error of a cell of weight 1."""
    mean = np.average(value, weights=weight)
    wave_mean = np.average(waves[:, 1:], axis=0, weights=weight)
    centred, rest = waves[:, 1:] - wave_mean, value - mean
    size, vectors = np.linalg.eigh(centred.T @ (centred * weight[:, None]))
    size = np.maximum(size, 0)
    along = vectors.T @ (centred.T @ (weight * rest))
    total = float(weight @ rest**2)
    trust = TRUST * max(float(size.max()), TINY)
    left = np.maximum(total - (along**2 / (size + trust[:, None])).sum(axis=1), 1e-9 * total)
    likely = -len(value) * np.log(np.maximum(left, TINY)) - np.log1p(size / trust[:, None]).sum(
        axis=1
    )
    best = int(np.argmax(likely))
    found = np.zeros(waves.shape[1])
    error = np.sqrt(max(total, TINY) / len(value))
    if likely[best] > -len(value) * np.log(max(total, TINY)):
        found[1:] = vectors @ (along / (size + trust[best]))
        error = np.sqrt(max(left[best], TINY) / len(value))
    found[0] = (mean - wave_mean @ found[1:]) / waves[0, 0]
    return found, float(error)
