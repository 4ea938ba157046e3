"""Transforms for any MONAI `Compose`: enhance a scan, or degrade it on purpose."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform, Transform

from medddim.batch.choice import models_for
from medddim.checkpoint import Checkpoint
from medddim.degradation import Degradation
from medddim.formats.like_file import like_file
from medddim.integrations.monai.metatensor import from_metatensor, to_metatensor
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer
    from medddim.inference.settings import Asked
    from medddim.networks import Precision

AUTO, MR = "auto", "MR"


class Enhance(Transform):
    """Denoise or super-resolve a MetaTensor `(channel, x, y, z)`, as `medddim enhance` does.

    `model` is a shipped model, a checkpoint folder, or "auto": that of the command, by what each
    scan is. `modality` is what a scan is taken for that does not say; the settings (`steps`,
    `noise`, `factor`, `quality` and so on) are those of `Enhancer.__call__`. The weights are loaded
    when the first scan comes, in each process anew. In a lazy `Compose` pending operations are done
    first. Pickles, and so hashes of caching data sets, hold the settings and the sha256 of weights
    and recipes. The intensities must be those of the scan: put it before any that scales them.
    Straight from a file the answer has the voxels that the command stores, rounded where those are
    integers.
    """

    def __init__(
        self,
        model: str = "auto",
        *,
        modality: str = "",
        device: str = "auto",
        precision: Precision = "auto",
        **settings: Unpack[Asked],
    ) -> None:
        from medddim.inference.settings import Settings

        asked = Settings(**settings)  # judged here, not at the first scan
        self.models = models_for(asked) if model == AUTO else {MR: str(model)}
        opened = [Checkpoint.open(name) for name in sorted(set(self.models.values()))]
        for one in opened:
            asked.require_fitting(one.recipe)
        self.modality, self.device, self.precision = modality, device, precision
        self.sha256 = [(one.sha256, one.recipe.sha256) for one in opened]
        self.settings = settings
        self._enhancers: dict[str, Enhancer] = {}

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """The enhanced scan; on a finer grid, with its affine, if a factor was asked for."""
        scan = from_metatensor(img, modality=self.modality)
        return to_metatensor(like_file(scan, _file_of(img), self._enhanced), like=img)

    def _enhanced(self, scan: Volume) -> Volume:
        from medddim.inference.enhancer import Enhancer

        name = self.models.get(scan.recognised().modality, self.models[MR])
        if name not in self._enhancers:
            how: dict[str, Any] = {"device": self.device, "precision": self.precision}
            self._enhancers[name] = Enhancer.load(name, **how)
        return self._enhancers[name](scan, **self.settings)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_enhancers": {}}


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
    `seed` give the same result; straight from a file that of `medddim degrade`.
    """

    def __init__(self, degradation: Degradation, *, seed: int = 0, modality: str = "") -> None:
        self.degradation, self.seed, self.modality = degradation, seed, modality

    def __call__(self, img: MetaTensor) -> MetaTensor:
        """The degraded scan, on the grid the worse acquisition would have had."""
        scan = from_metatensor(img, modality=self.modality)
        return to_metatensor(like_file(scan, _file_of(img), self._degraded), like=img)

    def _degraded(self, scan: Volume) -> Volume:
        return self.degradation(scan, self.seed)


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


def _file_of(img: MetaTensor) -> Path:
    """Where MONAI's readers leave what they have read."""
    return Path(str(img.meta.get("filename_or_obj", "")))
