"""One contract for every baseline, and what sets each apart."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from medddim.baselines import (
    BASELINES,
    ants,
    bm4d,
    gaussian,
    nlm_dipy,
    tv,
    wavelet,
)
from medddim.errors import EnvironmentProblem
from medddim.volume import Volume

# BM4D and ANTs are never installed with medddim: the licence of the one, the weight of the other.
PACKAGES = {"ants": "ants", "bm4d": "bm4d", "wavelet": "pywt"}
INSTALLED = [name for name in BASELINES if name not in PACKAGES or find_spec(PACKAGES[name])]
OWN_ESTIMATE = {"ants", "nlm-dipy", "nlm-dipy-blockwise"}
"""These denoise a scan without noise: ANTs is not given it, DIPY weighs patches as if it were."""
SHAPE = (1, 40, 40, 8)
NOISE = 40.0


def smooth_scan():
    x, y, z = np.indices(SHAPE[1:])
    return 600 + 200 * np.sin(x / 7)[None] * np.cos(y / 9)[None] + 5 * z[None]


def scan(voxels, **facts):
    return Volume(voxels, np.diag([0.9, 0.9, 3.0, 1.0]), source="header", **facts)


def error(one, other):
    return float(np.sqrt(np.mean((one.voxels - other.voxels) ** 2)))


@pytest.fixture(scope="module")
def clean():
    return scan(smooth_scan(), modality="MR")


@pytest.fixture(scope="module")
def noisy(clean):
    noise = np.random.default_rng(0).normal(0, NOISE, (2, *SHAPE))
    return clean.with_voxels(np.hypot(clean.voxels + noise[0], noise[1]))


@pytest.mark.parametrize("name", INSTALLED)
def test_a_baseline_keeps_the_grid_the_input_and_the_header(name, noisy):
    before = noisy.voxels.copy()
    result = BASELINES[name](noisy, noise=NOISE)
    noisy.require_same_grid(result)
    assert (result.modality, result.unit, result.source) == ("MR", "", "header")
    assert np.array_equal(noisy.voxels, before)
    assert np.isfinite(result.voxels).all()


@pytest.mark.parametrize("name", sorted(set(INSTALLED) - {"identity"}))
def test_a_baseline_removes_noise(name, noisy, clean):
    assert error(BASELINES[name](noisy, noise=NOISE), clean) < 0.6 * error(noisy, clean)


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.daily(2)
def test_a_baseline_takes_channels_one_by_one(name, noisy):
    two = noisy.with_voxels(np.concatenate([noisy.voxels, noisy.voxels[:, ::-1]]))
    result = BASELINES[name](two, noise=NOISE)
    alone = BASELINES[name](noisy, noise=NOISE)
    assert np.allclose(result.voxels[:1], alone.voxels, atol=1e-3)
    assert result.channels == 2


@pytest.mark.parametrize("name", INSTALLED)
def test_a_single_slice_and_hounsfield_units_are_fine(name, noisy):
    voxels = noisy.voxels[..., :1] - 1000
    slab = scan(voxels, modality="CT", unit="HU")
    result = BASELINES[name](slab, noise=NOISE)
    assert result.voxels.mean() == pytest.approx(float(voxels.mean()), abs=5)
    assert result.voxels.min() < -300


@pytest.mark.parametrize("name", sorted(set(INSTALLED) - OWN_ESTIMATE))
def test_without_noise_nothing_changes(name, clean):
    assert error(BASELINES[name](clean, noise=0.0), clean) < 0.5


def test_identity_is_the_very_scan(noisy):
    assert BASELINES["identity"](noisy, noise=NOISE) is noisy


def test_the_blur_grows_with_the_noise(noisy):
    little, much = (np.std(np.diff(gaussian(noisy, noise=n).voxels, axis=1)) for n in (10, 80))
    assert much < little


def test_total_variation_does_not_depend_on_the_unit(noisy):
    thousandth = noisy.with_voxels(noisy.voxels / 1000)
    ours, theirs = tv(thousandth, noise=NOISE / 1000), tv(noisy, noise=NOISE)
    assert np.allclose(1000 * ours.voxels, theirs.voxels, rtol=1e-3)


@pytest.mark.parametrize("name", sorted(set(INSTALLED) - {"identity"}))
def test_a_baseline_is_not_biased_where_the_signal_is_no_more_than_the_noise(name, clean):
    flat = clean.with_voxels(np.full_like(clean.voxels, 2 * NOISE))
    noise = np.random.default_rng(0).normal(0, NOISE, (2, *SHAPE))
    magnitude = flat.with_voxels(np.hypot(flat.voxels + noise[0], noise[1]))
    bias = magnitude.voxels.mean() - 2 * NOISE
    assert bias > 0.2 * NOISE
    assert abs(BASELINES[name](magnitude, noise=NOISE).voxels.mean() - 2 * NOISE) < 0.5 * bias


@pytest.mark.parametrize(
    ("baseline", "package", "cure"),
    [
        (nlm_dipy, "dipy", r"medddim\[benchmarks\]"),
        (bm4d, "bm4d", "pip install bm4d"),
        (ants, "ants", "pip install antspyx"),
        (wavelet, "pywt", "pip install PyWavelets"),
    ],
)
def test_a_missing_package_is_reported_with_the_cure(baseline, package, cure, noisy, monkeypatch):
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentProblem, match=cure):
        baseline(noisy, noise=NOISE)
