"""b-values and directions that vendors say in private: under public names, and as they were."""

from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.formats import Derivation
from medddim.formats.dicom import vendor
from medddim.formats.dicom.vendor import Diffusion, _numbers, diffusion_of
from tests.formats.conftest import COLUMN, NORMAL, ROW
from tests.formats.dicom.test_order import acquired, assert_in_order, stored

IDENTITY = Derivation("identity", "Nothing was changed.")
VECTORS = [(0.0, 0.0, 0.0), (0.0, 0.6, 0.8), (0.36, 0.48, -0.8), (1.0, 0.0, 0.0)]
AXES = np.stack([ROW, COLUMN, NORMAL])


def siemens(dataset: Dataset, b: float, g: Any) -> None:
    block = dataset.private_block(0x19, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", str(int(b)))
    block.add_new(0x0D, "CS", "DIRECTIONAL" if b else "NONE")
    if b:
        block.add_new(0x0E, "FD", list(g))


def philips(dataset: Dataset, b: float, g: Any) -> None:
    dataset.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", b)
    block = dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    for element, value in zip((0xB0, 0xB1, 0xB2), g, strict=True):
        block.add_new(element, "FL", float(np.float32(value)))


def ge(dataset: Dataset, b: float, g: Any) -> None:
    block = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
    block.add_new(0x39, "IS", [int(b + 1e9) if b else 0, 8, 0, 0])
    block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
    for element, value in zip((0xBB, 0xBC, 0xBD), g, strict=True):
        block.add_new(element, "DS", str(value))


def uih(dataset: Dataset, b: float, g: Any) -> None:
    block = dataset.private_block(0x65, "Image Private Header", create=True)
    block.add_new(0x09, "FD", b)
    if b:
        block.add_new(0x37, "FD", list(g))


def canon(dataset: Dataset, b: float, g: Any) -> None:
    dataset.Manufacturer = "TOSHIBA"
    dataset.DiffusionBValue = b
    dataset.ImageComments = f"b={b:.0f}({g[0]:.3f},{g[1]:.3f},{g[2]:.3f})"


def in_patient(g: Any) -> Any:
    return np.array(g)


def in_image(g: Any) -> Any:
    return g @ AXES


def of_ge(g: Any) -> Any:
    """Frequency along the columns' axis, with the signs of dcm2niix."""
    return np.array([-g[0], -g[1], g[2]]) @ AXES


VENDORS = [(siemens, in_patient), (philips, in_patient), (ge, of_ge), (uih, in_image)]


@pytest.mark.parametrize(("vendor", "frame"), VENDORS, ids=lambda one: one.__name__)
@pytest.mark.daily(1)
def test_a_result_says_b_values_and_directions(
    scanner: Any, tmp_path: Any, *, vendor: Any, frame: Any
) -> None:
    made = acquired(scanner, [{"InPlanePhaseEncodingDirection": "COL"}] * 4)
    for stack, g in zip(made, VECTORS, strict=True):
        for dataset in stack:
            vendor(dataset, 1000.0 if any(g) else 0.0, g)
    (series,) = formats.find(stored(scanner, made, "classic"))
    volume = formats.read(series)
    assert_in_order(volume, made)
    assert "notes" not in series.facts
    written = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    results = [pydicom.dcmread(path) for path in written[::3]]
    assert [one.DiffusionBValue for one in results] == [0, 1000, 1000, 1000]
    assert "DiffusionGradientOrientation" not in results[0]
    for result, stack, g in zip(results[1:], made[1:], VECTORS[1:], strict=True):
        np.testing.assert_allclose(result.DiffusionGradientOrientation, frame(g), atol=1e-6)
        assert result.DiffusionDirectionality == "DIRECTIONAL"
        private = {element.tag: element.value for element in stack[0] if element.tag.is_private}
        assert {one.tag: one.value for one in result if one.tag.is_private} == private


def test_a_scan_without_weighting_gets_no_b_value(scanner: Any, tmp_path: Any) -> None:
    slices = scanner.slices(3)
    for dataset in slices:
        ge(dataset, 0.0, (0.0, 0.0, 0.0))  # in every image of GE
    volume = formats.read(scanner.store(slices))
    (first, *_) = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert "DiffusionBValue" not in pydicom.dcmread(first)


def one(vendor: Any, b: float, g: Any, **said: Any) -> Dataset:
    dataset = Dataset()
    dataset.Modality = "MR"
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.update(said)
    vendor(dataset, b, g)
    return dataset


def test_ge_turns_with_the_phase_encoding() -> None:
    rows = diffusion_of(one(ge, 800.0, (0.6, 0.0, 0.8), InPlanePhaseEncodingDirection="ROW"))
    assert rows is not None
    assert rows.direction is not None
    np.testing.assert_allclose(rows.direction, [0, 0.6, 0.8], atol=1e-9)


def test_ge_without_a_phase_encoding_is_lost() -> None:
    found = diffusion_of(one(ge, 800.0, (0.6, 0.0, 0.8)))
    assert found is not None
    assert found.lost
    assert found.direction is None


def test_ge_scales_b_by_the_length_of_the_vector() -> None:
    half = diffusion_of(one(ge, 2000.0, (0.0, 0.70711, 0.0), InPlanePhaseEncodingDirection="COL"))
    assert half is not None
    assert half.direction is not None
    assert half.b_value == 1000
    np.testing.assert_allclose(half.direction, [0, -1, 0], atol=1e-6)


def test_ge_without_a_gradient_is_b0_or_a_trace() -> None:
    nothing = one(ge, 900.0, (0.0, 0.0, 0.0))
    found = diffusion_of(nothing)
    assert found is not None
    assert (found.b_value, found.directionality) == (0, "NONE")
    nothing.private_block(0x19, "GEMS_ACQU_01").add_new(0xE0, "DS", "0")
    found = diffusion_of(nothing)
    assert found is not None
    assert (found.b_value, found.directionality) == (900, "ISOTROPIC")


@pytest.mark.parametrize("maker", ["CANON_MEC", "TOSHIBA"])
def test_a_direction_of_canon_stays_in_its_comment(maker: str) -> None:
    """dcm2niix takes a public one for that of the image: of Toshiba 1.0.20220720 does."""
    dataset = one(canon, 800.0, (0.6, 0.0, 0.8))
    dataset.Manufacturer = maker
    found = diffusion_of(dataset)
    assert found is not None
    assert found.lost
    assert found.direction is None


def test_philips_says_that_an_image_is_isotropic() -> None:
    dataset = one(philips, 1000.0, (0.0, 0.0, 0.0))
    dataset.private_block(0x2001, "Philips Imaging DD 001").add_new(0x04, "CS", "I")
    found = diffusion_of(dataset)
    assert found is not None
    assert found.directionality == "ISOTROPIC"


def csa(**tags: list[str]) -> bytes:
    """A CSA2 header, after nibabel's description of the format."""
    content = b"SV10\x04\x03\x02\x01" + np.array([len(tags), 77], "<u4").tobytes()
    for name, values in tags.items():
        content += name.encode().ljust(64, b"\0") + np.array([len(values)], "<i4").tobytes()
        content += b"FD\0\0" + np.array([4, 6, 77], "<i4").tobytes()
        for value in [*values, *[""] * (6 - len(values))]:
            item = value.encode() + b"\0" * bool(value)
            content += np.array([0, len(item), 77, 205], "<i4").tobytes()
            content += item.ljust(-(-len(item) // 4) * 4, b"\0")
    return content


def in_csa(dataset: Dataset, b: float, g: Any) -> None:
    block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    block.add_new(
        0x10, "OB", csa(B_value=[str(int(b))], DiffusionGradientDirection=[str(v) for v in g])
    )


def test_siemens_of_old_says_it_in_csa_alone() -> None:
    found = diffusion_of(one(in_csa, 700.0, (0.6, 0.0, 0.8)))
    assert found is not None
    assert found.direction is not None
    assert found.b_value == 700
    np.testing.assert_allclose(found.direction, [0.6, 0, 0.8])


def test_a_damaged_csa_says_nothing() -> None:
    dataset = one(in_csa, 700.0, (0.6, 0.0, 0.8))
    element = dataset[0x00291010]
    element.value = element.value[:150]
    assert diffusion_of(dataset) is None


def test_directions_that_cannot_be_turned_are_warned_of(scanner: Any) -> None:
    made = acquired(scanner, [{}] * 4)
    for stack, g in zip(made, VECTORS, strict=True):
        for dataset in stack:
            ge(dataset, 1000.0 if any(g) else 0.0, g)
            dataset.AcquisitionNumber = 1 + VECTORS.index(g)
    (series,) = formats.find(stored(scanner, made, "classic"))
    (note,) = series.facts["notes"]
    assert "the gradient directions of 3 volumes are those of the image" in note


def test_directions_that_are_nowhere_are_warned_of(scanner: Any) -> None:
    marks = [{"DiffusionBValue": 1000.0 * bool(n), "AcquisitionNumber": n} for n in range(4)]
    (series,) = formats.find(stored(scanner, acquired(scanner, marks), "classic"))
    assert "3 volumes of a b-value above 0 have no gradient direction" in series.facts["notes"][0]


def test_numbers_of_implicit_files_are_bytes() -> None:
    assert _numbers(np.array([0.5, -3]).astype("<f8").tobytes()).tolist() == [0.5, -3]
    assert [_numbers(value).tolist() for value in (b"12", None, "text", "7", [1, 2])] == [
        [12.0], [], [], [7.0], [1.0, 2.0],
    ]  # fmt: skip


def test_what_is_public_counts_more_than_what_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Diffusion(700.0, np.array([0.0, 0.6, 0.8]), "DIRECTIONAL")
    monkeypatch.setattr(vendor, "diffusion_of", lambda dataset: said)
    public = {
        "DiffusionBValue": 5.0,
        "DiffusionGradientOrientation": [1.0, 0.0, 0.0],
        "DiffusionDirectionality": "BMATRIX",
    }
    private = dict(zip(public, (700.0, [0.0, 0.6, 0.8], "DIRECTIONAL"), strict=True))
    for there in ({}, *({key: value} for key, value in public.items()), public):
        dataset = Dataset()
        dataset.Modality = "MR"
        for keyword, value in there.items():
            setattr(dataset, keyword, value)
        vendor.name_diffusion(dataset)
        assert {key: dataset[key].value for key in public} == private | there
    other = Dataset()
    other.Modality = "CT"
    vendor.name_diffusion(other)
    assert "DiffusionBValue" not in other
