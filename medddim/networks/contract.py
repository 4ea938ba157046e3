"""What every network promises, so that a scan can be cut into tiles without a seam."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from medddim.errors import RecipeError


class Network(nn.Module, ABC):
    """A network whose answer at a voxel depends on a finite neighbourhood of it alone.

    `halo` is how many voxels a tile has to be grown by so that its inner voxels do not change,
    `stride` what tiles begin at multiples of, `sees_scan` whether the degraded scan is shown beside
    the state. `kind` is its name in recipes (`network.kind`). The answer starts as zero.
    """

    kind: ClassVar[str]
    spatial_dims: int
    halo: int
    stride: int
    sees_scan: bool

    @abstractmethod
    def forward(
        self, state: Tensor, level: Tensor, *, strength: Tensor, scan: Tensor | None = None
    ) -> Tensor:
        """The prediction `(batch, 1, *space)` for a state `(batch, slices, *space)`.

        `level` is `(batch,)`; `strength` is `(batch or 1, maps, *space)`, with any spatial axis of
        length 1, its first map the standard deviation of the noise in the network's range.
        """


def require_tileable(network: nn.Module) -> None:
    """Raise RecipeError for a network with a layer that averages over the tile.

    Group, instance and layer normalisation make every voxel depend on all others, so that tiles
    would show as seams; batch normalisation does while training.
    """
    for name, module in network.named_modules():
        if "norm" in type(module).__name__.lower() and type(module).__module__ != __name__:
            raise RecipeError(
                f"the network normalises over the tile ({name}: {type(module).__name__}), which "
                "shows as seams; build it without normalisation"
            )
