"""A model as a MONAI Bundle, which `python -m monai.bundle run` executes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from medddim import __version__
from medddim.checkpoint import Checkpoint
from medddim.formats.atomic import new_folder
from medddim.models import CARD, MODELS, RECIPE, WEIGHTS

README = """# {name}

{task} of {modality} scans with medddim. Run it:

```sh
python -m monai.bundle run --config_file configs/inference.json --bundle_root . \\
    --scans 'SCANS/*.nii.gz' --output_dir OUT
```

It needs `medddim` and `fire` in the same environment, and gives the voxels of `medddim enhance`.
Settings (steps, fidelity, seed, factor) are keys of `configs/inference.json`.

`medddim enhance --model THIS_FOLDER` reads the weights and the recipe in `models/`, and executes
nothing. What the model was trained on, and its limits: `models/card.md`.
"""


def export_bundle(model: Checkpoint, destination: Path) -> None:
    """Write the bundle as a new folder: configs, models, docs.

    Raises WriteRefused if it exists.
    """
    with new_folder(destination) as folder:
        for name in ("configs", MODELS, "docs"):
            (folder / name).mkdir()
        for name in (WEIGHTS, RECIPE, CARD):
            if (model.folder / name).is_file():
                shutil.copyfile(model.folder / name, folder / MODELS / name)
        for name, said in {"metadata": _metadata(model), "inference": _inference(model)}.items():
            text = json.dumps(said, indent=2) + "\n"
            (folder / "configs" / f"{name}.json").write_text(text, encoding="utf-8")
        text = README.format(
            name=model.recipe.name, task=model.recipe.task, modality=model.recipe.modality
        )
        (folder / "docs" / "README.md").write_text(text, encoding="utf-8")


def _inference(model: Checkpoint) -> dict[str, Any]:
    finer = model.recipe.task == "superresolve"
    return {
        "imports": ["$from glob import glob"],
        "bundle_root": ".",
        "scans": "$@bundle_root + '/scans/*.nii.gz'",
        "output_dir": "$@bundle_root + '/eval'",
        "steps": 1,
        "fidelity": 0.0,
        "seed": 0,
        "factor": [1, 1, 4] if finer else None,
        "device": "auto",
        "precision": "auto",
        "pipeline": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "ensure_channel_first": True},
                {
                    "_target_": "medddim.integrations.monai.EnhanceD",
                    "keys": "image",
                    "model": f"$@bundle_root + '/{MODELS}'",
                    "steps": "@steps",
                    "fidelity": "@fidelity",
                    "seed": "@seed",
                    "factor": "$@factor and tuple(@factor)",
                    "device": "@device",
                    "precision": "@precision",
                },
                {
                    "_target_": "SaveImaged",
                    "keys": "image",
                    "output_dir": "@output_dir",
                    "output_postfix": "enhanced",
                    "separate_folder": False,
                    "resample": False,
                },
            ],
        },
        "run": ["$[@pipeline({'image': path}) for path in sorted(glob(@scans))]"],
    }


def _metadata(model: Checkpoint) -> dict[str, Any]:
    from importlib.metadata import version

    recipe = model.recipe
    image = {
        "type": "image",
        "format": "magnitude" if recipe.modality == "MR" else "hounsfield",
        "modality": recipe.modality,
        "num_channels": 1,
        "spatial_shape": ["*", "*", "*"],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        "channel_def": {"0": "image"},
    }
    return {
        "version": __version__,
        "monai_version": version("monai"),
        "pytorch_version": version("torch"),
        "numpy_version": version("numpy"),
        "required_packages_version": {"medddim": __version__},
        "name": recipe.name,
        "task": recipe.task,
        "description": f"medddim {recipe.name}: a diffusion model sampled by DDIM",
        "authors": "medddim",
        "copyright": "see models/card.md",
        "intended_use": "Research; not a medical device",
        "sha256": model.sha256,
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": image}},
    }
