"""The mean and the spread of several answers are numpy's, and most models have none."""

import numpy as np
import pytest

from medddim.errors import RequestProblem
from medddim.inference.posterior import mean_and_deviation
from tests.phantoms import textured
from tests.studies import enhancer


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_mean_and_deviation_are_those_of_numpy(count, offset):
    answers = [textured((9, 8, 3), seed=seed) for seed in range(count)]
    answers = [one.with_voxels(one.voxels + offset) for one in answers]
    voxels = np.stack([one.voxels for one in answers]).astype(np.float64)
    mean, deviation = mean_and_deviation(iter(answers))
    np.testing.assert_allclose(mean.voxels, voxels.mean(0), rtol=1e-6)
    np.testing.assert_allclose(deviation.voxels, voxels.std(0, ddof=1), rtol=1e-5)
    mean.require_same_grid(deviation)


def test_equal_answers_have_no_spread():
    scan = textured((9, 8, 3))
    mean, deviation = mean_and_deviation([scan] * 3)
    assert np.array_equal(mean.voxels, scan.voxels)
    assert not deviation.voxels.any()


def test_samples_are_the_answers_to_the_seeds_that_follow():
    scan = textured((24, 20, 4))
    wired = enhancer(diffusion={"path": "variance-preserving", "prediction": "v"})
    single = [wired(scan, steps=2, seed=seed, noise=20.0).voxels for seed in (5, 6, 7)]
    mean, deviation = wired.samples(scan, count=3, steps=2, seed=5, noise=20.0)
    assert np.allclose(mean.voxels, np.mean(single, axis=0), rtol=1e-5, atol=1e-3)
    assert np.allclose(deviation.voxels, np.std(single, axis=0, ddof=1), rtol=1e-4, atol=1e-2)
    assert deviation.voxels.mean() > 1
    reported = mean.derivation.parameters
    assert (reported["samples"], reported["seed"], reported["steps"]) == (3, 5, 2)
    assert mean.derivation.summary.endswith("2 DDIM steps, mean of 3 samples")
    assert deviation.derivation.summary.startswith("Standard deviation of 3 samples")
    assert deviation.derivation.kind == "uncertainty"


@pytest.mark.parametrize(("path", "steps"), [("scan-noise", 8), ("variance-preserving", 1)])
def test_a_model_that_draws_nothing_has_no_samples(path, steps):
    prediction = "v" if path == "variance-preserving" else "residual"
    with pytest.raises(RequestProblem, match="samples"):
        enhancer(diffusion={"path": path, "prediction": prediction}).samples(
            textured(), count=2, steps=steps
        )
