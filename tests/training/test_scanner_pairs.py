"""Pairs of simulated acquisitions for a network that reads the noise."""

import numpy as np
import pytest

from medddim.errors import RecipeError
from medddim.recipe import ScalingRecipe
from medddim.training.acquired import source_of
from medddim.training.scanner_pairs import ScannerPairs, blurred
from medddim.volume import Volume
from tests.phantoms import textured
from tests.recipes import tiny

SCANNER = {"kind": "mr-scanner", "level": (0.02, 0.15)}


def recipe(*, training=None, **degradation):
    return tiny(
        network={"kind": "noise-unet", "widths": (8, 8, 8)},
        degradation={**SCANNER, **degradation},
        training={"batch": 3, "patch": 24, **(training or {})},
    )


def isotropic(seed=0):
    return Volume(textured((64, 60, 48), seed=seed).voxels, np.eye(4), "MR")


def thick():
    return Volume(textured((72, 80, 20)).voxels, np.diag([1.0, 1.0, 4.0, 1.0]), "MR")


def slab(axis):
    """Isotropic voxels, too thin for a cube."""
    voxels = np.moveaxis(textured((64, 72, 12)).voxels, 3, 1 + axis)
    return Volume(voxels, np.eye(4), "MR")


@pytest.mark.parametrize("axis", [0, 1, 2], ids="xyz")
def test_a_thin_slab_of_isotropic_voxels_is_learnt_from(axis):
    (pair,) = drawn([slab(axis)], count=1)
    assert pair.clean.shape[2] <= 12
    assert pair.clean.shape[3:] == (24, 24)
    assert source_of(ScalingRecipe(), slab(axis)).largest_patch == 40
    assert source_of(ScalingRecipe(), isotropic()).largest_patch == 48


def drawn(scans, count=6, **changed):
    source = ScannerPairs(recipe(**changed), scans)
    return [source.draw(step) for step in range(count)]


def test_a_step_draws_the_same_again_and_another_something_else():
    source = ScannerPairs(recipe(), [isotropic(), thick()])
    one, again, other = source.draw(3), source.draw(3), source.draw(4)
    assert np.array_equal(one.scan, again.scan)
    assert one.scan.shape != other.scan.shape or not np.array_equal(one.scan, other.scan)


@pytest.fixture
def well_read(monkeypatch):
    """Level and correlations are stated with the smaller of the two errors only."""
    monkeypatch.setattr("medddim.training.scanner_pairs.LEVEL_ERRORS", (0.04, 0.04))
    monkeypatch.setattr("medddim.training.scanner_pairs.LAG_ERRORS", (0.02, 0.02))
    monkeypatch.setattr("medddim.training.scanner_pairs.RIPPLED", 0.0)


def test_what_is_known_of_the_noise_is_true(well_read):
    """Level and correlation against the noise that was added, over patches of 24 voxels."""
    for pair in drawn([isotropic()], inserts=0.0, partial=0.0, multi_coil=0.0, thick_slices=0.0):
        assert pair.strength.shape == (3, 8, 24, 24, 24)
        for clean, scan, maps, own in zip(
            pair.clean, pair.scan, pair.strength, pair.own, strict=True
        ):
            bright = clean[0] > 3 * maps[0]
            if bright.mean() < 0.8:
                continue
            noise = np.where(bright, (scan - clean)[0], 0) / np.sqrt(1 - own[0] ** 2)
            assert noise[bright].std() == pytest.approx(maps[0].mean(), rel=0.35)
            for axis in range(3):
                found = np.mean(noise * np.roll(noise, 1, axis)) / np.mean(noise**2)
                assert found == pytest.approx(maps[1 + 2 * axis].mean(), abs=0.25)


def test_thick_slices_are_not_filtered_across_and_say_how_thick_they_are(well_read):
    for pair in drawn([thick()], thick_slices=1.0):
        slices = pair.clean.shape[2]
        assert np.allclose(pair.strength[:, 7], np.log2(4) / 4, atol=0.01)
        expected = 1.0 if slices == 1 else 0.0
        assert pair.strength[:, 1].mean() == pytest.approx(expected, abs=0.05)


def test_inserts_weigh_more_and_are_in_both_halves():
    plain = drawn([isotropic()], inserts=0.0)
    assert all(pair.weight.max() <= 1 for pair in plain)
    pairs = drawn([isotropic()], inserts=1.0)
    assert any(pair.weight.max() > 3 for pair in pairs)


def test_the_own_noise_of_a_noisy_scan_is_read_and_never_louder_than_what_is_added(monkeypatch):
    even = np.ones((1, 1, 1), np.float32)  # where the g-factor is below 1, less is added
    monkeypatch.setattr(ScannerPairs, "_g_map", lambda self, shape, generator: even)
    generator = np.random.default_rng(0)
    flat = np.full((1, 64, 64, 64), 1000.0)
    flat[:, :8] = 0
    noisy = Volume(np.hypot(flat + 40 * generator.standard_normal(flat.shape), 0), np.eye(4), "MR")
    source = ScannerPairs(recipe(), [noisy])
    # the scan's bright end is a little above 1000; 0.7 of the 4 % counts
    assert source.isotropic[0].noise == pytest.approx(0.7 * 0.036, rel=0.15)
    for step in range(5):
        assert source.draw(step).own.max() <= 0.641 + 1e-3


def test_without_room_for_a_patch_it_says_so():
    with pytest.raises(RecipeError, match="no scan has room for a patch of 80"):
        ScannerPairs(recipe(training={"patch": 80}), [isotropic()])


def test_maps_are_stated_with_waves_in_some_pairs(monkeypatch):
    even = {"inserts": 0.0, "partial": 0.0, "thick_slices": 0.0, "white": 1.0}
    spreads = []
    for share in (0.0, 1.0):
        monkeypatch.setattr("medddim.training.scanner_pairs.RIPPLED", share)
        pairs = drawn([isotropic()], **even)
        maps = [maps[0] for pair in pairs for maps in pair.strength]
        spreads.append(np.median([one.std() / one.mean() for one in maps]))
    assert spreads[1] > spreads[0] + 0.02


@pytest.mark.parametrize("wider", [1.0, 4.0])
def test_what_blur_leaves_of_white_noise_is_as_it_says(wider):
    noise = np.random.default_rng(0).normal(0, 1, (48, 48, 48)).astype(np.float32)
    smooth, left = blurred(noise, 0.7, wider=wider)
    assert smooth.std() == pytest.approx(left, rel=0.02)
    assert left < 0.75
