"""Scaling: reversible, and with known anchors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medddim.scaling import Scaling
from medddim.volume import Volume
from tests.phantoms import head


def volume(voxels):
    return Volume(voxels, np.eye(4))


@given(
    offset=st.floats(-2000, 2000),
    scale=st.floats(1e-3, 1e5),
    value=st.floats(-3, 3, width=32),
)
def test_undo_inverts_apply(offset, scale, value):
    scaling = Scaling(offset, scale)
    stored = np.float32(offset + value * scale) * np.ones(1, np.float32)
    tolerance = 1e-6 * (abs(offset) + abs(scale) * 3)
    assert scaling.undo(scaling.apply(stored)) == pytest.approx(stored, abs=tolerance)


def test_percentile_sends_zero_to_zero_and_the_percentile_to_one():
    scan = head()
    scaling = Scaling.fit(scan, percentile=90)
    assert scaling.offset == 0
    assert scaling.scale == pytest.approx(np.percentile(scan.voxels, 90))


def test_percentile_follows_the_gain_of_the_scanner():
    scan = head()
    louder = scan.with_voxels(scan.voxels * 37)
    one, other = (Scaling.fit(v).apply(v.voxels) for v in (scan, louder))
    assert other == pytest.approx(one, abs=1e-6)


@pytest.mark.parametrize(("side", "expected"), [(40, 1.0), (4, 2.0)])
def test_a_subject_that_fills_next_to_nothing_is_not_measured_by_the_air_around_it(side, expected):
    voxels = np.ones((1, 100, 100, 5))
    voxels[0, 10 : 10 + side, 10 : 10 + side] = 50
    air = volume(voxels)
    scaled = Scaling.fit(air).apply(air.voxels)
    small = side**2 / 100**2 < 0.005
    assert scaled[0, 10, 10, 0] == pytest.approx(expected)
    assert (np.percentile(voxels, 99.5) == 1) == small


def test_window_sends_its_ends_to_zero_and_one_and_clips_nothing():
    scaling = Scaling.fit(volume(np.zeros((1, 2, 2, 2))), kind="window", window=(-1000, 1000))
    hu = np.array([-1000, 1000, 3000], np.float32)
    assert scaling.apply(hu).tolist() == [0, 1, 2]
    assert scaling.undo(scaling.apply(hu)).tolist() == hu.tolist()


@pytest.mark.parametrize("value", [0.0, -5.0])
def test_a_scan_without_positive_signal_keeps_its_values(value):
    scan = volume(np.full((1, 3, 3, 3), value))
    scaling = Scaling.fit(scan)
    assert (scaling.offset, scaling.scale) == (0, 1)
    assert np.array_equal(scaling.apply(scan.voxels), scan.voxels)


def test_float32_stays_float32():
    scaling = Scaling(3.0, 7.0)
    assert scaling.apply(head().voxels).dtype == np.float32
    assert scaling.undo(head().voxels).dtype == np.float32
