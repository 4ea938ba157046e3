"""What a result cannot say of the diffusion weighting of its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from medddim.formats.dicom.files import Header
from medddim.formats.dicom.vendor import diffusion_of


def diffusion_notes(stacks: Sequence[Sequence[Header]]) -> Iterator[str]:
    """Which gradient directions no result can name, and why; b-values alone ask for none."""
    firsts = [stack[0].dataset for stack in stacks]
    unnamed = [one for one in firsts if one.get("DiffusionBValue") and
               one.get("DiffusionGradientOrientation") is None and
               one.get("DiffusionDirectionality") != "ISOTROPIC"]  # fmt: skip
    found = [diffusion_of(one) for one in unnamed]
    in_image = sum(one is not None and one.lost for one in found)
    if in_image:
        yield (
            f"the gradient directions of {in_image} volumes are those of the image, not of the "
            "patient: they go with the result as the vendor says them, in no public attribute"
        )
    weights = [one.get("DiffusionBValue") for one in firsts]
    if any(weights) and 0 in weights and firsts[0].get("Manufacturer", "").upper() == "TOSHIBA":
        yield (
            "dcm2niix puts the b0 of this maker into a file of its own, and writes no .bval for it "
            "where the images are derived, as those of a result: its b-value is 0"
        )
    silent = Counter(
        float(one.DiffusionBValue)
        for one, said in zip(unnamed, found, strict=True)
        if said is None or not said.lost
    )
    several = sum(count for count in silent.values() if count > 1)
    if several:
        yield (
            f"{several} volumes of a b-value above 0 have no gradient direction that can be read: "
            "take bval and bvec from the source"
        )
