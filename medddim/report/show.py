"""Scans drawn where one is working: below a notebook's cell, or in a window of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from medddim.errors import RequestProblem, ScanError, did_you_mean
from medddim.report.case import grey_scale
from medddim.report.picture import FAINT, INK, PAPER
from medddim.report.planes import PLANES, Cut, cuts
from medddim.taken import as_real, as_volume
from medddim.volume import Volume

LONGEST, GAP, HEADING, FOOT = 3.2, 0.06, 0.32, 0.28
"""Inches: the longer side of the largest panel, between panels, above them, below them."""
EDGES = (((0, 0.5), (7, 0)), ((1, 0.5), (-7, 0)), ((0.5, 1), (0, -7)), ((0.5, 0), (0, 7)))
"""Where a panel's letters stand: left, right, top, bottom; a share of it, and points inwards."""

Window = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One plane of one volume, around a voxel `centre`."""

    volume: Volume
    cut: Cut
    centre: tuple[int, ...]
    title: str

    def limits(self, zoom: float) -> tuple[Window, Window]:
        """What to show of the picture, in its columns and rows, when magnified by `zoom`."""
        return (
            self._span(self.cut.across, self.cut.flip_across, zoom),
            self._span(self.cut.up, self.cut.flip_up, zoom),
        )

    def _span(self, axis: int, flipped: bool, zoom: float) -> Window:
        count, index = self.volume.shape[axis], self.centre[axis]
        middle = (count - 1 - index if flipped else index) if zoom > 1 else (count - 1) / 2
        half = count / zoom / 2
        middle = min(max(middle, half - 0.5), count - 0.5 - half)
        return (middle - half, middle + half)


def show(
    *volumes: Volume | Any,
    titles: Sequence[str] = (),
    plane: str = "",
    window: Window | None = None,
    zoom: float = 1.0,
) -> None:
    """Draw the first channel of each volume, below a notebook's cell or in a window.

    A row of axial, coronal and sagittal for each, or all side by side in one `plane`. They are cut
    at the same place in the world, the middle of the first one's signal, on their own voxels, in
    true proportions, by the radiological convention; the edges carry their letters. All share one
    grey scale, `window` in the scans' unit: if not given, soft tissue for CT, else 0 to the 99.5th
    percentile of the first. `zoom` magnifies the middle. A volume may be a path or another
    library's image, too (`medddim.taken`). Raises RequestProblem for no volume, an
    unknown plane or a zoom below 1.
    """
    if not volumes:
        raise RequestProblem("expected one volume or more to show, found none")
    seen = [as_volume(one) for one in volumes]
    figure(seen, titles=titles, plane=plane, window=window, zoom=zoom)
    pyplot.show()


def figure(
    volumes: Sequence[Volume],
    *,
    titles: Sequence[str] = (),
    plane: str = "",
    window: Window | None = None,
    zoom: float = 1.0,
) -> Figure:
    """The first channel of each volume: a row of its three planes, or all in one `plane`.

    Every volume is cut on its own voxels at one place in the world, the middle of the first one's
    signal; see `show`. Raises RequestProblem for an unknown plane or a zoom below 1.
    """
    if plane not in ("", *PLANES):
        hint = did_you_mean(plane, PLANES)
        raise RequestProblem(f"unknown plane {plane!r}; choose from {', '.join(PLANES)}{hint}")
    zoom = as_real(zoom, "zoom")
    if not zoom >= 1:
        raise RequestProblem(f"expected a zoom of 1 or more, found {zoom}")
    place = _middle(volumes[0])
    named = [*titles, *[""] * len(volumes)]
    rows = [
        _panels(volume, place, planes=(plane,) if plane else tuple(PLANES), title=title)
        for volume, title in zip(volumes, named, strict=False)
    ]
    side_by_side = all(len(row) < 2 for row in rows)
    layout = [[panel for row in rows for panel in row]] if side_by_side else rows
    return _drawn(layout, window=window or grey_scale(volumes[0]), zoom=zoom)


def _middle(volume: Volume) -> npt.NDArray[np.float64]:
    """Where to cut, `(x, y, z, 1)` in the world: the middle of the signal."""
    index = [n // 2 for n in volume.shape]
    for cut in cuts(volume):
        index[cut.through] = cut.index
    place: npt.NDArray[np.float64] = volume.affine @ [*index, 1]
    return place


def _panels(
    volume: Volume, place: npt.NDArray[np.float64], *, planes: tuple[str, ...], title: str
) -> list[Panel]:
    nearest = np.rint(np.linalg.inv(volume.affine) @ place)[:3]
    centre = tuple(int(i) for i in np.clip(nearest, 0, np.array(volume.shape) - 1))
    return [
        Panel(volume, replace(cut, index=centre[cut.through]), centre, title)
        for cut in cuts(volume, planes=planes)
    ]


def _drawn(rows: Sequence[Sequence[Panel]], *, window: Window, zoom: float) -> Figure:
    """Panels at one scale in rows, their left edges in columns."""
    every = [panel.cut.size_mm for row in rows for panel in row]
    if not every:
        raise ScanError("the scan has no plane of more than one voxel in both directions")
    scale = LONGEST / max(max(size) for size in every)
    widths = [
        max(row[column].cut.size_mm[0] for row in rows if column < len(row)) * scale + GAP
        for column in range(max(map(len, rows)))
    ]
    heights = [max(panel.cut.size_mm[1] for panel in row) * scale + HEADING for row in rows]
    size = (sum(widths) + GAP, sum(heights) + FOOT)
    canvas = pyplot.figure(figsize=size, facecolor=PAPER)
    for number, row in enumerate(rows):
        for column, panel in enumerate(row):
            width, height = (mm * scale for mm in panel.cut.size_mm)
            left, top = GAP + sum(widths[:column]), sum(heights[:number]) + HEADING
            box = (left, size[1] - top - height, width, height)
            _draw(canvas, panel, box=box, window=window, zoom=zoom)
    low, high = window
    words = f"grey from {low:.4g} to {high:.4g} {rows[0][0].volume.unit}".replace("-", "−")
    canvas.text(GAP / size[0], FOOT / 2 / size[1], words, color=FAINT, size=8, va="center")
    return canvas


def _draw(
    canvas: Figure,
    panel: Panel,
    *,
    box: tuple[float, float, float, float],
    window: Window,
    zoom: float,
) -> None:
    """One panel in a `box` of inches from the lower left, its title above it."""
    width, height = canvas.get_size_inches()
    axes = canvas.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    axes.set_axis_off()
    picture = panel.cut.of(panel.volume.voxels[0])
    axes.imshow(picture, cmap="gray", vmin=window[0], vmax=window[1], aspect="auto")
    (left, right), (top, bottom) = panel.limits(zoom)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    style = dict[str, Any](ha="center", va="center", color=INK, size=9)
    style["path_effects"] = [withStroke(linewidth=2, foreground=PAPER)]
    for (edge, inwards), letter in zip(EDGES, panel.cut.letters, strict=True):
        where = dict[str, Any](xycoords="axes fraction", textcoords="offset points")
        axes.annotate(letter, edge, inwards, **where, **style)
    title = ", ".join(filter(None, (panel.title, panel.cut.plane)))
    axes.set_title(title, color=INK, size=10, loc="left", pad=4)
