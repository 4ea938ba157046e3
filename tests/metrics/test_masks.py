"""The masks: what is in, what is out, and that nothing moves them."""

import numpy as np
import pytest

from medddim.errors import ScoreError
from medddim.metrics import body, foreground


def ball(shape, *, centre, radius):
    grid = np.indices(shape)
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True)))
    return distance < radius


SHAPE = (48, 48, 20)
HEAD = ball(SHAPE, centre=(24, 24, 10), radius=16)
SINUS = ball(SHAPE, centre=(24, 30, 10), radius=4)


def test_foreground_is_the_head_with_its_dark_cavities_and_without_the_noise_in_air():
    noise = np.random.default_rng(0).rayleigh(20, SHAPE)
    scan = np.where(HEAD & ~SINUS, 1000.0, 0.0) + noise
    mask = foreground(scan)
    assert mask[SINUS].all()
    assert mask[HEAD].mean() > 0.99
    grown = ball(SHAPE, centre=(24, 24, 10), radius=19)
    assert not mask[~grown].any()


def test_foreground_does_not_depend_on_the_scale_and_is_repeatable():
    scan = np.where(HEAD, 1000.0, 5.0)
    assert np.array_equal(foreground(scan), foreground(0.001 * scan))
    assert np.array_equal(foreground(np.stack([scan, scan])), foreground(scan))


def test_small_parts_are_dropped_and_two_legs_are_kept():
    legs = ball(SHAPE, centre=(12, 24, 10), radius=8) | ball(SHAPE, centre=(36, 24, 10), radius=7)
    speck = ball(SHAPE, centre=(44, 44, 10), radius=2)
    mask = foreground(np.where(legs | speck, 500.0, 0.0))
    assert mask[legs].mean() > 0.95
    assert not mask[speck].any()


@pytest.mark.parametrize("axis", [0, 2])
def test_body_fills_the_lungs_within_each_slice(axis):
    lung = ball(SHAPE, centre=(24, 24, 10), radius=6)
    scan = np.where(HEAD, 40.0, -1000.0)
    scan[lung] = -850.0
    turned = np.moveaxis(scan, 2, axis)
    mask = np.moveaxis(body(turned, slice_axis=axis), axis, 2)
    assert np.array_equal(mask, HEAD)


def test_a_scan_without_an_object_is_refused():
    with pytest.raises(ScoreError, match="signal above 0"):
        foreground(np.zeros(SHAPE))
    with pytest.raises(ScoreError, match="in HU"):
        body(np.full(SHAPE, -1000.0))
