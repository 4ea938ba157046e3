"""The Volume: voxels with a place in the world.

The order of axes is defined here, once: voxels are `(channel, *space)` with three spatial axes, the
affine maps a voxel index `(i, j, k, 1)` to millimetres in RAS+ (right, anterior, superior). DICOM's
LPS is turned at the door of `formats`, nowhere else. A 2D image has one voxel along its third axis;
a 4D scan holds its time points, echoes or directions as channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from medddim.errors import GridMismatch, RequestProblem, UnreadableScan
from medddim.intensity import modality_code

if TYPE_CHECKING:
    from medddim import metatensor, nibabel_image, sitk_image

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Affine = npt.NDArray[np.float64]

ISOTROPY = 1.1
"""A scan whose spacings differ by less than this factor is isotropic."""
SQUARE = 0.01
"""Sides of a pixel that differ by no more than this share are equal: headers are rounded."""
AIR_HU, AROUND_HU, AIR_SHARE = -1000.0, 100.0, 0.05
"""A scan of which more than this share is air, in Hounsfield units, is a CT scan."""
FAR_BELOW_ZERO = -100.0
"""Fat has this in Hounsfield units; of magnitudes none lies below 0, of scaled ones few so far."""
AFFINE_TOLERANCE_MM = 1e-3
"""Largest difference of two affines, at the corners of the grid, that still counts as one grid."""


@dataclass(frozen=True)
class Derivation:
    """How a result came about: what a writer records beside it.

    `kind` is "denoise", "superresolve", "degrade" or "identity"; `summary` is one English sentence
    for people; `parameters` are plain values (model, its sha256, steps, seed ...), in the order to
    be written, and are what makes deterministic identifiers deterministic.
    """

    kind: str
    summary: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """Immutable voxels, their affine, what they measure, and where they came from.

    `voxels` is float32 `(channel, x, y, z)`, read-only; `affine` is 4x4 float64, voxel to world,
    RAS+ in mm. `modality` is the DICOM code ("MR", "CT") or "" where the file does not say;
    `unit` is "HU" for CT and "" for arbitrary units. `name` is that of the series, safe as a file
    name and without patient data, "" for a scan made by code. `source` belongs to the format that
    read the scan: everyone else carries it along, so that the result can be written like it.
    `derivation` is what the maker of a result says of it; None for a scan as it was read.

    Raises UnreadableScan if the array is not 4D and real or the affine not finite and invertible,
    RequestProblem for a modality that is no code of DICOM.
    """

    voxels: Array
    affine: Affine
    modality: str = ""
    unit: str = ""
    name: str = ""
    source: Any = None
    derivation: Derivation | None = None

    def __post_init__(self) -> None:
        if np.iscomplexobj(self.voxels):
            raise UnreadableScan("expected real voxels, found complex ones; take their magnitude")
        voxels, code = _frozen(self.voxels), modality_code(self.modality)
        affine = np.array(self.affine, dtype=np.float64)
        if voxels.ndim != 4 or 0 in voxels.shape:
            raise UnreadableScan(
                f"expected voxels of shape (channel, x, y, z), none of them 0; found {voxels.shape}"
                + ("; give array[None]" if voxels.ndim == 3 else "")
            )
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise UnreadableScan(f"expected a finite 4x4 affine, found {affine.tolist()}")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise UnreadableScan("the affine is singular: two voxel axes point the same way")
        voxels.setflags(write=False)
        affine.setflags(write=False)
        vars(self).update(voxels=voxels, affine=affine, modality=code)  # frozen: no other way

    @property
    def channels(self) -> int:
        """How many images share the grid: 1, or the length of a 4D series."""
        return int(self.voxels.shape[0])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the three spatial axes."""
        _, x, y, z = self.voxels.shape
        return (x, y, z)

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each voxel axis, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return (float(x), float(y), float(z))

    @cached_property
    def orientation(self) -> str:
        """Where each voxel axis points, as the letter of its own world axis, e.g. "LPS"."""
        letters = [""] * 3
        for world, axis in enumerate(self.axes_of_world):
            letters[axis] = ("LR", "PA", "IS")[world][int(self.affine[world, axis] > 0)]
        return "".join(letters)

    @cached_property
    def axes_of_world(self) -> tuple[int, int, int]:
        """The voxel axis that runs most nearly left-right, posterior-anterior, inferior-superior.

        Each is named once, however oblique the scan.
        """
        cosines = np.abs(self.affine[:3, :3]) / self.spacing_mm
        x, y, z = max(permutations(range(3)), key=lambda axes: cosines[range(3), axes].sum())
        return (x, y, z)

    @cached_property
    def slice_axis(self) -> int:
        """The spatial axis across the slices.

        An axis of one voxel if there is one (a single image), else the one whose slices have
        square pixels, the last if there are several, else the axis of widest spacing.
        """
        if 1 in self.shape:
            return 2 if self.shape[2] == 1 else self.shape.index(1)
        spacing = np.round(self.spacing_mm, 3)
        sides = [np.delete(spacing, axis) for axis in (2, 1, 0)]
        unlike = [np.round(np.ptp(pair) / pair.max(), 3) for pair in sides]
        if min(unlike) <= SQUARE:
            return int(2 - np.argmin(unlike))
        return int(2 - np.argmax(spacing[::-1]))

    @property
    def in_hu(self) -> bool:
        """Whether the values are Hounsfield units; a CT scan may hold others."""
        return self.unit == "HU"

    @cached_property
    def isotropic(self) -> bool:
        """Whether slices may be cut along any axis: spacings within 10 %, none of one voxel."""
        return 1 not in self.shape and max(self.spacing_mm) < ISOTROPY * min(self.spacing_mm)

    def with_voxels(self, voxels: npt.ArrayLike) -> Volume:
        """The same scan with other voxel values; the spatial shape must be the same.

        Raises GridMismatch otherwise.
        """
        new = np.asarray(voxels, dtype=np.float32)
        if new.shape[1:] != self.shape:
            shape = ", ".join(map(str, ("channel", *self.shape)))
            raise GridMismatch(f"expected voxels of shape ({shape}), found {new.shape}")
        return replace(self, voxels=new)

    def crop(self, *box: slice) -> Volume:
        """The part of the scan within `box`, a slice of each voxel axis, in its place in the world.

        As for a list, negative ends count from the other side; axes that are left out stay whole.
        Raises RequestProblem for more than three, for steps other than 1 and for an empty part.
        """
        whole = [*box, *[slice(None)] * (3 - len(box))]
        ranges = [range(*cut.indices(n)) for cut, n in zip(whole, self.shape, strict=False)]
        if len(whole) > 3 or any(one.step != 1 or not one for one in ranges):
            raise RequestProblem(
                f"expected up to three slices with a step of 1 and some voxels in each, found {box}"
            )
        affine = self.affine.copy()
        affine[:, 3] = affine @ [*(one.start for one in ranges), 1]
        kept = tuple(slice(one.start, one.stop) for one in ranges)
        return replace(self, voxels=self.voxels[(slice(None), *kept)], affine=affine)

    def taken_for(self, modality: str) -> Volume:
        """The same scan, as one of `modality` where its file does not say; CT is then in HU."""
        if self.modality:
            return self
        taken = replace(self, modality=modality)
        return replace(taken, unit="HU") if taken.modality == "CT" else taken

    def recognised(self) -> Volume:
        """The same scan; as CT if its file does not say what it is and it holds air in HU."""
        if self.modality or self.voxels.min() >= AIR_HU + AROUND_HU:
            return self
        low, high = AIR_HU - AROUND_HU, AIR_HU + AROUND_HU
        air = sum(np.count_nonzero((one > low) & (one < high)) for one in self.voxels)
        return self.taken_for("CT") if air / self.voxels.size > AIR_SHARE else self

    @property
    def may_be_no_magnitude(self) -> bool:
        """Whether it does not say what it is, and much of it lies far below 0: CT, or a phase."""
        return not self.modality and bool((self.voxels < FAR_BELOW_ZERO).mean() > AIR_SHARE)

    def require_same_grid(self, other: Volume) -> None:
        """Raise GridMismatch unless `other` has this shape and, to 0.001 mm, this affine."""
        if self.channels != other.channels and self.shape == other.shape:
            counts = f"{self.channels} against {other.channels} volumes on one grid"
            raise GridMismatch(f"the scans differ in shape: {counts}; give as many of each")
        alike = self.voxels.shape == other.voxels.shape
        offset_mm = np.abs(self._corners - other._corners).max()
        if alike and offset_mm <= AFFINE_TOLERANCE_MM:
            return
        if self._fills(other):
            order = f"{self.orientation} against {other.orientation}"
            raise GridMismatch(
                f"the scans fill the same place, their voxels stored in another order: {order}; "
                "store both in one (nibabel.as_closest_canonical)"
            )
        found = f"lie up to {offset_mm:.3f} mm apart in space"
        if not alike:
            found = f"differ in shape: {self.voxels.shape} against {other.voxels.shape}"
        raise GridMismatch(f"the scans {found}; resample one onto the grid of the other")

    @cached_property
    def _corners(self) -> Affine:
        """Where the centres of the eight outer voxels lie, `(3, corner)` in mm."""
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1)
        places: Affine = self.affine[:3, :3] @ corners + self.affine[:3, 3:]
        return places

    def _fills(self, other: Volume) -> bool:
        """Whether both have the same outer voxels, in whatever order."""
        apart = np.linalg.norm(self._corners[:, :, None] - other._corners[:, None], axis=0)
        alike = sorted(self.voxels.shape) == sorted(other.voxels.shape)
        return alike and float(apart.min(axis=1).max()) <= AFFINE_TOLERANCE_MM

    @classmethod
    def from_nibabel(cls, image: nibabel_image.SpatialImage, *, modality: str = "") -> Volume:
        """The Volume of a nibabel image; see `medddim.formats.nibabel_image`."""
        from medddim import nibabel_image  # by the package's own door: docs/decisions/0185

        return nibabel_image.from_nibabel(image, modality=modality)

    def to_nibabel(self) -> nibabel_image.NiftiImage:
        """A float32 nibabel image, (x, y, z) or (x, y, z, channel), in RAS+ mm."""
        from medddim import nibabel_image

        return nibabel_image.to_nibabel(self)

    @classmethod
    def from_sitk(cls, image: sitk_image.SitkImage, *, modality: str = "") -> Volume:
        """The Volume of a SimpleITK image, LPS turned to RAS+; see `medddim.formats.sitk_image`."""
        from medddim import sitk_image

        return sitk_image.from_sitk(image, modality=modality)

    def to_sitk(self) -> sitk_image.SitkImage:
        """A float32 SimpleITK image, in LPS; raises UnsupportedScan for a sheared grid."""
        from medddim import sitk_image

        return sitk_image.to_sitk(self)

    @classmethod
    def from_metatensor(cls, tensor: metatensor.MetaTensor, *, modality: str = "") -> Volume:
        """The Volume of a MONAI MetaTensor `(channel, x, y, z)`; raises UnsupportedScan."""
        from medddim import metatensor

        return metatensor.from_metatensor(tensor, modality=modality)

    def to_metatensor(self, *, like: metatensor.MetaTensor | None = None) -> metatensor.MetaTensor:
        """A float32 MONAI MetaTensor `(channel, x, y, z)`, with the metadata of `like`."""
        from medddim import metatensor

        return metatensor.to_metatensor(self, like=like)

    def __reduce__(self) -> tuple[type[Volume], tuple[Any, ...]]:
        # by the constructor: what comes out of another process, or a copy, is as immutable
        return type(self), tuple(getattr(self, one.name) for one in fields(self))

    def __repr__(self) -> str:
        size = "×".join(str(n) for n in self.voxels.shape)
        spacing = "×".join(f"{s:.3g}" for s in self.spacing_mm)
        facts = (self.modality or "unknown modality", size, f"{spacing} mm", self.orientation)
        return f"Volume({' · '.join((*facts, self.unit or 'arbitrary unit'))})"


def _frozen(voxels: npt.ArrayLike) -> Array:
    """The voxels as float32, copied unless nobody can change them any more."""
    if isinstance(voxels, np.ndarray) and voxels.dtype == np.float32 and _is_frozen(voxels):
        return voxels
    return np.array(voxels, dtype=np.float32)


def _is_frozen(array: npt.NDArray[Any]) -> bool:
    """Whether nobody can change it: itself read-only, and all that it is a view of."""
    base = array.base
    below = _is_frozen(base) if isinstance(base, np.ndarray) else base is None
    return not array.flags.writeable and below
