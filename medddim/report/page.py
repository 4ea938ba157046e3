"""The page of a report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from medddim.intensity import in_digits
from medddim.metrics import hf_power
from medddim.report import words
from medddim.report.case import Case
from medddim.report.charts import THEMES, charts, spectra
from medddim.report.noise import noise_section
from medddim.report.picture import grey, picture
from medddim.report.planes import cuts
from medddim.report.viewer import Library, library, policy_hash, scene

FILE_NAME = "report.html"
MOST_CHARACTERS = 14_500_000
"""Of a page, so that it stays below 15 MB: what the pictures leave is for the volumes."""
MOST_VIEWERS = 3
"""Scans of a page that can be scrolled; all have their pictures."""
WEBP_QUALITY = 90
"""Of the large picture: a quarter of a PNG, because its noise is what costs."""

Rows = Sequence[Mapping[str, object]]


def write_report(
    destination: Path,
    *,
    cases: Sequence[Case],
    provenance: Mapping[str, object],
    overview: Mapping[str, Rows] | None = None,
) -> Path:
    """Write the page and return its path: `destination`, or report.html in it if it is a folder.

    `provenance` becomes a table, a mapping within it a group of rows; `overview` holds tables over
    all scans by their titles, shown first. Pictures, volumes and, if ipyniivue is installed, the
    viewer are embedded; no address is referred to, a policy forbids the page to load anything, and
    every word is escaped.
    """
    page = destination if destination.suffix == ".html" else destination / FILE_NAME
    page.parent.mkdir(parents=True, exist_ok=True)
    viewer, script = library(), _text("page.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    html = environment.from_string(_text("template.html")).render(
        cases=_sections(cases, viewer),
        overview=[_table(rows) | {"title": title} for title, rows in (overview or {}).items()],
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
    sections = [_section(case) for case in cases]
    if viewer is None:
        return sections
    left = MOST_CHARACTERS - len(viewer.packed) - sum(map(_length, sections))
    shown = _scrolled(cases, left)
    for place, number in enumerate(shown):
        found = scene(_with_structure(cases[number]), budget=left // (len(shown) - place))
        if found:
            volumes = [volume.pop("data") for volume in found["volumes"]]
            sections[number] |= {"scene": found, "volumes": volumes}
            left -= sum(map(len, volumes))
    return sections


def _length(section: Mapping[str, Any]) -> int:
    slider = section["slider"] or {}
    pictures = [section["picture"], *section["charts"].values()]
    return sum(map(len, [*pictures, slider.get("before", ""), slider.get("after", "")]))


def _scrolled(cases: Sequence[Case], budget: int) -> list[int]:
    """The places of the cases that get a viewer, small ones first.

    A noisy scan needs about a character a voxel (three images of 63 grey levels). Where that is not
    there for all, fewer scans are shown, so that none of them misses most of its slices.
    """
    sizes = [int(np.prod(case.enhanced.shape)) for case in cases[:MOST_VIEWERS]]
    while len(sizes) > 1 and sum(sizes) > budget:
        sizes.pop()
    return sorted(range(len(sizes)), key=lambda place: sizes[place])


def _section(case: Case) -> dict[str, Any]:
    """What the template needs to know of one case, but for the viewer."""
    lines = spectra(case)
    return {
        "title": case.title,
        "scan": repr(case.enhanced).removeprefix("Volume(").removesuffix(")"),
        "done": case.done,
        "better": words.better(case),
        "doubt": words.doubt(case, words.structure(case)),
        "slider": _slider(case),
        "picture": _data_uri(_webp(picture([case])), kind="webp"),
        "charts": {name: _data_uri(charts(case, lines, theme=t)) for name, t in THEMES.items()},
        "curve": bool(case.curve),
        "scene": None,
        "volumes": [],
        "facts": _facts(case),
        "noise": noise_section(case.input),
        "table": _table(case.scores),
        "terms": case.terms,
        "notes": case.notes,
        "resampled": case.resampled,
        "has_reference": case.reference is not None,
        "channels": case.enhanced.channels,
        "is_ct": case.is_ct,
    }


def _table(rows: Rows) -> dict[str, Any]:
    columns = dict.fromkeys(key for row in rows for key in row)
    return {
        "columns": {key: words.HEADINGS.get(key, key) for key in columns},
        "rows": [{key: _shown(value) for key, value in row.items()} for row in rows],
    }


def _with_structure(case: Case) -> Case:
    """The case, with the map of where its change is not like noise."""
    deviations = words.structure(case)
    shown = np.where(np.abs(deviations) > words.BEYOND_CHANCE, deviations, 0)
    volume = replace(case.enhanced.with_voxels(shown[None]), unit="")
    return replace(case, maps={**case.maps, words.STRUCTURE: volume})


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
    share = f"{in_digits(100 * rms / (high - low), digits=2)} % of the grey scale"
    shift = in_digits(inside.mean(), digits=2, sign="+")
    return [
        ("Change, root mean square", f"{in_digits(rms)} {unit} ({share})".replace("  ", " ")),
        ("Shift of brightness, mean", f"{shift} {unit}".strip().replace("-", "−")),
        ("Largest change", f"{in_digits(np.abs(inside).max())} {unit}".strip()),
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
        shown = f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:#.3g}"
        return shown.replace("-", "\N{MINUS SIGN}")
    return "–" if math.isnan(figure) else "∞"


def _webp(png: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(file, format="webp", quality=WEBP_QUALITY)
    return file.getvalue()


def _data_uri(image: bytes, *, kind: str = "png") -> str:
    return f"data:image/{kind};base64," + base64.b64encode(image).decode("ascii")
