"""Put the range of a model on file: the traits of the scans it was trained on.

    python tools/measure_range.py MODEL SCANS... [--noise 0.05] [--source TEXT]

MODEL is a checkpoint folder, SCANS are the scans of its training (or folders of them). Each is
looked at as it is and with noise: of MR, of this level; of CT, that of a quarter of the dose, in a
few slices. RANGE is written beside the weights.
What a file's name says before its first underscore is taken for the subject.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.checkpoint import Checkpoint
from medddim.degradation import LowDose, RicianNoise
from medddim.inference.range import RANGE, TrainingRange
from medddim.inference.traits import traits
from medddim.metrics.noise import estimate_noise
from medddim.recipe import Recipe
from medddim.scaling import Scaling
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

DOSE, SLICES = 0.25, 3


def main() -> None:
    """Read, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--noise", type=float, default=0.05)
    parser.add_argument("--source", default="the scans of training")
    asked = parser.parse_args()
    recipe = Checkpoint.open(asked.model).recipe
    found, subjects = [], []
    for series in formats.find(*asked.scans):
        if series.refusal:
            continue
        scan = formats.read(series).taken_for(recipe.modality)
        for seen in variants(scan, asked.noise):
            found.append(measured(recipe, seen))
            subjects.append(Path(series.name).name.partition("_")[0])
    known = TrainingRange.of(found, subjects=subjects, source=asked.source)
    known.save(asked.model)
    print(
        f"{asked.model / RANGE}: {len(set(subjects))} subjects, near {known.near}, out {known.out}"
    )


def variants(scan: Volume, noise: float) -> list[Volume]:
    """The scan, and the same with noise."""
    generator = np.random.default_rng(0)
    if scan.in_hu:
        few = middle_slices(scan, SLICES)
        return [scan, LowDose(DOSE, noise_hu=estimate_noise(few))(few, generator)]
    return [scan, RicianNoise(noise)(scan, generator)] if noise else [scan]


def measured(recipe: Recipe, scan: Volume) -> dict[str, float]:
    """The traits of one scan, as the check sees them."""
    scaling = Scaling.fit(scan, **recipe.scaling.model_dump())
    return traits(scan, scale=scaling.scale)


if __name__ == "__main__":
    main()
