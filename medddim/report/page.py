"""The page of a report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from medddim.metrics import hf_power
from medddim.report import words
from medddim.report.case import Case
from medddim.report.charts import THEMES, charts, spectra
from medddim.report.picture import grey, picture
from medddim.report.planes import cuts
from medddim.report.viewer import Library, library, policy_hash, scene
from medddim.volume import Array

FILE_NAME = "report.html"
VIEWER_BUDGET = 9_500_000
"""Characters of base64 for all volumes of a page, so that it stays below 15 MB."""
MOST_VIEWERS = 3
"""Scans of a page that can be scrolled; all have their pictures."""


def write_report(
    destination: Path, *, cases: Sequence[Case], provenance: Mapping[str, object]
) -> Path:
    """Write the page and return its path: `destination`, or report.html in it if it is a folder.

    `provenance` becomes a table, a mapping within it a group of rows. Pictures, volumes and, if
    ipyniivue is installed, the viewer are embedded; no address is referred to, a policy forbids
    the page to load anything, and every word is escaped.
    """
    page = destination if destination.suffix == ".html" else destination / FILE_NAME
    page.parent.mkdir(parents=True, exist_ok=True)
    viewer, script = library(), _text("page.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    html = environment.from_string(_text("template.html")).render(
        cases=_sections(cases, viewer),
        provenance=list(_rows(provenance)),
        viewer=viewer,
        allowed=[policy_hash(script), *([viewer.sha256] if viewer else [])],
        style=Markup(_text("page.css")),  # noqa: S704  our own files
        script=Markup(script),  # noqa: S704
    )
    unfinished = page.with_suffix(".html.part")
    unfinished.write_text(html, encoding="utf-8")
    return unfinished.replace(page)


def _text(name: str) -> str:
    return files("medddim.report").joinpath(name).read_text(encoding="utf-8")


def _sections(cases: Sequence[Case], viewer: Library | None) -> list[dict[str, Any]]:
    """Every case; the small scans first, so that what they leave is for the large ones."""
    shown = sorted(cases[:MOST_VIEWERS], key=lambda case: case.enhanced.voxels.size)
    left, sections = VIEWER_BUDGET, {}
    for place, case in enumerate(shown if viewer else ()):
        sections[case] = _section(case, budget=left // (len(shown) - place))
        left -= sum(map(len, sections[case]["volumes"]))
    return [sections.get(case) or _section(case, budget=0) for case in cases]


def _section(case: Case, *, budget: int) -> dict[str, Any]:
    """What the template needs to know of one case."""
    lines, deviations = spectra(case), words.structure(case)
    shown = scene(_with_structure(case, deviations), budget=budget) if budget else None
    return {
        "title": case.title,
        "scan": repr(case.enhanced).removeprefix("Volume(").removesuffix(")"),
        "done": case.done,
        "better": words.better(case),
        "doubt": words.doubt(case, deviations),
        "slider": _slider(case),
        "picture": _data_uri(picture([case])),
        "charts": {name: _data_uri(charts(case, lines, theme=t)) for name, t in THEMES.items()},
        "curve": bool(case.curve),
        "scene": shown and shown | {"volumes": [_label(v) for v in shown["volumes"]]},
        "volumes": [volume["data"] for volume in shown["volumes"]] if shown else [],
        "planes": shown["planes"] if shown else [],
        "told": shown["told"] if shown else "",
        "facts": _facts(case),
        "columns": list(dict.fromkeys(key for row in case.scores for key in row)),
        "rows": [{key: _shown(value) for key, value in row.items()} for row in case.scores],
        "notes": case.notes,
        "resampled": case.resampled,
        "has_reference": case.reference is not None,
        "channels": case.enhanced.channels,
    }


def _with_structure(case: Case, deviations: Array) -> Case:
    """The case, with the map of where its change is not like noise."""
    shown = np.where(np.abs(deviations) > words.BEYOND_CHANCE, deviations, 0)
    volume = replace(case.enhanced.with_voxels(shown[None]), unit="")
    return replace(case, maps={**case.maps, "structure in the change": volume})


def _label(volume: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in volume.items() if key != "data"}


def _slider(case: Case) -> dict[str, Any] | None:
    """The plane of the slices, before and after."""
    every = cuts(case.enhanced)
    if not every:
        return None
    cut = next((cut for cut in every if cut.through == case.enhanced.slice_axis), every[0])
    return {
        "before": _data_uri(grey(case, cut, name="input")),
        "after": _data_uri(grey(case, cut, name="enhanced")),
        "plane": cut.plane,
        "width": round(cut.size_mm[0], 2),
        "height": round(cut.size_mm[1], 2),
    }


def _facts(case: Case) -> list[tuple[str, str]]:
    """What was changed, in figures that need no reference."""
    change, unit = case.difference, case.enhanced.unit
    inside = change[case.inside]
    low, high = case.window
    rms = float(np.sqrt(np.mean(np.square(inside, dtype=np.float64))))
    texture = hf_power(
        case.images["enhanced"],
        case.images["input"],
        slice_axis=case.enhanced.slice_axis,
        mask=case.inside,
    )
    share = f"{100 * rms / (high - low):.2g} % of the grey scale"
    return [
        ("Change, root mean square", f"{rms:.3g} {unit} ({share})".replace("  ", " ")),
        ("Shift of brightness, mean", f"{inside.mean():+.2g} {unit}".strip().replace("-", "−")),
        ("Largest change", f"{np.abs(inside).max():.3g} {unit}".strip()),
        ("Power of fine detail, enhanced over input", _shown(texture)),
    ]


def _rows(provenance: Mapping[str, object], *, group: str = "") -> Iterable[tuple[str, str]]:
    for key, value in provenance.items():
        name = f"{group} · {key}" if group else str(key)
        if isinstance(value, Mapping):
            yield from _rows(value, group=name)
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value))
        else:
            yield name, "–" if value is None else str(value)


def _shown(value: object) -> str:
    """A table cell: three significant digits, a dash for nothing."""
    if not isinstance(value, float | np.floating):
        return "–" if value is None else str(value)
    figure = float(value)
    if math.isfinite(figure):
        return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:#.3g}"
    return "–" if math.isnan(figure) else "∞"


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
