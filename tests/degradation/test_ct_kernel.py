"""Kernels: what they keep of a frequency, and that a change applies their ratio."""

import numpy as np
import pytest

from medddim.degradation import KernelChange, LowDose
from medddim.degradation.ct_kernel import CUTOFFS_PER_MM, mtf
from medddim.errors import MedddimError, UnsupportedScan
from medddim.volume import Volume

NOTHING = np.random.default_rng(0)
SIZE, PIXEL_MM = 100, 0.5


def waves(per_mm):
    """A CT that is 40 HU plus a wave of 100 HU along x, mirrored at its borders as it is."""
    x = (np.arange(SIZE) + 0.5) * PIXEL_MM
    line = 40 + 100 * np.cos(2 * np.pi * per_mm * x)
    voxels = np.broadcast_to(line[:, None, None], (1, SIZE, SIZE, 3))
    return Volume(voxels, np.diag([-PIXEL_MM, -PIXEL_MM, 2.0, 1.0]), "CT", "HU")


def test_the_standard_kernel_is_the_one_of_the_source():
    assert mtf("standard", [0, 0.35, 0.7, 2.0]) == pytest.approx([1, 0.5, 0, 0])
    assert mtf("standard", 0.56) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("per_mm", [0.1, 0.2, 0.4])
@pytest.mark.parametrize(("source", "kernel"), [("sharp", "standard"), ("standard", "soft")])
def test_a_wave_shrinks_by_the_ratio_of_the_mtfs(per_mm, source, kernel):
    soft = KernelChange(kernel, source)(waves(per_mm), NOTHING).voxels
    ratio = mtf(kernel, per_mm) / mtf(source, per_mm)
    assert np.allclose(soft - 40, ratio * (waves(per_mm).voxels - 40), atol=1e-2)


def test_the_mean_stays_and_slices_do_not_mix():
    scan = waves(0.1)
    voxels = scan.voxels.copy()
    voxels[..., 1] += 500
    soft = KernelChange()(scan.with_voxels(voxels), NOTHING).voxels
    assert soft.mean(axis=(0, 1, 2)) == pytest.approx(voxels.mean(axis=(0, 1, 2)), abs=1e-2)


def test_two_changes_are_one():
    scan = waves(0.2)
    twice = KernelChange("soft", "standard")(
        KernelChange("standard", "sharp")(scan, NOTHING), NOTHING
    )
    once = KernelChange("soft", "sharp")(scan, NOTHING)
    assert np.allclose(twice.voxels, once.voxels, atol=1e-2)


def test_padding_is_neither_changed_nor_smeared():
    scan = waves(0.0)
    voxels = scan.voxels.copy()
    voxels[:, :20] = -3024
    air = np.where(voxels < -1024, -1024, voxels)
    soft = KernelChange()(scan.with_voxels(voxels), NOTHING).voxels
    assert (soft[:, :20] == -3024).all()
    assert np.allclose(soft[:, 20:], KernelChange()(scan.with_voxels(air), NOTHING).voxels[:, 20:])


def test_noise_of_the_sharp_kernel_becomes_noise_of_the_standard_one():
    scan = waves(0.0)
    standard, sharp = (
        LowDose(0.5, kernel)(scan, np.random.default_rng(1)).voxels[0, 20:80, 20:80]
        for kernel in ("standard", "sharp")
    )
    whole = LowDose(0.5, "sharp")(scan, np.random.default_rng(1))
    changed = KernelChange("standard", "sharp")(whole, NOTHING).voxels[0, 20:80, 20:80]
    assert sharp.std() > 1.5 * standard.std()
    assert np.abs(changed - standard).max() < 0.1 * standard.std()


@pytest.mark.parametrize(("kernel", "source"), [("standard", "soft"), ("sharp", "sharp")])
def test_a_kernel_as_sharp_or_sharper_is_refused(kernel, source):
    with pytest.raises(MedddimError, match="softer"):
        KernelChange(kernel, source)


def test_an_unknown_kernel_is_refused_with_those_known():
    with pytest.raises(MedddimError, match=", ".join(CUTOFFS_PER_MM)):
        KernelChange("b30f")


def test_a_scan_without_hounsfield_units_is_refused():
    with pytest.raises(UnsupportedScan, match="Hounsfield"):
        KernelChange()(Volume(waves(0).voxels, np.eye(4)), NOTHING)
