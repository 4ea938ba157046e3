"""Transforms for any MONAI `Compose`: enhance a scan, or degrade it on purpose."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform, Transform

from medddim.checkpoint import Checkpoint
from medddim.degradation import Degradation
from medddim.formats.like_file import like_file
from medddim.integrations.monai.metatensor import from_metatensor, to_metatensor

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer
    from medddim.inference.settings import Asked
    from medddim.networks import Precision


class Enhance(Transform):
    """Denoise or super-resolve a MetaTensor `(channel, x, y, z)`, as `medddim enhance` does.

    `model` is a shipped model or a checkpoint folder, `modality` what a scan is taken for that does
    not say; the settings (`steps`, `noise`, `factor`, `quality` and so on) are those of
    `Enhancer.__call__`. The weights are loaded when the first scan comes, in each process anew. In
    a lazy `Compose` pending operations are done first. Pickles, and so hashes of caching data sets,
    hold the settings and the sha256 of weights and recipe. The intensities must be those of the
    scan: put it before any that scales them. Straight from a file of integers the answer is rounded
    as in that file, so that its voxels are those of the command.
    """

    def __init__(
        self,
        model: str = "mr-denoise",
        *,
        modality: str = "",
        device: str = "auto",
        precision: Precision = "auto",
        **settings: Unpack[Asked],
    ) -> None:
        from medddim.inference.settings import Settings

        Settings(**settings)  # judged here, not at the first scan
        opened = Checkpoint.open(model)
        self.model, self.modality = str(model), modality
        self.device, self.precision = device, precision
        self.sha256 = (opened.sha256, opened.recipe.sha256)
        self.settings = settings
        self._enhancer: Enhancer | None = None

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """The enhanced scan; on a finer grid, with its affine, if a factor was asked for."""
        from medddim.inference.enhancer import Enhancer

        if self._enhancer is None:
            self._enhancer = Enhancer.load(self.model, device=self.device, precision=self.precision)
        scan = from_metatensor(img, modality=self.modality)
        answer = self._enhancer(scan, **self.settings)
        file = Path(str(img.meta.get("filename_or_obj", "")))  # where MONAI's readers leave it
        return to_metatensor(like_file(answer, scan, file), like=img)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_enhancer": None}


class EnhanceD(MapTransform):
    """`Enhance` for the scans of a dictionary under `keys`; further arguments are its own."""

    def __init__(
        self, keys: KeysCollection, *, allow_missing_keys: bool = False, **enhance: Any
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.enhance = Enhance(**enhance)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The same dictionary with its scans enhanced."""
        return dict(data) | {key: self.enhance(data[key]) for key in self.key_iterator(data)}


class Degrade(Transform):
    """What a worse acquisition would have measured of a MetaTensor `(channel, x, y, z)`.

    `degradation` is one of `medddim.degradation`, such as `RicianNoise(0.05)`. The same voxels and
    `seed` give the same result, that of `medddim degrade`.
    """

    def __init__(self, degradation: Degradation, *, seed: int = 0, modality: str = "") -> None:
        self.degradation, self.seed, self.modality = degradation, seed, modality

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """The degraded scan, on the grid the worse acquisition would have had."""
        scan = from_metatensor(img, modality=self.modality)
        return to_metatensor(self.degradation(scan, self.seed), like=img)


class DegradeD(MapTransform):
    """`Degrade` for the scans of a dictionary under `keys`; further arguments are its own."""

    def __init__(
        self, keys: KeysCollection, *, allow_missing_keys: bool = False, **degrade: Any
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.degrade = Degrade(**degrade)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The same dictionary with its scans degraded."""
        return dict(data) | {key: self.degrade(data[key]) for key in self.key_iterator(data)}
