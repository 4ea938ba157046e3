"""Recipes of networks small enough to be trained inside a test."""

from __future__ import annotations

from typing import Any

from medddim.recipe import Recipe

BASE: dict[str, Any] = {
    "name": "tiny",
    "task": "denoise",
    "modality": "MR",
    "network": {"widths": (8, 8, 8)},
    "diffusion": {"path": "scan-noise", "prediction": "residual"},
    "scaling": {},
    "degradation": {"kind": "rician", "level": (0.05, 0.15)},
    "data": {"train": ("train/*.nii.gz",)},
    "training": {
        "steps": 6,
        "batch": 2,
        "patch": 32,
        "learning_rate": 1e-3,
        "warmup": 2,
        "decay": 2,
        "precision": "fp32",
    },
}


def tiny(**changed: Any) -> Recipe:
    """The smallest sensible recipe, with some keys changed, or some of a section."""
    keys = {name: _changed(name, value) for name, value in changed.items()}
    return Recipe.model_validate({**BASE, **keys})


def _changed(name: str, value: Any) -> Any:
    """A section with some keys changed, or another one if it is of another kind."""
    if not isinstance(value, dict) or "kind" in value:
        return value
    return {**BASE[name], **value}
