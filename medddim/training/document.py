"""A proposed recipe as a file for people: every key, with what it does and what it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from medddim.recipe import Recipe
from medddim.training.proposal import Found

COLUMN = 42
NOTES = {
    "self_ensemble": "true: the mean over mirror images; a little better, four times slower",
    "network.slices": "1 for 2D; 3 or 5: a slice and its neighbours; spatial_dims 3 for 3D",
    "network.widths": "the size of the network, from fine to coarse",
    "diffusion.path": "the scan's own noise is the start: 1 to 8 steps, no random number",
    "diffusion.full_share": "share of the training at the full level: one step must be excellent",
    "scaling.percentile": "what the network sees as 1",
    "data.root": "the scans; `medddim train --data` overrides it",
    "data.train": "[]: all scans below root but those held out",
    "data.validate_on": "held out: never trained on",
    "data.train_part": "of the slices of each scan",
    "data.intensity_jitter": "each patch is made darker or brighter by as much",
    "data.coarser": "true: every scan with pixels twice as large, too",
    "training.batch": "less, if memory is short",
    "training.patch": "voxels; no more than the smallest slice",
    "training.warmup": "the learning rate rises over these steps",
    "training.decay": "and falls over these, at the end",
    "training.start_from": "the model it begins with; empty: from nothing (--from-scratch)",
    "training.precision": "auto, bf16 or fp32",
}


def summary(found: Found) -> Mapping[str, str]:
    """What was found, in words."""
    ct = found.modality == "CT"
    low, high = (f"{one:.1f}" if ct else f"{one:.1%}" for one in (found.noise[0], found.noise[-1]))
    unit = " HU" if ct else " of the bright end"
    return {
        "scans": f"{len(found.scans)} {found.modality} of {found.subjects} subjects",
        "planes": found.planes,
        "pixels": f"{_span(*found.pixels_mm)} mm, slices {_span(*found.slices_mm)} mm",
        "noise": (low if low == high else f"{low} to {high}") + unit,
        "held out": ", ".join(found.held_out) or "the last fifth of the slices",
    }


def document(recipe: Recipe, found: Found, *, file: str, length: str) -> str:
    """The YAML of `recipe`, which reads back as it; `length` says how long it takes where."""
    what = "\n".join(f"#   {key:9} {_plain(value)}" for key, value in summary(found).items())
    head = f"""\
# {recipe.name}: written by `medddim train --init` for the scans below {_plain(str(found.root))}
{what}
#
#   medddim train {file} --smoke                 does it work here? in a minute
#   medddim train {file} -o RUN                  {length}
#   medddim enhance SCANS -o OUT --model RUN
#
# A model learns to give back what these scans hold, their own noise included: keep to the cleanest.
# All scans of a subject belong on one side: in training, or held out.
"""
    return head + "\n".join(_lines(recipe, _notes(found))) + "\n"


def _notes(found: Found) -> dict[str, str]:
    noise = summary(found)["noise"]
    own = f"the noise to learn, as a share of the bright end; the scans have {noise}"
    dose = f"share of the dose left; noise of the scans: {noise}"
    return NOTES | {
        "degradation.level": own,
        "degradation.dose": dose,
        "network.spatial_dims": f"planes: {found.planes}",
    }


def _lines(recipe: Recipe, notes: Mapping[str, str]) -> Iterator[str]:
    for key, value in recipe.model_dump(mode="json").items():
        if not isinstance(value, dict):
            yield _noted(f"{key}: {_flow(value)}", notes.get(key, ""))
            continue
        yield f"{key}:"
        for inner, one in value.items():
            yield _noted(f"  {inner}: {_flow(one)}", notes.get(f"{key}.{inner}", ""))


def _noted(line: str, note: str) -> str:
    return f"{line:{COLUMN}}  # {_plain(note)}" if note else line


def _plain(text: str) -> str:
    """A name of a file must not end the comment that it stands in."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _flow(value: Any) -> str:
    text = str(yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True))
    return text.removesuffix("...\n").strip()


def _span(low: float, high: float) -> str:
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
