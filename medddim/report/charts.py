"""The curves of a report: power against spatial frequency, quality against effort."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medddim.metrics import Spectrum, radial_spectrum
from medddim.report.case import Case

MOST_SLICES = 24
"""Slices that a spectrum is the mean of: the middle ones."""
LEAST_SPAN = 0.05
"""Share of its value that a measure's axis spans at least, so that a trifle looks like one."""


@dataclass(frozen=True)
class Theme:
    """The colours of a chart, on dark or on light paper."""

    paper: str
    ink: str
    faint: str
    lines: dict[str, str]


DARK = Theme(
    "#13161b",
    "#c9ced6",
    "#343b45",
    {"input": "#8f97a3", "enhanced": "#7fb4ff", "reference": "#ffb067"},
)
LIGHT = Theme(
    "#ffffff",
    "#3a424c",
    "#dcdedf",
    {"input": "#7a838f", "enhanced": "#0b5cad", "reference": "#b3560a"},
)
THEMES = {"dark": DARK, "light": LIGHT}


def charts(case: Case, lines: Mapping[str, Spectrum], *, theme: Theme) -> bytes:
    """One PNG: `lines`, the radial spectra, and, where the case has one, the curve of quality."""
    measures = [name for name in (case.curve[0] if case.curve else {}) if name != _effort(case)]
    count = 1 + len(measures)
    figure = Figure(figsize=(5.2 * count, 3.4), dpi=110, facecolor=theme.paper)
    every = figure.subplots(1, count, squeeze=False)[0]
    figure.subplots_adjust(
        left=0.55 / (5.2 * count), right=1 - 0.12 / (5.2 * count), top=0.89, bottom=0.16
    )
    _spectra(every[0], lines, theme)
    for axes, measure in zip(every[1:], measures, strict=True):
        _quality(axes, case, theme, measure=measure)
    for axes in every:
        _dress(axes, theme)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def spectra(case: Case) -> dict[str, Spectrum]:
    """The radial spectrum of each image of a case, over its middle slices."""
    axis = case.enhanced.slice_axis
    count = case.enhanced.shape[axis]
    first = max(0, (count - MOST_SLICES) // 2)
    middle = range(first, min(count, first + MOST_SLICES))
    mask = case.inside.take(middle, axis=axis)
    return {
        name: radial_spectrum(image.take(middle, axis=axis), slice_axis=axis, mask=mask)
        for name, image in case.images.items()
        if mask.any()
    }


def _spectra(axes: Axes, spectra: Mapping[str, Spectrum], theme: Theme) -> None:
    highest = 0.0
    for name, spectrum in spectra.items():
        power = np.array(spectrum.power)
        highest = max(highest, power.max(initial=0))
        shown = np.where(power > 0, power, np.nan)
        axes.plot(spectrum.frequency, shown, color=theme.lines[name], label=name, linewidth=1.8)
    if highest > 0:
        axes.set_yscale("log")
    axes.set_title("Detail: power against spatial frequency", loc="left")
    axes.set_xlabel("cycles per voxel, in the slice (right: the finest)")
    axes.legend(frameon=False, labelcolor=theme.ink, fontsize=9)


def _quality(axes: Axes, case: Case, theme: Theme, *, measure: str) -> None:
    effort = [row[_effort(case)] for row in case.curve]
    axes.plot(
        effort, [row[measure] for row in case.curve], "o-", color=theme.lines["enhanced"], ms=5
    )
    low, high = axes.get_ylim()
    short = max(0.0, LEAST_SPAN * abs(high) - (high - low)) / 2
    axes.set_ylim(low - short, high + short)
    axes.set_xscale("log", base=2)
    axes.set_xticks(effort, [f"{n:g}" for n in effort])
    axes.set_title(measure, loc="left")
    axes.set_xlabel(_effort(case))


def _effort(case: Case) -> str:
    """The column that stands below the curve: the first."""
    return next(iter(case.curve[0])) if case.curve else ""


def _dress(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.paper)
    axes.grid(color=theme.faint, linewidth=0.6)
    axes.tick_params(which="both", colors=theme.ink, labelsize=9, length=0)
    axes.set_title(axes.get_title(loc="left"), loc="left", color=theme.ink, fontsize=11)
    axes.xaxis.label.set(color=theme.ink, fontsize=9)
    for side in axes.spines.values():
        side.set_color(theme.faint)
