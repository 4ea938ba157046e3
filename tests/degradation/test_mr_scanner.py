"""An MR acquisition: where its noise is, how strong, how correlated."""

import numpy as np
import pytest

from medddim.degradation import MrScanner, RicianNoise
from medddim.degradation.kspace import KSpaceAxis
from medddim.degradation.mr_scanner import PRESETS, acquire
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.volume import Volume


def plate(signal=1000.0, shape=(96, 88, 6)):
    return Volume(np.full((1, *shape), signal), np.diag([1.0, 1.0, 4.0, 1.0]), "MR")


def noise_of(scanner, volume=None, seed=0):
    volume = plate() if volume is None else volume
    return scanner(volume, np.random.default_rng(seed)).voxels - scanner.truth(volume).voxels


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "parallel-imaging"])
def test_the_level_is_that_in_the_image_whatever_the_filter(preset):
    scanner = MrScanner.preset(preset, level=0.02)
    noise = noise_of(scanner)
    assert noise.std() == pytest.approx(20, rel=0.05)


def test_the_noise_is_correlated_along_each_axis_as_k_space_was_treated():
    scanner = MrScanner(0.02, readout=0.6, phase=0.75, filter="gaussian", strength=1.0)
    noise = noise_of(scanner)[0]
    for axis, sampled in enumerate(scanner.axes(plate())):
        found = np.mean(noise * np.roll(noise, 1, axis)) / np.mean(noise**2)
        expected = sampled.correlation(noise.shape[axis])[0]
        assert found == pytest.approx(expected, abs=0.04)
    assert scanner.axes(plate())[2] == KSpaceAxis()


def test_without_filters_it_is_rician_noise():
    """Mean and second moment of a magnitude in air and at a signal of twice the noise."""
    for signal in (0.0, 0.2):
        scan, _ = acquire(
            np.full((64, 64, 16), signal, np.float32),
            [KSpaceAxis().response(n) for n in (64, 64, 16)],
            0.1,
            generator=np.random.default_rng(3),
        )
        assert np.mean(scan**2) == pytest.approx(signal**2 + 2 * 0.1**2, rel=0.02)
    white = noise_of(MrScanner(0.05))
    rician = RicianNoise(0.05)(plate(), np.random.default_rng(5)).voxels - 1000
    assert white.std() == pytest.approx(rician.std(), rel=0.03)


def test_several_coils_raise_the_floor_of_air():
    responses = [KSpaceAxis().response(n) for n in (64, 64, 16)]
    air, _ = acquire(
        np.zeros((64, 64, 16), np.float32),
        responses,
        0.1,
        coils=4,
        generator=np.random.default_rng(3),
    )
    assert np.mean(air**2) == pytest.approx(8 * 0.1**2, rel=0.02)


def test_the_g_factor_raises_the_level_in_the_middle():
    noise = noise_of(MrScanner(0.02, g_factor=3.0), plate(shape=(96, 88, 40)))
    blocks = noise[0, :96, :88, :40].reshape(12, 8, 11, 8, 5, 8).std(axis=(1, 3, 5))
    assert blocks.max() == pytest.approx(60, rel=0.15)
    assert blocks.min() == pytest.approx(20, rel=0.25)


def test_the_truth_is_what_the_filters_leave_of_the_scan():
    lines = plate().with_voxels(
        np.where(np.arange(96)[:, None, None] % 2, 1000.0, 0.0)[None] + 0 * plate().voxels
    )
    kept = MrScanner(0.02, readout=0.5).truth(lines).voxels
    assert np.ptp(kept) < 1  # the finest lines lie beyond the half that was measured
    assert kept.mean() == pytest.approx(500, rel=0.01)


def test_integers_are_whole_and_the_bright_end_1000():
    stored = MrScanner(0.0, integers=True).truth(plate(3.0)).voxels
    assert np.array_equal(stored, np.full_like(stored, 1000))
    noisy = MrScanner(0.05, integers=True)(plate(3.0), np.random.default_rng(0)).voxels
    assert np.array_equal(noisy, np.rint(noisy))


def test_what_cannot_be_is_refused():
    with pytest.raises(RequestProblem, match="zero-filled, filtered"):
        MrScanner.preset("magic")
    for wrong in ({"phase": 0.0}, {"partial": 0.4}, {"g_factor": 0.5}, {"coils": 0}, {"level": 2}):
        with pytest.raises(RequestProblem):
            MrScanner(**wrong)
    ct = Volume(plate().voxels - 1000, np.eye(4), "CT", "HU")
    with pytest.raises(UnsupportedScan, match="MR magnitude"):
        MrScanner().truth(ct)
