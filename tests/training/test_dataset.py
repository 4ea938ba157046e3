"""Training pairs: keyed by their step, cut from where there is something to see."""

import numpy as np
import pytest

from medddim import formats
from medddim.errors import RecipeError, UnreadableScan
from medddim.formats import Derivation
from medddim.training.dataset import (
    PairSource,
    middle_slices,
    slice_stacks,
)
from medddim.training.scans import load_volumes, require_held_out
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head, textured
from tests.recipes import tiny

CT = {
    "modality": "CT",
    "scaling": {"kind": "window", "window": (0.0, 1000.0)},
    "degradation": {"kind": "low-dose", "dose": (0.1, 0.5), "kernels": ("standard", "sharp")},
    "training": {"batch": 64, "patch": 48},
}


def source(recipe=None, volumes=None):
    return PairSource(recipe or tiny(), volumes or [head(), textured()])


def same(one, other):
    return all(np.array_equal(getattr(one, k), getattr(other, k)) for k in vars(one))


def test_slices_trained_on_are_not_validated_on(tmp_path):
    studies.nifti(tmp_path / "train")
    known = tiny(data={"train": ["train/*"], "validate_on": ["*/head.nii.gz"]}).data
    with pytest.raises(RecipeError, match=r"train/head\.nii\.gz is trained on and validated on"):
        require_held_out(known, tmp_path)
    apart = known.model_copy(update={"train_part": (0.0, 0.5), "validate_part": (0.5, 1.0)})
    require_held_out(apart, tmp_path)


def test_a_batch_is_keyed_by_its_step_not_by_history():
    fresh, used = source(), source()
    for step in (5, 0, 3):
        used.draw(step)
    assert same(fresh.draw(7), used.draw(7))
    assert not same(fresh.draw(7), fresh.draw(8))


def test_planes_too_small_for_a_patch_are_left_out():
    cube = head((40, 36, 20), spacing_mm=(1.0, 1.0, 1.0))
    for patch, planes in ((32, 1), (20, 3)):
        assert len(slice_stacks(tiny(training={"patch": patch}), cube)) == planes


def test_another_seed_is_another_batch():
    assert not same(source().draw(0), source(tiny(training={"seed": 1})).draw(0))


@pytest.mark.parametrize("slices", [1, 3, 5])
def test_shapes_and_ranges(slices):
    recipe = tiny(network={"slices": slices}, training={"batch": 4, "patch": 24})
    pairs = source(recipe).draw(0)
    assert pairs.clean.shape == pairs.scan.shape == (4, slices, 24, 24)
    assert pairs.strength.shape == (4, 1, 1, 1)
    assert pairs.clean.dtype == pairs.scan.dtype == pairs.strength.dtype == np.float32
    assert pairs.scan.min() >= 0
    assert 0.3 < pairs.clean.max() < 1.5


def test_the_noise_is_the_noise_it_says():
    recipe = tiny(training={"batch": 16}, degradation={"level": (0.1, 0.3)})
    pairs = source(recipe, [textured()]).draw(0)
    assert pairs.strength.min() >= 0.1
    assert pairs.strength.max() <= 0.3
    assert np.ptp(pairs.strength) > 0.05
    # The second moment of Rician noise is exact whatever the signal.
    excess = (pairs.scan**2 - pairs.clean**2).mean(axis=(1, 2, 3))
    assert np.sqrt(excess / 2) == pytest.approx(pairs.strength.ravel(), rel=0.2)


def water(slices=2):
    """A rod of water, 4 cm wide."""
    x, y = np.mgrid[-32:32, -32:32]
    disc = np.where(np.hypot(x, y) < 24, 0.0, -1000.0)
    voxels = np.repeat(disc[None, :, :, None], slices, 3).astype(np.float32)
    return Volume(voxels, np.diag([0.8, 0.8, 5.0, 1.0]), modality="CT", unit="HU")


def test_low_dose_tells_what_the_noise_is():
    """The noise of the middle of the patch is about what the network is given, at every dose."""
    pairs = source(tiny(**CT), [water()]).draw(0)
    inside = pairs.clean > -0.1
    added = [
        np.std(noise, where=where)
        for noise, where in zip(pairs.scan - pairs.clean, inside, strict=True)
    ]
    assert np.array(added) == pytest.approx(pairs.strength.ravel(), rel=0.25)
    assert pairs.strength.max() > 3 * pairs.strength.min()


def test_low_dose_is_a_share_of_the_scans_own_dose():
    """Half the dose adds as much noise as the scan has: it is noisy, so its dose was low."""
    scan = water()
    noise = np.random.default_rng(0).normal(0, 20, scan.voxels.shape)
    noisy = scan.with_voxels(np.where(scan.voxels > -500, scan.voxels + noise, scan.voxels))
    half = {**CT["degradation"], "dose": (0.5, 0.5), "kernels": ("standard",)}
    pairs = source(tiny(**{**CT, "degradation": half}), [noisy]).draw(0)
    added = np.std(pairs.scan - pairs.clean, where=pairs.clean > -0.5)
    assert 1000 * added == pytest.approx(20, rel=0.25)


def test_a_mean_of_two_patches_is_less_noisy_and_labelled_so():
    scan = water()
    noise = np.random.default_rng(0).normal(0, 40, scan.voxels.shape)
    noisy = scan.with_voxels(np.where(scan.voxels > -500, scan.voxels + noise, scan.voxels))
    little = {**CT["degradation"], "dose": (0.9, 0.95)}
    recipe = tiny(**{**CT, "degradation": little}, data={"mixed": 1.0})
    pairs = source(recipe, [noisy]).draw(0)
    inside = np.s_[:, :, 20:28, 20:28]
    stands = pairs.clean[inside].mean(axis=(1, 2, 3)) > -0.01  # in water, both of them
    assert stands.sum() > 20
    own = 1000 * pairs.clean[inside][stands].std(axis=(1, 2, 3))
    assert own.max() < 1.15 * 40
    assert own.mean() == pytest.approx(40 * 0.79, rel=0.1)  # rms of (w, 1 - w), w even in 1/2..1
    seen = pairs.scan[inside][stands].std(axis=(1, 2, 3))
    given = pairs.strength.ravel()[stands]
    assert (given / seen).mean() == pytest.approx(1, abs=0.1)
    assert np.corrcoef(given, seen)[0, 1] > 0.7


def test_a_share_of_none_draws_what_it_always_drew():
    assert same(source().draw(3), source(tiny(data={"mixed": 0.0})).draw(3))
    assert not same(source().draw(3), source(tiny(data={"mixed": 1.0})).draw(3))


def test_coarser_pixels_are_a_second_scan_unless_slices_lie_as_close():
    def sizes(volume):
        recipe = tiny(data={"coarser": True}, training={"patch": 20})
        return [stacks[0].images.shape[1:] for stacks in source(recipe, [volume]).scans]

    assert sizes(head((48, 44, 6))) == [(6, 48, 44), (6, 24, 22)]
    assert sizes(head((48, 44, 6), spacing_mm=(1.0, 1.0, 1.5))) == [(6, 48, 44)]


def test_low_dose_noise_is_never_the_same_twice():
    scans = source(tiny(**CT), [water()]).draw(0)
    noise = (scans.scan - scans.clean)[:, 1].reshape(64, -1)
    alike = np.corrcoef(noise) - np.eye(64)
    assert np.abs(alike).max() < 0.999


def test_thin_stacks_are_drawn_less_often_than_thick_ones_but_not_rarely():
    shares = source(tiny(), [head((48, 44, 1)), head((48, 44, 16))]).shares
    assert shares == pytest.approx([0.2, 0.8])


def test_patches_are_turned_and_brightened():
    recipe = tiny(training={"batch": 32}, data={"intensity_jitter": (0.5, 2.0)})
    x = np.broadcast_to(np.arange(1, 49).reshape(-1, 1, 1), (48, 44, 6)).astype(np.float32)
    clean = source(recipe, [Volume(x[None], np.diag([1, 1, 3, 1.0]))]).draw(0).clean[:, 1]
    along = [np.sign(np.diff(clean, axis=axis).mean(axis=(1, 2))) for axis in (1, 2)]
    assert {*along[0]} == {*along[1]} == {-1, 0, 1}
    steps = np.abs(np.diff(clean, axis=1)).max(axis=(1, 2)) + np.abs(np.diff(clean)).max(
        axis=(1, 2)
    )
    assert steps.max() / steps.min() > 2


def test_patches_show_something():
    """A small object in much air: a blind draw would mostly hit nothing."""
    voxels = np.zeros((1, 160, 160, 6))
    voxels[:, 20:60, 20:60] = head((40, 40, 6)).voxels
    lonely = Volume(voxels, head().affine)
    clean = source(tiny(training={"batch": 256}), [lonely]).draw(0).clean[:, 1]
    assert ((clean > 0.1).mean(axis=(1, 2)) > 0.1).mean() > 0.8


def test_thick_slices_are_cut_in_one_plane_isotropic_scans_in_three():
    def shapes(volume):
        return sorted(stack.images.shape[1:] for stack in slice_stacks(tiny(), volume))

    assert shapes(head((40, 36, 6))) == [(6, 40, 36)]
    cube = head((40, 36, 34), spacing_mm=(1.0, 1.05, 1.0))
    assert shapes(cube) == [(34, 40, 36), (36, 40, 34), (40, 36, 34)]
    sagittal = head((6, 40, 36), spacing_mm=(3.0, 1.0, 1.0))
    assert shapes(sagittal) == [(6, 40, 36)]
    assert shapes(head((40, 36, 1), spacing_mm=(1.0, 1.0, 1.0))) == [(1, 40, 36)]


def test_every_channel_is_a_scan_of_its_own():
    scan = head((40, 36, 6))
    two = scan.with_voxels(np.concatenate([scan.voxels, scan.voxels / 2]))
    one, half = slice_stacks(tiny(), two)
    assert half.images == pytest.approx(one.images / 2)


def test_a_patch_larger_than_a_slice_is_refused_with_the_sizes():
    with pytest.raises(RecipeError, match="patch is 64, but the smallest slice has only 44"):
        source(tiny(training={"patch": 64}))


@pytest.fixture
def root(tmp_path):
    how = Derivation("identity", "a phantom")
    for name in ("b", "a", "c"):
        formats.write(head(), tmp_path / "train", name=name, derivation=how)
    return tmp_path


def test_scans_are_found_by_pattern_once_in_order(root):
    volumes = load_volumes(root, ["train/b*", "train/*.nii.gz"])
    assert list(volumes) == ["train/a.nii.gz", "train/b.nii.gz", "train/c.nii.gz"]
    assert np.array_equal(volumes["train/a.nii.gz"].voxels, head().voxels)


def test_a_pattern_without_a_match_is_reported(root):
    with pytest.raises(UnreadableScan, match=r"nothing below .* matches 'tarin/\*'"):
        load_volumes(root, ["train/*", "tarin/*"])


def test_a_3d_patch_deeper_than_every_scan_is_refused():
    recipe = tiny(network={"spatial_dims": 3, "slices": 1}, training={"patch": 16})
    with pytest.raises(RecipeError, match="no scan has that many slices"):
        source(recipe)


@pytest.mark.parametrize(("count", "first"), [(3, 2), (8, 0), (20, 0)])
def test_middle_slices_stay_where_they_are(count, first):
    scan = head((20, 18, 8))
    middle = middle_slices(scan, count)
    assert np.array_equal(middle.voxels, scan.voxels[..., first : first + count])
    assert np.allclose(middle.affine @ [1, 2, 0, 1], scan.affine @ [1, 2, first, 1])
