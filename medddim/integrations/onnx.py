"""A model as ONNX, for other runtimes than torch; its answers are compared before it is kept."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from medddim.checkpoint import Checkpoint
from medddim.errors import EnvironmentProblem, WriteRefused
from medddim.formats.atomic import new_folder
from medddim.models import CARD, RECIPE
from medddim.networks.contract import Network
from medddim.recipe import Recipe

__all__ = ["export_onnx"]

OPSET = 18
PARITY = 1e-4
"""Largest difference to torch, in the network's range, that a file is kept with."""
MOST = 4096
"""Tiles, and strides along each of their sides, are at most so many."""
MODEL, ABOUT = "model.onnx", "model.json"


@dataclass(frozen=True)
class Inputs:
    """What the exported network takes, by name, and which axes may have any length."""

    names: tuple[str, ...]
    tensors: tuple[Tensor, ...]

    @classmethod
    def of(cls, recipe: Recipe, network: Network, *, batch: int, strides: int) -> Inputs:
        """Random ones for tiles of so many strides along each axis; the same every time."""
        dims = network.spatial_dims
        size = [network.stride * (strides + axis) for axis in range(dims)]
        generator = torch.Generator().manual_seed(strides)
        slices = getattr(recipe.network, "slices", 1)
        state = torch.rand(batch, slices, *size, generator=generator)
        level = torch.rand(batch, generator=generator)
        strength = torch.full((1, _maps(recipe), *[1] * dims), 0.1)
        if network.sees_scan:
            scan = torch.rand(state.shape, generator=generator)
            return cls(("state", "level", "strength", "scan"), (state, level, strength, scan))
        return cls(("state", "level", "strength"), (state, level, strength))

    def axes(self, stride: int) -> dict[str, Any]:
        """Batch and space of every image: sides of any multiple of the stride from two on."""
        from torch.export import Dim

        batch = Dim("batch", max=MOST)
        space = {
            axis: stride * Dim(f"strides_{axis - 2}", min=2, max=MOST)
            for axis in range(2, self.tensors[0].ndim)
        }
        image = {0: batch, **space}
        known = {"state": image, "scan": image, "level": {0: batch}, "strength": {}}
        return {name: known[name] for name in self.names}

    def arrays(self) -> dict[str, Any]:
        """As a runtime takes them."""
        return {name: tensor.numpy() for name, tensor in zip(self.names, self.tensors, strict=True)}


class _Positional(nn.Module):
    """The network with every input in its place, as exporters want it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, state: Tensor, level: Tensor, strength: Tensor, scan: Tensor | None = None
    ) -> Tensor:
        """The prediction."""
        answer: Tensor = self.network(state, level, strength=strength, scan=scan)
        return answer


def export_onnx(model: Checkpoint, destination: Path) -> float:
    """Write model.onnx, model.json, the recipe and the card into a new folder.

    The file is run by onnxruntime on tiles of three sizes and refused if it differs by more than
    `PARITY` from torch; returns the largest difference. Raises EnvironmentProblem without onnx and
    onnxruntime, WriteRefused if the folder exists or the difference is larger.
    """
    _require_packages()
    network = model.denoiser(torch.device("cpu")).network
    assert isinstance(network, Network)  # noqa: S101  # for the type checker
    with new_folder(destination) as folder:
        _write(model.recipe, network, folder / MODEL)
        difference = parity(model.recipe, network, folder / MODEL)
        if difference > PARITY:
            raise WriteRefused(
                f"{destination}: the exported network differs from torch by {difference:.2g}, more "
                f"than {PARITY:g}; nothing was kept"
            )
        about = _about(model, network) | {"largest_difference_to_torch": difference}
        (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        for name in (RECIPE, CARD):
            if (model.folder / name).is_file():
                shutil.copyfile(model.folder / name, folder / name)
    return difference


def parity(recipe: Recipe, network: Network, path: Path) -> float:
    """How far onnxruntime's answers lie from torch's, on tiles and batches of three sizes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = 0.0
    for batch, strides in ((1, 2), (3, 3), (2, 4)):
        inputs = Inputs.of(recipe, network, batch=batch, strides=strides)
        (ours,) = session.run(None, inputs.arrays())
        with torch.inference_mode():
            theirs = _Positional(network)(*inputs.tensors).numpy()
        apart = max(apart, float(np.abs(ours - theirs).max()))
    return apart


def _require_packages() -> None:
    try:
        import onnxruntime  # noqa: F401  # to compare with
        import onnxscript  # noqa: F401  # torch's exporter needs it
    except ImportError as problem:
        raise EnvironmentProblem(
            f"{problem.name} is not installed; pip install 'medddim[onnx]'"
        ) from None


def _write(recipe: Recipe, network: Network, path: Path) -> None:
    inputs = Inputs.of(recipe, network, batch=2, strides=3)
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter's, about itself and packages it does without
        logger.setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                _Positional(network).eval(), inputs.tensors, str(path), dynamo=True,
                input_names=list(inputs.names), output_names=["prediction"],
                dynamic_shapes=inputs.axes(network.stride), opset_version=OPSET,
                external_data=False, verbose=False,
            )  # fmt: skip
        finally:
            logger.setLevel(before)


def _maps(recipe: Recipe) -> int:
    from medddim.networks import noise_unet

    return int(getattr(recipe.network, "maps", noise_unet.MAPS))


def _about(model: Checkpoint, network: Network) -> dict[str, Any]:
    recipe = model.recipe
    space = ["slice", "row", "column"][-network.spatial_dims :]
    return {
        "model": recipe.name,
        "sha256": model.sha256,
        "task": recipe.task,
        "modality": recipe.modality,
        "inputs": {
            "state": ["batch", f"slices ({getattr(recipe.network, 'slices', 1)})", *space],
            "level": ["batch"],
            "strength": [1, f"maps ({_maps(recipe)})", *[1] * network.spatial_dims],
        }
        | ({"scan": "as state"} if network.sees_scan else {}),
        "output": {"prediction": ["batch", 1, *space]},
        "path": recipe.diffusion.path,
        "prediction": recipe.diffusion.prediction,
        "scaling": recipe.scaling.model_dump(mode="json"),
        "tile": {
            "multiple_of": network.stride,
            "at_least": 2 * network.stride,
            "grown_by": network.halo,
        },
        "opset": OPSET,
    }
