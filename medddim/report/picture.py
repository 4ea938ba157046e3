"""The picture of a report: planes as rows; input, enhanced, difference and reference as columns."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from medddim.intensity import in_digits
from medddim.report.case import Case
from medddim.report.planes import PLANES, Cut, cuts

INK, PAPER, FAINT = "#e8eaed", "#0b0d10", "#8f97a3"
DIVERGING = LinearSegmentedColormap.from_list(
    "change", ["#a8d0ff", "#3a82cc", "#0b0d10", "#c96a22", "#ffc48f"]
)
"""Black where nothing changed, blue where darker than the input, orange where brighter.

Both arms are equally bright, unlike those of matplotlib's own "berlin", whose negative half
shines: noise around 0 would look like a shift.
"""

COLUMN, TALLEST, LOWEST, MARGIN, GAP, TITLE, HEADING, FOOT, DPI = (
    400,
    640,
    76,
    36,
    8,
    44,
    40,
    66,
    100,
)
"""Pixels, but for the last."""


class _Canvas:
    """A figure addressed in pixels from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=PAPER)

    def axes(self, left: float, top: float, *, width: float, height: float) -> Axes:
        """A frame without ticks."""
        from_below = 1 - (top + height) / self.height
        box = (left / self.width, from_below, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        return axes

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        """Plain words, never read as mathematics."""
        place = (left / self.width, 1 - top / self.height)
        style = dict[str, Any](color=FAINT, size=12, ha="center", va="center") | style
        halo = [withStroke(linewidth=2.5, foreground=PAPER)]
        self.figure.text(*place, words, parse_math=False, path_effects=halo, **style)

    def png(self) -> bytes:
        """The picture as a file; a letter the font lacks shows as a box and is no error."""
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")
            self.figure.savefig(file, format="png", dpi=DPI)
        return file.getvalue()


def picture(cases: Sequence[Case], *, planes: Sequence[str] = tuple(PLANES)) -> bytes:
    """One PNG with every scan: its planes as rows, in their true proportions.

    Columns are the input, the enhanced scan, their difference and, if any scan has one, the
    reference. The convention is radiological and the edges carry their letters; the colour scale
    of the difference is each scan's own and stands below it.
    """
    columns = ["input", "enhanced", "difference"]
    columns += ["reference"] * any(case.reference is not None for case in cases)
    layouts = [_Block(case, planes=tuple(planes), titled=len(cases) > 1) for case in cases]
    width = 2 * MARGIN + len(columns) * COLUMN + (len(columns) - 1) * GAP
    canvas = _Canvas(width, HEADING + sum(block.height for block in layouts))
    for place, column in enumerate(columns):
        canvas.text(_left(place) + COLUMN / 2, HEADING * 0.6, column, color=INK, size=14)
    top = float(HEADING)
    for block in layouts:
        block.draw(canvas, columns=columns, top=top)
        top += block.height
    return canvas.png()


def grey(case: Case, cut: Cut, *, name: str) -> bytes:
    """One plane of one image of a case as a grey PNG, one pixel a voxel."""
    low, high = case.window
    shares = np.clip((cut.of(case.images[name]) - low) / (high - low), 0, 1)
    file = io.BytesIO()
    Image.fromarray(np.round(255 * shares).astype(np.uint8)).save(file, format="png")
    return file.getvalue()


class _Block:
    """The rows of one scan, all its planes at one scale."""

    def __init__(self, case: Case, *, planes: tuple[str, ...], titled: bool) -> None:
        self.case, self.title = case, TITLE * titled
        self.cuts = cuts(case.enhanced, planes=planes)
        widest = max((cut.size_mm[0] for cut in self.cuts), default=1.0)
        tallest = max((cut.size_mm[1] for cut in self.cuts), default=1.0)
        self.scale = min(COLUMN / widest, TALLEST / tallest)
        self.height = self.title + sum(map(self._height, self.cuts)) + FOOT

    def draw(self, canvas: _Canvas, *, columns: Sequence[str], top: float) -> None:
        """All rows, from `top` down, then the scales."""
        if self.title:
            canvas.text(MARGIN, top + TITLE / 2, self.case.title, color=INK, ha="left", size=14)
        top += self.title
        for cut in self.cuts:
            middle = top + (self._height(cut) - GAP) / 2
            canvas.text(MARGIN / 2, middle, cut.plane, rotation=90)
            for place, column in enumerate(columns):
                self._panel(canvas, cut, column=column, centre=(_left(place) + COLUMN / 2, middle))
            top += self._height(cut)
        self._ruler(canvas, left=_left(0), top=top + 10)
        self._colours(canvas, left=_left(columns.index("difference")), top=top + 8)

    def _height(self, cut: Cut) -> float:
        return max(LOWEST, cut.size_mm[1] * self.scale) + GAP

    def _panel(
        self, canvas: _Canvas, cut: Cut, *, column: str, centre: tuple[float, float]
    ) -> None:
        case, is_change = self.case, column == "difference"
        shown = case.difference if is_change else case.images.get(column)
        if shown is None:
            return
        width, height = (self.scale * mm for mm in cut.size_mm)
        across, down = centre
        left, top = across - width / 2, down - height / 2
        low, high = (-case.change_scale, case.change_scale) if is_change else case.window
        axes = canvas.axes(left, top, width=width, height=height)
        colours = DIVERGING if is_change else "gray"
        axes.imshow(cut.of(shown), cmap=colours, vmin=low, vmax=high, aspect="auto")
        places = [(left + 10, down), (left + width - 10, down)]
        places += [(across, top + 11), (across, top + height - 11)]
        for place, letter in zip(places, cut.letters, strict=True):
            canvas.text(*place, letter, size=10)

    def _ruler(self, canvas: _Canvas, *, left: float, top: float) -> None:
        """A length in the body, and what black and white mean."""
        length = 50 if self.scale * 50 < COLUMN else 5
        bar = canvas.axes(left, top, width=length * self.scale, height=3)
        bar.imshow([[1.0]], cmap="gray", vmin=0, vmax=1, aspect="auto", alpha=0.6)
        low, high = self.case.window
        words = f"{length} mm      grey from {low:.4g} to {high:.4g} {self.case.enhanced.unit}"
        canvas.text(left, top + 20, words.rstrip().replace("-", "−"), ha="left", size=11)

    def _colours(self, canvas: _Canvas, *, left: float, top: float) -> None:
        """The colour scale of the difference."""
        bar = canvas.axes(left, top, width=COLUMN, height=7)
        bar.imshow(np.linspace(-1, 1, 256)[None], cmap=DIVERGING, aspect="auto")
        end, unit = self.case.change_scale, self.case.enhanced.unit
        shown = in_digits(end)
        ends = [(left, f"−{shown}", "left"), (left + COLUMN, f"+{shown} {unit}", "right")]
        for place, words, side in [*ends, (left + COLUMN / 2, "enhanced − input", "center")]:
            canvas.text(place, top + 22, words.strip(), ha=side, size=11)


def _left(place: int) -> float:
    return MARGIN + place * (COLUMN + GAP)
