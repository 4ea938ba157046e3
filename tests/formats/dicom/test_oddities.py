"""What files of the field do that the standard does not cover: read right, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000, JPEGBaseline8Bit

from medddim import formats
from medddim.errors import IrregularGeometry
from medddim.formats import Derivation
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.read import _remember_loss
from tests.formats import enhanced

IDENTITY = Derivation("identity", "Nothing was changed.")


def refusals(*paths: Path) -> dict[str, str]:
    return {series.name: series.refusal for series in formats.find(*paths)}


def written(scanner: Any, slices: Any, tmp_path: Path) -> Any:
    volume = formats.read(scanner.store(slices))
    return pydicom.dcmread(formats.write(volume, tmp_path / "out", name="x")[0])


@pytest.mark.parametrize(("padding", "first", "reads_as"), [(-2000, 100, 0), (2000, -7, -7)])
def test_padding_of_mr_reads_as_no_signal_and_comes_back(
    scanner: Any, tmp_path: Path, padding: int, first: int, reads_as: int
) -> None:
    slices = scanner.slices(3, signed=True, bits=16, PixelPaddingValue=padding)
    for k, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + k), "0"
        stored = np.full((5, 7), 100 + k if k else first, "<i2")
        stored[:, 0] = padding
        dataset.PixelData = stored.tobytes()
    volume = formats.read(scanner.store(slices))
    assert (volume.voxels[0, 0] == reads_as).all()
    assert volume.voxels.max() == 306
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert files.clipped == 0
    again = formats.read(tmp_path / "out" / "x")
    assert np.allclose(again.voxels, volume.voxels, atol=0.01)
    held = np.frombuffer(pydicom.dcmread(files[0]).PixelData, "<i2").reshape(5, 7)
    assert (held[:, 0] == padding).all()
    assert (held[:, 1:] != padding).all()


@pytest.mark.parametrize("lost", ["RescaleSlope", "RescaleIntercept"])
def test_a_ct_without_its_scale_has_no_unit(scanner: Any, lost: str) -> None:
    slices = scanner.slices(3, modality="CT")
    for dataset in slices:
        delattr(dataset, lost)
    assert "without which a CT has no unit" in refusals(scanner.store(slices))["series"]


def test_one_value_of_many_is_no_text_to_be_spelt(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3, ImageType="ORIGINAL", SeriesDescription=["a", "b"])
    result = written(scanner, slices, tmp_path)
    assert result.ImageType == ["DERIVED", "SECONDARY", "OTHER"]
    assert result.SeriesDescription.startswith("a b - ")


def test_an_image_that_nothing_can_name_is_refused(scanner: Any) -> None:
    folder = scanner.store(scanner.slices(3))
    dataset = pydicom.dcmread(folder / "001.dcm")
    del dataset.SOPInstanceUID
    dataset.save_as(folder / "001.dcm")
    assert "expected a SOPInstanceUID" in refusals(folder)["series"]


def test_a_number_with_its_unit_is_not_handed_on(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3)
    with pydicom.config.disable_value_validation():
        for dataset in slices:
            dataset.add_new("SliceThickness", "LO", "5mm")
            dataset["SliceThickness"].VR = "DS"
            dataset["SliceThickness"]._value = "5mm"
        result = written(scanner, slices, tmp_path)
        assert result.SliceThickness is None
        (one,) = formats.find(scanner.store(slices[:1], to="one"))
    assert not one.refusal
    assert one.facts["spacing_mm"][2] == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(bytes(4000)), "found no DICM mark"),
        (lambda path: path.write_bytes(path.read_bytes()[128:]), "found no DICM mark"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "found no DICM mark"),
    ],
)
def test_a_broken_image_among_names_without_suffix_is_reported(
    scanner: Any, spoil: Any, message: str
) -> None:
    names = [f"1.2.840.{number}" for number in range(4)] + ["IM4"]
    folder = scanner.store(scanner.slices(5), names=names)
    spoil(folder / names[3])
    (folder / "README").write_text("From the scanner next door.\n")
    (folder / "notes.txt").write_bytes(b"")
    found = {one.files[0].name: one.refusal for one in formats.find(folder)}
    assert len(found) == 2
    assert message in found[names[3]]
    assert "README" not in found


def test_a_series_named_file_by_file_is_one(scanner: Any, monkeypatch: Any) -> None:
    folder = scanner.store(scanner.slices(4))
    files = sorted(folder.iterdir())
    for paths in (files, [*files, folder], [folder, folder.parent / "series" / "000.dcm"]):
        (series,) = formats.find(*paths)
        assert (series.name, len(series.files)) == ("series", 4)
    monkeypatch.chdir(folder)
    (series,) = formats.find(Path("000.dcm"), *files[1:])
    assert (series.name, len(series.files)) == ("series", 4)


def test_messages_find_the_slice_of_a_series_in_several_folders(scanner: Any) -> None:
    slices = scanner.slices(8)
    scanner.store(slices[:3], to="study/even")
    scanner.store([slices[7]], to="study/lone")
    (series,) = formats.find(scanner.folder, on_gap="split")
    assert f"{scanner.folder / 'study'}: {Path('lone') / '000.dcm'} belongs to" in series.refusal


def test_interpolation_is_not_advised_where_it_is_refused(scanner: Any) -> None:
    slices = scanner.slices(9)
    del slices[3:6]
    (series,) = formats.find(scanner.store(slices))
    assert series.refusal.endswith("or use --on-gap split")


def test_enhanced_series_are_chosen_by_what_their_frames_say(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3, EchoTime=30)
    enhanced.store(slices, tmp_path / "enhanced.dcm")
    scanner.store(scanner.slices(3, EchoTime=30, SeriesInstanceUID="2.25.9"), to="classic")
    chosen = formats.find(tmp_path / "enhanced.dcm", scanner.folder, select="EchoTime=30")
    assert {one.name for one in chosen} == {"enhanced", "classic"}


@pytest.mark.parametrize(("syntax", "said"), [(JPEGBaseline8Bit, "01"), (JPEG2000, "00")])
def test_only_a_syntax_that_may_be_lossless_is_believed_to_be(
    scanner: Any, syntax: Any, said: str
) -> None:
    (dataset,) = scanner.slices(1, LossyImageCompression="00")
    header = Header(Path("x.dcm"), dataset, dataset.SOPClassUID, syntax, 10)
    _remember_loss(dataset, header)
    assert dataset.LossyImageCompression == said


def test_uneven_slices_are_still_refused_when_named_apart(scanner: Any) -> None:
    files = sorted(scanner.store(scanner.slices(5)).iterdir())
    (series,) = formats.find(*files[:2], *files[3:])
    assert "1 slice missing" in series.refusal
    with pytest.raises(IrregularGeometry):
        formats.read(series)
