"""A checkpoint folder: weights, recipe, card. Nothing in it is ever executed.

weights.safetensors   the network's tensors, float16 or float32
recipe.yaml           the Recipe that made them
card.md               data, licence, figures, limits (optional in a user's own folder)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from medddim import diffusion
from medddim.diffusion import PATHS, Bridge, Denoiser
from medddim.digest import sha256_of
from medddim.errors import CheckpointError
from medddim.models import CARD, RECIPE, WEIGHTS, folder_of
from medddim.networks import NETWORKS, Network, UNet, require_tileable
from medddim.recipe import Recipe


@dataclass(frozen=True)
class Checkpoint:
    """One model on disk, opened: its folder, its recipe, and the sha256 of its weights."""

    folder: Path
    recipe: Recipe
    sha256: str

    @classmethod
    def open(cls, model: str | Path) -> Checkpoint:
        """A shipped model by name, a checkpoint folder, or a MONAI Bundle of ours.

        Raises CheckpointError if there is none, naming those that are installed, or both.
        """
        folder = folder_of(model)
        return cls(folder, Recipe.load(folder / RECIPE), sha256_of(folder / WEIGHTS))

    @property
    def card(self) -> str:
        """The model card, Markdown; empty if the folder has none."""
        path = self.folder / CARD
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def denoiser(self, device: torch.device) -> Denoiser:
        """The network with its weights in float32, ready to use, behind its Denoiser.

        Raises CheckpointError if the tensors are not those the recipe's network needs.
        """
        network = build_network(self.recipe)
        path = self.folder / WEIGHTS
        try:
            copy_tensors(load_file(path), into=named_tensors(network))
        except (SafetensorError, OSError, CheckpointError) as error:
            raise CheckpointError(f"{path} does not fit its recipe: {error}") from error
        return build_denoiser(self.recipe, network.to(device).eval().requires_grad_(False))


def save(folder: Path, recipe: Recipe, network: Network) -> None:
    """Write a checkpoint folder, weights as float16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: tensor.detach().half().contiguous() for key, tensor in named_tensors(network).items()
    }
    partial = folder / f".{WEIGHTS}"
    partial.write_bytes(save_tensors(tensors, metadata={"format": "pt"}))  # readable by all
    partial.replace(folder / WEIGHTS)
    (folder / RECIPE).write_text(recipe.dump(), encoding="utf-8")


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer once; MONAI's DynUNet registers its blocks under two names."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def copy_tensors(stored: dict[str, Tensor], *, into: dict[str, Tensor]) -> None:
    """Copy values in place. Raises CheckpointError unless names and shapes agree exactly."""
    if stored.keys() != into.keys():
        differing = sorted(stored.keys() ^ into.keys())
        raise CheckpointError(f"{len(differing)} tensors do not match, first {differing[0]!r}")
    for key, tensor in into.items():
        if tensor.shape != stored[key].shape:
            raise CheckpointError(
                f"{key}: expected shape {tensor.shape}, found {stored[key].shape}"
            )
        tensor.data.copy_(stored[key])


def start_from(model: str, network: Network) -> None:
    """Begin with the weights of another model, in place.

    A network that is shown the scan may begin with one whose state was the scan: what that one
    did with its state, this one does with the scan it is shown, whatever its own state. Raises
    CheckpointError if the networks differ in anything else.

    A network of another kind begins with the layers that are alike, all but what it sees and says.
    """
    opened = Checkpoint.open(model)
    stored = {key: tensor.float() for key, tensor in load_file(opened.folder / WEIGHTS).items()}
    if opened.recipe.network.kind != network.kind:
        mine = named_tensors(network)
        alike = {
            key: tensor
            for key, tensor in mine.items()
            if ".output_block" not in key
            and getattr(stored.get(key), "shape", None) == tensor.shape
        }
        copy_tensors({key: stored[key] for key in alike}, into=alike)
        return
    if isinstance(network, UNet) and network.sees_scan and not opened.recipe.network.sees_scan:
        seen = [count // 2 for count in network.images] + network.maps
        for key, tensor in stored.items():
            if key.startswith(UNet.FIRST) and tensor.shape[1:2] == (sum(seen),):
                stored[key] = _shown_the_scan(tensor, seen)
    copy_tensors(stored, into=named_tensors(network))


def _shown_the_scan(first_layer: Tensor, seen: list[int]) -> Tensor:
    """Weights for state, scan and maps out of those for a state at level 1 and maps."""
    *images, level, strength, product = first_layer.split(seen, 1)
    both = [weights for image in images for weights in (torch.zeros_like(image), image)]
    return torch.cat([*both, level, strength + product, torch.zeros_like(product)], 1)


def build_network(recipe: Recipe) -> Network:
    """The network a recipe describes, freshly initialised from torch's current seed."""
    network = NETWORKS[recipe.network.kind](**recipe.network.model_dump(exclude={"kind"}))
    require_tileable(network)
    layout = torch.channels_last if network.spatial_dims == 2 else torch.channels_last_3d
    # What the kernels want; the answer is the same. torch gives no type for modules here.
    network.to(memory_format=layout)  # type: ignore[call-overload]
    return network


def build_denoiser(recipe: Recipe, network: Network) -> Denoiser:
    """A network behind the path and prediction of its recipe."""
    return Denoiser(network, build_path(recipe), recipe.diffusion.prediction)


def build_path(recipe: Recipe) -> diffusion.Path:
    """The path of a recipe, which says whether its answers differ from seed to seed."""
    asked = recipe.diffusion
    return Bridge(asked.noise) if asked.path == "bridge" else PATHS[asked.path]()
