"""What the interactive viewer needs: NiiVue from an installed package, and volumes to look at."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from medddim.formats.nifti.compact import compact
from medddim.report.case import Case, end_of_scale
from medddim.report.planes import cuts
from medddim.report.words import STRUCTURE
from medddim.volume import Array

PACKAGE = "ipyniivue"
STANDALONE = re.compile(r'"([\w.!~*\'()%-]{100000,})"')
"""NiiVue whole, percent-encoded, as ipyniivue carries it for pages that stand alone."""
HAND_OVER = "\nwindow.medddimViewer = { Niivue, NVImage, SLICE_TYPE, SHOW_RENDER };\n"
LEVELS = (255, 127, 63)
"""Grey levels from black to white, tried in this order until the volumes are small enough."""
MAP_LEVELS = 62
"""Of a map; even, so that 0 is one of them in a map with a sign."""
EVERY = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}
"""Slices to keep when fewer grey levels are not enough, and how to say it."""
MARGIN = 4
"""Voxels kept around the body or head."""


@dataclass(frozen=True)
class Library:
    """The text of NiiVue, ready to be run by a page."""

    name: str
    source: str
    licence: str

    @cached_property
    def packed(self) -> str:
        """The source as base64 of gzip."""
        return _text(gzip.compress(self.source.encode(), compresslevel=6, mtime=0))

    @property
    def sha256(self) -> str:
        """The hash by which a Content-Security-Policy lets it run, and nothing else."""
        return policy_hash(self.source)


def library() -> Library | None:
    """NiiVue from the installed ipyniivue; None if it is not there or not as expected."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    widget = Path(spec.origin).parent / "static" / "widget.js"
    found = STANDALONE.search(widget.read_text(encoding="utf-8")) if widget.is_file() else None
    source = unquote(found[1]) if found else ""
    if not re.search(r"\bexport\s*\{[^}]*\bNVImage\b[^}]*\bNiivue\b", source[-3000:]):
        return None
    package = metadata.distribution(PACKAGE)
    licence = package.read_text("licenses/LICENSE") or "BSD-2-Clause, the authors of NiiVue"
    return Library(f"NiiVue of {PACKAGE} {package.version}", source + HAND_OVER, licence)


def policy_hash(script: str) -> str:
    """The source expression of a Content-Security-Policy that allows this script."""
    return "sha256-" + _text(hashlib.sha256(script.encode()).digest())


def scene(case: Case, *, budget: int) -> dict[str, Any] | None:
    """The volumes of a case for the viewer, at most `budget` characters of base64 together.

    Cropped to the body or head; then, as far as the budget asks for it, fewer grey levels, then
    only every second, third ... slice. None if even that is too large, or nothing can be cut.
    """
    planes = [cut.plane for cut in cuts(case.enhanced)]
    if not planes:
        return None
    box = _box(case)
    for levels, every in _savings(case):
        volumes = _volumes(case, box=box, levels=levels, every=every)
        if sum(len(volume["data"]) for volume in volumes) <= budget:
            return {
                "planes": planes,
                "unit": case.enhanced.unit,
                "window": case.window,
                "change": case.change_scale,
                "volumes": volumes,
                "sampling": _sampling(case, levels=levels, every=every),
            }
    return None


def _savings(case: Case) -> Iterator[tuple[int, int]]:
    yield from ((levels, 1) for levels in LEVELS)
    if case.enhanced.shape[case.enhanced.slice_axis] > 1:
        yield from ((LEVELS[-1], every) for every in EVERY)


def _box(case: Case) -> tuple[slice, ...]:
    """The voxels of the body or head, and a margin."""
    sides = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        where = np.flatnonzero(case.inside.any(axis=others))
        first, last = (
            (int(where[0]), int(where[-1])) if where.size else (0, case.inside.shape[axis])
        )
        sides.append(slice(max(first - MARGIN, 0), last + MARGIN + 1))
    return tuple(sides)


def _volumes(
    case: Case, *, box: tuple[slice, ...], levels: int, every: int
) -> list[dict[str, Any]]:
    steps = [every if axis == case.enhanced.slice_axis else 1 for axis in range(3)]
    part = tuple(slice(s.start, s.stop, step) for s, step in zip(box, steps, strict=True))
    affine = case.enhanced.affine @ np.diag([*steps, 1])
    affine[:3, 3] += case.enhanced.affine[:3, :3] @ [s.start for s in box]
    low, high = case.window
    least, most = _reach(case)

    def packed(image: Array, *, low: float, step: float) -> str:
        return _text(compact(image[part], affine, low=low, step=step))

    shown: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "scan",
            "data": packed(image.clip(least, most), low=least, step=(high - low) / levels),
        }
        for name, image in case.images.items()
    ]
    for name, image in case.mapped.items():
        end = end_of_scale(image)
        signed = name == STRUCTURE or bool(image.min() < 0)
        low = -end if signed else 0.0
        data = packed(image.clip(low, end), low=low, step=(end - low) / MAP_LEVELS)
        shown.append(
            {"name": name, "kind": "signed" if signed else "map", "end": end, "data": data}
        )
    return shown


def _reach(case: Case) -> tuple[float, float]:
    """The values worth keeping: all tissue for CT, all but the outliers for MR."""
    if case.is_ct:
        return (-1024.0, 2000.0)
    image = case.images["enhanced"]
    low, high = (float(end) for end in np.percentile(image, (0.05, 99.95)))
    return (min(low, case.window[0]), max(high, case.window[1]))


def _sampling(case: Case, *, levels: int, every: int) -> str:
    words = f"Cropped to the object, {levels} grey levels from black to white"
    return words + (f", every {EVERY[every]} slice" if every > 1 else "")


def _text(binary: bytes) -> str:
    return base64.b64encode(binary).decode("ascii")
