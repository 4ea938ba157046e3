"""Voxels back to stored integers: scale, bits, padding and window, by their closed forms."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medddim import formats
from medddim.formats import Derivation
from medddim.formats.dicom.pixels import pixels_like, values_of

IDENTITY = Derivation("identity", "Nothing was changed.")


def series(scanner: Any, slopes: Any, *, modality: str, signed: bool, shift: str = "0") -> Any:
    slices = scanner.slices(len(slopes), modality=modality, signed=signed)
    for one, slope in zip(slices, slopes, strict=True):
        one.RescaleSlope, one.RescaleIntercept = slope, shift
    return formats.read(scanner.store(slices))


def test_one_scale_of_all_slices_stays(scanner: Any) -> None:
    volume = series(scanner, ["0.5", "0.5"], modality="MR", signed=False, shift="3")
    found = pixels_like(volume, volume.source)
    assert found.scale == (0.5, 3.0)
    np.testing.assert_array_equal(values_of(found, volume), volume.voxels)


def test_ct_of_several_scales_gets_that_of_hounsfield_units(scanner: Any) -> None:
    volume = series(scanner, ["1", "0.5"], modality="CT", signed=True, shift="-24")
    found = pixels_like(volume, volume.source)
    assert found.scale == (1, -1024)
    assert np.abs(values_of(found, volume) - volume.voxels).max() <= 0.5


@pytest.mark.parametrize(("modality", "signed"), [("CT", False), ("MR", True), ("MR", False)])
@pytest.mark.parametrize("shift", ["5", "-24"])
def test_of_others_it_spans_what_there_is_from_0_on(
    scanner: Any, modality: str, shift: str, *, signed: bool
) -> None:
    volume = series(scanner, ["1", "0.5"], modality=modality, signed=signed, shift=shift)
    found = pixels_like(volume, volume.source)
    low, high = min(float(volume.voxels.min()), 0.0), float(volume.voxels.max())
    assert found.scale == pytest.approx(((high - low) / (32767 if signed else 65535), low))
    assert found.clipped == 0
    assert np.abs(values_of(found, volume) - volume.voxels).max() <= 0.501 * found.scale[0]


def test_a_scan_of_nothing_has_a_scale(scanner: Any) -> None:
    volume = series(scanner, ["1", "0.5"], modality="MR", signed=False)
    found = pixels_like(volume.with_voxels(volume.voxels * 0), volume.source)
    assert found.scale == (1, 0)
    assert not found.stored.any()


@pytest.mark.parametrize(
    ("bits", "signed", "value", "expected"),
    [
        (12, False, 4095, 12), (12, False, 4096, 16), (14, False, 4096, 14), (8, False, 255, 16),
        (12, True, 2047, 12), (12, True, 2048, 16), (12, True, -2048, 12), (12, True, -2049, 16),
    ],
)  # fmt: skip
def test_bits_stay_where_the_values_fit_and_are_at_least_12(
    scanner: Any, tmp_path: Path, *, bits: int, signed: bool, value: int, expected: int
) -> None:
    volume = formats.read(scanner.store(scanner.slices(2, bits=bits, signed=signed)))
    voxels = np.zeros_like(volume.voxels)
    voxels[0, 3, 2, 1] = value
    written = formats.write(volume.with_voxels(voxels), tmp_path, name="x", derivation=IDENTITY)
    first, second = map(pydicom.dcmread, written)
    assert (first.BitsAllocated, first.BitsStored, first.HighBit) == (16, expected, expected - 1)
    assert first.PixelRepresentation == second.PixelRepresentation == int(signed)
    assert second.pixel_array[2, 3] == value
    assert np.count_nonzero(second.pixel_array) == 1
    assert second["PixelData"].VR == "OW"


def test_the_window_of_mr_spans_percentiles_of_the_whole_scan(scanner: Any) -> None:
    volume = series(scanner, ["1", "1"], modality="MR", signed=False)
    low, high = np.percentile(volume.voxels, (1, 99))
    found = pixels_like(volume, volume.source)
    assert found.window == pytest.approx(((low + high) / 2, high - low))
    flat = pixels_like(volume.with_voxels(volume.voxels * 0 + 7), volume.source)
    assert flat.window == (7, 1)


def test_of_a_thick_stack_sixteen_slices_and_more_are_looked_at(scanner: Any) -> None:
    volume = formats.read(scanner.store(scanner.slices(32, shape=(2, 3))))
    low, high = np.percentile(volume.voxels[..., ::2], (1, 99))
    found = pixels_like(volume, volume.source)
    assert found.window == pytest.approx(((low + high) / 2, high - low))


@pytest.mark.parametrize(
    ("centers", "widths", "kept"),
    [
        ("40", "400", True), (["40", "500"], ["400", "2000"], True), ("40", "1", True),
        ("40", "0.5", False), (["40", "500"], "400", False), ("40", None, False),
        (None, None, False), (["40", "500"], ["400", "0"], False),
    ],
)  # fmt: skip
def test_a_window_of_ct_stays_if_a_viewer_can_use_it(
    scanner: Any, tmp_path: Path, *, centers: Any, widths: Any, kept: bool
) -> None:
    slices = scanner.slices(2, modality="CT", WindowCenter=centers, WindowWidth=widths)
    volume = formats.read(scanner.store(slices))
    written = formats.write(volume, tmp_path, name="x", derivation=IDENTITY)
    low, high = np.percentile(volume.voxels, (1, 99))
    for one in map(pydicom.dcmread, written):
        if kept:
            assert np.ravel(one.WindowCenter).tolist() == np.ravel(centers).astype(float).tolist()
            assert np.ravel(one.WindowWidth).tolist() == np.ravel(widths).astype(float).tolist()
        else:
            assert one.WindowCenter == pytest.approx((low + high) / 2, abs=1e-3)
            assert one.WindowWidth == pytest.approx(high - low, abs=1e-3)
