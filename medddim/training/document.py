"""A proposed recipe as a file for people: every key, with what it does and what it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from medddim.recipe import Recipe
from medddim.training.proposal import Found

COLUMN = 42
NOTES = {
    "name": "of the model",
    "task": "denoise, or superresolve",
    "modality": "MR or CT",
    "self_ensemble": "true: the mean over mirror images; a little better, four times slower",
    "keeps_mean": "true: what an answer lost of local means is put back",
    "network.kind": "unet; noise-unet is 3D and reads how the noise of a scan lies in it",
    "network.slices": "1 for 2D; 3 or 5: a slice and its neighbours; spatial_dims 3 for 3D",
    "network.widths": "the size of the network, from fine to coarse",
    "network.unshuffle": "so many voxels per axis go in at once: larger is faster, less fine",
    "network.sees_scan": "true: it sees the scan beside the state, for paths that start from noise",
    "network.maps": "numbers that say how much worse a scan is: 1, its noise; 3 for factors",
    "network.detail_gain": "above 0: it sees fine detail so many times stronger, too",
    "network.refine": "widths of a second network behind the first; []: none",
    "diffusion.path": "scan-noise: the start is the scan: 1 to 8 steps, no random number",
    "diffusion.prediction": "what the network returns: residual, the noise; or x0, v, eps",
    "diffusion.full_share": "share of the training at the full level: one step must be excellent",
    "diffusion.noise": "of the path bridge: how much random noise it adds",
    "diffusion.sampler": "how steps are taken in use: ddim, second-order, ancestral",
    "scaling.kind": "percentile: by the brightest voxels of each scan; window: fixed, for CT",
    "scaling.percentile": "of kind percentile: what the network sees as 1",
    "scaling.window": "of kind window: what it sees as 0 and as 1",
    "degradation.kind": "what makes scans worse: rician, mr-scanner, low-dose",
    "degradation.white": "share of pairs with white noise, neither filtered nor zero-filled",
    "degradation.share": "of k-space along an axis that was measured, the rest filled with zeros",
    "degradation.filters": "of k-space, drawn evenly; named twice is drawn twice as often",
    "degradation.partial": "share of pairs with partial Fourier",
    "degradation.volumetric": "share of pairs filtered along all three axes",
    "degradation.round": "share of pairs filtered by the distance from the centre of k-space",
    "degradation.multi_coil": "share of pairs with several coils",
    "degradation.thick_slices": "share of batches from scans with thick slices, if there are any",
    "degradation.smooth": "share of pairs whose anatomy is made smoother first",
    "degradation.inserts": "share of pairs with small structures put in",
    "degradation.insert_weight": "times, that voxels of these count in the loss",
    "degradation.validate_levels": "the noise that validations judge it at",
    "degradation.kernels": "whose noise to learn; named twice is drawn twice as often",
    "degradation.validate_doses": "the doses that validations judge it at",
    "data.root": "the scans; `medddim train --data` overrides it",
    "data.train": "[]: all scans below root but those held out",
    "data.validate_on": "held out: never trained on",
    "data.train_part": "of the slices of each scan",
    "data.validate_part": "of the slices of each scan held out",
    "data.intensity_jitter": "each patch is made darker or brighter by as much",
    "data.coarser": "true: every scan with pixels twice as large, too",
    "data.mixed": "share of patches that are means of two, against learning noise by heart",
    "training.steps": "the length of the run; see the time above",
    "training.batch": "patches a step; less, if memory is short",
    "training.patch": "voxels; no more than the smallest slice",
    "training.learning_rate": "lower, if the loss grows or is not finite",
    "training.optimiser": "adamw; muon gets further in as many steps",
    "training.warmup": "the learning rate rises over these steps",
    "training.decay": "and falls over these, at the end",
    "training.ema": "the result is a moving average of the weights; nearer 1 is longer",
    "training.gradient_clip": "the longest a gradient may be",
    "training.seed": "same seed, same run on the same machine",
    "training.precision": "auto, bf16 or fp32",
    "training.save_every": "steps; what --resume goes on from",
    "training.validate_every": "steps; the best of all validations is the result",
    "training.filtered": "share of the loss that is of the filtered scan; MR that reads its noise",
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
#   {"begins":9} with {begins_with(recipe)}
#
#   medddim train {file} --smoke                 does it work here? in a minute
#   medddim train {file} -o RUN                  {length}
#   medddim enhance SCANS -o OUT --model RUN
#
# A model learns to give back what these scans hold, their own noise included: keep to the cleanest.
# All scans of a subject belong on one side: in training, or held out.
"""
    return head + "\n".join(_lines(recipe, _notes(recipe, found))) + "\n"


def begins_with(recipe: Recipe) -> str:
    """What it begins with, and so how fast it will be in use."""
    start = recipe.training.start_from
    if not start:
        return "nothing: a new network (--from-scratch)"
    in_use = {
        "mr-denoise-fast": ", as fast in use; --quality best: of mr-denoise, many times slower",
        "mr-denoise": ", in use many times slower than mr-denoise-fast (--quality fast)",
    }
    return f"the weights of {start}{in_use.get(start, '')}"


def _notes(recipe: Recipe, found: Found) -> dict[str, str]:
    noise = summary(found)["noise"]
    own = f"the noise to learn, as a share of the bright end; the scans have {noise}"
    dose = f"share of the dose left; noise of the scans: {noise}"
    return NOTES | {
        "degradation.level": own,
        "degradation.dose": dose,
        "network.spatial_dims": f"2: slices, 3: blocks; planes of the scans: {found.planes}",
        "training.start_from": begins_with(recipe),
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
