"""The page of a report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from medddim.errors import ScoreError
from medddim.metrics import body, foreground, hf_power
from medddim.metrics.masks import Mask
from medddim.report.case import Case
from medddim.report.picture import grey, picture
from medddim.report.planes import cuts

FILE_NAME = "report.html"


def write_report(
    destination: Path, *, cases: Sequence[Case], provenance: Mapping[str, object]
) -> Path:
    """Write the page and return its path: `destination`, or report.html in it if it is a folder.

    `provenance` becomes a table, a mapping within it a group of rows. Pictures are embedded, no
    address is referred to, and every word is escaped.
    """
    page = destination if destination.suffix == ".html" else destination / FILE_NAME
    page.parent.mkdir(parents=True, exist_ok=True)
    template = files("medddim.report").joinpath("template.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    html = environment.from_string(template).render(
        cases=[_section(case) for case in cases], provenance=list(_rows(provenance))
    )
    unfinished = page.with_suffix(".html.part")
    unfinished.write_text(html, encoding="utf-8")
    return unfinished.replace(page)


def _section(case: Case) -> dict[str, Any]:
    """What the template needs to know of one case."""
    slider = _slider(case)
    return {
        "title": case.title,
        "scan": repr(case.enhanced).removeprefix("Volume(").removesuffix(")"),
        "slider": slider,
        "picture": _data_uri(picture([case])),
        "facts": _facts(case),
        "columns": list(dict.fromkeys(key for row in case.scores for key in row)),
        "rows": [{key: _shown(value) for key, value in row.items()} for row in case.scores],
        "notes": case.notes,
        "resampled": case.resampled,
        "has_reference": case.reference is not None,
        "channels": case.enhanced.channels,
    }


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
    mask = _object(case)
    inside = change[mask]
    low, high = case.window
    rms = float(np.sqrt(np.mean(np.square(inside, dtype=np.float64))))
    texture = hf_power(
        case.images["enhanced"],
        case.images["input"],
        slice_axis=case.enhanced.slice_axis,
        mask=mask,
    )
    share = f"{100 * rms / (high - low):.2g} % of the grey scale"
    return [
        ("Change, root mean square", f"{rms:.3g} {unit} ({share})".replace("  ", " ")),
        ("Shift of brightness, mean", f"{inside.mean():+.2g} {unit}".strip().replace("-", "−")),
        ("Largest change", f"{np.abs(inside).max():.3g} {unit}".strip()),
        ("Power of fine detail, enhanced over input", _shown(texture)),
    ]


def _object(case: Case) -> Mask:
    """The voxels of the body or head; all of them where none stand out."""
    image, axis = case.images["enhanced"], case.enhanced.slice_axis
    is_ct = case.enhanced.modality == "CT" or case.enhanced.unit == "HU"
    try:
        return body(image, slice_axis=axis) if is_ct else foreground(image, slice_axis=axis)
    except ScoreError:
        return np.ones(image.shape, dtype=bool)


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
