"""A series as it is decoded: what belongs to each slice, and what changed since it was found."""

import re
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.errors import UnreadableScan
from medddim.formats.dicom import read
from tests.formats import enhanced


def test_a_part_that_is_no_more_is_no_other(scanner: Any) -> None:
    slices = scanner.slices(6)
    del slices[3]
    folder = scanner.store(slices)
    first, second = formats.find(folder, on_gap="split")
    assert (first.part, second.part) == (0, 1)
    scanner.store(scanner.slices(6)[:5])  # the gap is gone
    assert formats.read(first).shape[2] == 5
    said = re.escape(f"{folder}: the files changed since they were found; find them again")
    with pytest.raises(UnreadableScan, match=f"^{said}"):
        formats.read(second)


def test_each_slice_names_the_images_it_was_made_from_the_nearest_first(scanner: Any) -> None:
    slices = scanner.slices(6)
    del slices[2:4]
    volume = formats.read(scanner.store(slices), on_gap="interpolate")
    assert volume.source.slices == ((0,), (1,), (1, 2), (2, 1), (2,), (3,))
    assert volume.source.made == (False, False, True, True, False, False)


def test_the_slices_of_each_stack_name_its_own_images(scanner: Any) -> None:
    slices = [*scanner.slices(3, EchoTime=9), *scanner.slices(3, EchoTime=20)]
    for number, one in enumerate(slices):
        one.SOPInstanceUID, one.InstanceNumber = f"2.25.9{number}", number + 1
    source = formats.read(scanner.store(slices)).source
    assert (source.channels, source.shape) == (2, (7, 5, 3))
    assert source.slices == tuple((number,) for number in range(6))
    assert [str(one.ReferencedSOPInstanceUID) for one in source.origins] == [
        f"2.25.9{number}" for number in range(6)
    ]


@pytest.mark.parametrize("frames", [3, 1])
def test_a_frame_is_referred_to_by_its_number_in_the_file(scanner: Any, frames: int) -> None:
    path = scanner.folder / "series" / "a.dcm"
    written = enhanced.store(scanner.slices(frames), path)
    volume = formats.read(path)
    assert volume.shape == (7, 5, frames)
    for number, item in enumerate(volume.source.origins, 1):
        assert item.ReferencedSOPClassUID == written.SOPClassUID
        assert item.ReferencedSOPInstanceUID == written.SOPInstanceUID
        assert item.ReferencedFrameNumber == number


@pytest.mark.parametrize(
    ("technique", "gated"), [(None, False), ("NONE", False), ("PROSPECTIVE", True)]
)
def test_a_trigger_time_counts_where_there_is_a_trigger(technique: Any, *, gated: bool) -> None:
    dataset = Dataset()
    if technique:
        dataset.CardiacSynchronizationTechnique = technique
    assert read._is_gated(dataset) is gated


@pytest.mark.parametrize(
    ("signal", "before", "after"),
    [(None, None, "CG"), ("ECG", None, "CG"), ("PP", None, "PPG"), ("PP", "RG", "RG")],
)
def test_a_classic_image_names_its_trigger(signal: Any, before: Any, after: str) -> None:
    dataset = Dataset()
    dataset.TriggerTime, dataset.CardiacSignalSource, dataset.ScanOptions = "500", signal, before
    read._settle_trigger(dataset, gated=True)
    assert (dataset.ScanOptions, dataset.TriggerTime) == (after, 500)
    read._settle_trigger(dataset, gated=False)
    assert "TriggerTime" not in dataset
    untimed = Dataset()
    read._settle_trigger(untimed, gated=True)
    read._settle_trigger(untimed, gated=False)
    assert len(untimed) == 0


def padded(value: Any, limit: Any = None, dtype: Any = np.int16) -> list[int]:
    dataset = Dataset()
    if value is not None:
        dataset.PixelPaddingValue = value
    if limit is not None:
        dataset.PixelPaddingRangeLimit = limit
    stored = np.array([[-2000, -1000, -1, 0, 1, 63536]]).astype(dtype)
    return np.flatnonzero(read._outside(dataset, stored)).tolist()


@pytest.mark.filterwarnings("ignore:.*VR:UserWarning")
def test_padding_is_a_value_or_a_range_whatever_its_sign() -> None:
    assert padded(None) == padded(None, 1) == []
    assert padded(0) == [3]
    assert padded(-1000, 0) == padded(0, -1000) == [1, 2, 3]
    assert padded(63536) == padded(-2000) == [0, 5]  # the same bits
    assert padded(-2000, dtype=np.uint16) == [0, 5]


@pytest.mark.parametrize(("bits", "expected"), [(16, -28672), (15, 4096), (12, 0), (13, -4096)])
def test_bits_above_those_stored_do_not_count(bits: int, expected: int) -> None:
    dataset = Dataset()
    dataset.BitsStored = bits
    stored = np.array([[0x9000]], np.uint16)
    signed = read._without_spare_bits(stored.astype(np.int16), dataset)
    assert (signed.dtype, signed.tolist()) == (np.int16, [[expected]])
    unsigned = read._without_spare_bits(stored, dataset)
    assert (unsigned.dtype, unsigned.tolist()) == (np.uint16, [[0x9000 & (2**bits - 1)]])


@pytest.mark.parametrize(
    ("said", "unit"), [(None, "HU"), ("", "HU"), ("hu ", "HU"), ("US", ""), ("MGML", "")]
)
def test_ct_is_in_hounsfield_units_unless_it_says_another(
    scanner: Any, said: Any, unit: str
) -> None:
    slices = scanner.slices(2, modality="CT")
    for one in slices:
        one.RescaleType = said
    assert formats.read(scanner.store(slices)).unit == unit
