"""Super-resolution: a finer grid of the same extent, and what was measured is kept."""

import nibabel
import numpy as np
import pytest

from medddim import formats
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.inference.enhancer import Enhancer
from medddim.inference.plan import plan_scan
from medddim.inference.settings import Settings
from medddim.inference.suitability import factors_of
from medddim.volume import Volume
from tests.phantoms import head, oblique
from tests.recipes import tiny
from tests.studies import enhancer

FINER = {
    "task": "superresolve",
    "network": {"spatial_dims": 3, "slices": 1, "widths": (4, 4, 4), "maps": 3, "sees_scan": True},
    "diffusion": {"path": "variance-preserving", "prediction": "residual"},
    "degradation": {"kind": "larger-voxels", "factors": ((4, 1, 1), (2, 2, 2), (3, 1, 1))},
}


def scan(shape=(14, 12, 5), low=0.0, axis=2):
    voxels = np.random.default_rng(0).gamma(1.0, 300.0, (2, *shape)) + low
    spacing = np.roll([4.0, 1.0, 1.1], axis)
    return Volume(voxels, oblique(tuple(spacing)), "MR")


@pytest.mark.parametrize("size", [(1, 24, 20), (24, 20, 1)])
def test_one_slice_is_not_cut_into_several(size):
    single = Volume(np.ones((1, *size)), oblique((1.0, 1.0, 3.0)), "MR")
    with pytest.raises(UnsupportedScan, match="one voxel along an axis that is to become finer"):
        factors_of(enhancer("fp32", **FINER).recipe, single, 4)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("low", [0.0, -60.0])
@pytest.mark.parametrize("factor", [4, 3, (2, 2, 2), (1, 4, 1)])
def test_what_was_measured_is_kept(factor, low, steps):
    """The shape is odd, the network untrained, its numbers bf16: consistency hangs on neither."""
    coarse, wired = scan(low=low), enhancer("bf16", **FINER)
    fine = wired(coarse, factor=factor, steps=steps)
    larger = LargerVoxels(factors_of(wired.recipe, coarse, factor))
    again = larger(fine, np.random.default_rng(0))
    again.require_same_grid(coarse)
    assert np.abs(again.voxels - coarse.voxels).max() <= 1e-4 * np.ptp(coarse.voxels)
    assert np.abs(fine.voxels - larger.finer(coarse).voxels).max() > 0.01 * np.ptp(coarse.voxels)
    if low == 0:
        assert fine.voxels.min() >= 0


def test_what_was_measured_is_kept_in_a_file_whose_source_holds_small_integers(tmp_path):
    """Rounded to the source's integers the means would be off by a share of one unit in fifty."""
    integers = np.random.default_rng(0).integers(0, 50, (12, 10, 5), dtype=np.int16)
    nibabel.save(
        nibabel.Nifti1Image(integers, oblique((1.0, 1.1, 4.0))), tmp_path / "coarse.nii.gz"
    )
    coarse = formats.read(tmp_path / "coarse.nii.gz").taken_for("MR")
    formats.write(enhancer("bf16", **FINER)(coarse, factor=4), tmp_path / "out", name="fine")
    again = LargerVoxels((1, 1, 4)).mean(formats.read(tmp_path / "out" / "fine.nii.gz").voxels[0])
    assert np.abs(again - coarse.voxels[0]).max() <= 1e-4 * np.ptp(coarse.voxels)


def test_every_preview_is_consistent_and_the_last_is_the_answer():
    coarse, wired = scan(low=-60), enhancer(**FINER)
    previews = list(wired.previews(coarse, factor=4, steps=3))
    for preview in previews:
        means = LargerVoxels((1, 1, 4)).mean(preview.voxels[0])
        assert np.abs(means - coarse.voxels[0]).max() <= 1e-4 * np.ptp(coarse.voxels)
    assert np.array_equal(previews[-1].voxels, wired(coarse, factor=4, steps=3).voxels)
    assert not np.allclose(previews[0].voxels, previews[-1].voxels)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_number_is_the_factor_of_the_slices_wherever_they_lie(axis):
    shape = tuple(np.roll([5, 14, 12], axis))
    fine = enhancer("bf16", **FINER)(scan(shape, axis=axis), factor=4)
    assert fine.shape == tuple(n * (4 if a == axis else 1) for a, n in enumerate(shape))


def test_the_axis_of_the_factor_does_not_change_the_answer():
    """The network always sees the coarse axis first."""
    coarse = scan(low=-100)
    turned = Volume(coarse.voxels.transpose(0, 3, 1, 2), oblique((4.0, 1.0, 1.1)), "MR")
    straight, other = (enhancer(**FINER)(s, factor=4) for s in (coarse, turned))
    difference = np.abs(straight.voxels.transpose(0, 3, 1, 2) - other.voxels).max()
    assert difference <= 1e-4 * np.ptp(coarse.voxels)


@pytest.mark.parametrize("factor", [5, (4, 2, 1), 1])
def test_an_untrained_factor_is_refused_with_the_known_ones(factor):
    with pytest.raises(UnsupportedScan, match=r"factors 4x1x1, 2x2x2, 3x1x1, in any order"):
        enhancer("bf16", **FINER)(scan(), factor=factor)


@pytest.mark.parametrize(
    ("spacing_mm", "factor", "remark"),
    [
        ((1.0, 1.0, 1.0), 4, "1×1×1 mm become 1×1×0.25 mm"),
        ((1.0, 1.0, 1.0), (2, 2, 2), ""),
        ((1.0, 1.0, 1.0), (1, 4, 1), "1×1×1 mm become 1×0.25×1 mm"),
        ((1.0, 1.0, 3.0), 4, ""),
        ((1.0, 1.0, 1.5), 4, "1×1×1.5 mm become 1×1×0.375 mm"),
    ],
)
def test_finer_slices_of_a_scan_that_needs_none_are_remarked_on(spacing_mm, factor, remark):
    facts = plan_scan(tiny(**FINER), head(spacing_mm=spacing_mm), Settings(factor=factor)).facts
    assert ("warning" in facts) == bool(remark)
    assert remark in facts.get("warning", "")


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (1.0, 1.0, 3.0)])
def test_a_finer_matrix_is_no_reason_to_remark(spacing_mm):
    recipe = tiny(**FINER | {"degradation": {"kind": "larger-voxels", "factors": ((2, 2, 1),)}})
    facts = plan_scan(recipe, head(spacing_mm=spacing_mm), Settings(factor=(2, 2, 1))).facts
    assert "warning" not in facts


def test_a_denoiser_takes_no_factor():
    with pytest.raises(RequestProblem, match="takes no factor"):
        Enhancer.load("mr-denoise", device="cpu")(scan(), factor=2)


def test_fidelity_blends_the_first_and_the_last_estimate():
    coarse, wired = scan(low=-60), enhancer(**FINER)
    one, many = wired(coarse, factor=4), wired(coarse, factor=4, steps=3)
    assert np.array_equal(wired(coarse, factor=4, steps=3, fidelity=1.0).voxels, one.voxels)
    half = wired(coarse, factor=4, steps=3, fidelity=0.5)
    assert half.voxels == pytest.approx((one.voxels + many.voxels) / 2, abs=1e-3)
