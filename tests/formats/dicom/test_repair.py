"""Voxels where none were measured, by arrays alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medddim.errors import UnreadableScan
from medddim.formats.dicom.repair import Held, Stack, filled, frozen, upright
from medddim.formats.dicom.shear import Shear


def image(value: float, dtype: Any = np.int16) -> Any:
    return SimpleNamespace(
        values=np.full((2, 3), value, np.float32),
        stored=np.full((2, 3), 10 * value, dtype),
        outside=np.arange(6).reshape(2, 3) == value,
        path=Path("/scans/1.dcm"),
    )


def stack(values: Any, outside: Any = None) -> Stack:
    values = np.array(values, np.float32)
    nowhere = np.zeros(values.shape, bool)
    return Stack(values, (10 * values).astype(np.int16), nowhere if outside is None else outside)


def test_images_are_moved_into_one_array_of_each_kind() -> None:
    held, images = Held(3), [image(value) for value in (1, 2, 5)]
    for one in images:
        assert held.taken(one) is one
    values, stored, outside = held.arrays
    assert [array.dtype for array in held.arrays] == [np.float32, np.int16, bool]
    for k, value in enumerate((1, 2, 5)):
        assert (values[k] == value).all()
        assert (stored[k] == 10 * value).all()
        assert np.flatnonzero(outside[k]).tolist() == [value]
        assert images[k].values.base is values
        assert images[k].stored.base is stored
        assert images[k].outside.base is outside


def test_images_of_two_types_are_no_series() -> None:
    held = Held(2)
    held.taken(image(1))
    with pytest.raises(UnreadableScan, match=r"^/scans: signed and unsigned slices in one series"):
        held.taken(image(1, np.uint16))


def test_a_frozen_view_cannot_be_written_through_its_base() -> None:
    base = np.zeros((2, 3))
    view = frozen(base.T)
    assert not view.flags.writeable
    assert not base.flags.writeable


def test_nothing_is_filled_where_nothing_is_missing() -> None:
    whole = stack([[[1]], [[2]]])
    assert filled(whole, np.array([0.0, 1.0])) is whole


def test_a_missing_slice_is_weighted_by_its_distance() -> None:
    found = filled(stack([[[0, 8]], [[4, 0]]]), np.array([0, 0.25, 0.5, 1]))
    np.testing.assert_array_equal(found.values[:, 0], [[0, 8], [1, 6], [2, 4], [4, 0]])
    assert not found.outside.any()


def test_beside_padding_a_missing_voxel_is_padding() -> None:
    outside = np.array([[[True, False, False]], [[False, True, False]]])
    found = filled(stack([[[-9, 8, 2]], [[4, -7, 4]]], outside), np.array([0, 0.5, 1]))
    assert found.values[1, 0].tolist() == [-9, -7, 3]
    assert found.stored[1, 0, :2].tolist() == [-90, -70]
    assert found.outside[:, 0].tolist() == [
        [True, False, False], [True, True, False], [False, True, False],
    ]  # fmt: skip


def test_whole_voxels_move_as_they_are_and_the_rest_is_the_least_of_the_scan() -> None:
    values = np.arange(1.0, 13).reshape(2, 2, 3)
    found = upright(stack(values), Shear(np.array([1.0, -1.0]), (3, 2), 2, 45.0))
    expected = np.ones((2, 3, 4))
    expected[0, 1:, :3], expected[1, :2, 1:] = values[0], values[1]
    np.testing.assert_allclose(found.values, expected, atol=1e-4)
    assert not found.outside.any()
    assert (found.stored == 10).all()


def test_where_there_is_padding_no_slice_covers_padding() -> None:
    values = np.arange(1.0, 13).reshape(2, 2, 3)
    outside = np.zeros(values.shape, bool)
    outside[0, 0, 0] = True
    values[0, 0, 0] = -5
    found = upright(stack(values, outside), Shear(np.array([1.0, 0.0]), (3, 2), 2, 45.0))
    covered = np.zeros((2, 2, 4), bool)
    covered[0, :, :3] = covered[1, :, 1:] = True
    covered[0, 0, 0] = False
    np.testing.assert_array_equal(found.outside, ~covered)
    assert (found.values[~covered] == -5).all()
    assert (found.stored[~covered] == -50).all()
    np.testing.assert_allclose(found.values[1, :, 1:], values[1], atol=1e-4)


def test_padding_alone_stays_padding() -> None:
    nothing = stack(np.full((2, 2, 3), -5.0), np.ones((2, 2, 3), bool))
    found = upright(nothing, Shear(np.array([1.0, 0.0]), (3, 2), 2, 45.0))
    assert found.outside.all()
    assert (found.values == -5).all()
