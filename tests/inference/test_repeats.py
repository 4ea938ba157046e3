"""The mean over enhanced repeats keeps no Rician bias where the signal is twice the noise."""

import numpy as np
import pytest

from medddim.inference.enhancer import Enhancer
from medddim.volume import Volume
from tests.noise.acquisition import acquired


@pytest.mark.slow
def test_the_mean_over_enhanced_repeats_has_no_rician_bias():
    sigma, truth = 20.0, np.full((80, 80, 4), 200.0)
    truth[8:36, 8:36], truth[8:36, 44:72] = 2 * sigma, 4 * sigma
    scan = Volume(truth[None], np.diag([1, 1, 3, 1]), "MR")
    enhancer, repeats = Enhancer.load("mr-denoise-fast"), 4
    noisy = [acquired(scan, sigma, seed=seed)[0] for seed in range(repeats)]
    before = np.mean([one.voxels[0] for one in noisy], axis=0) - truth
    after = np.mean([enhancer(one).voxels[0] for one in noisy], axis=0) - truth
    weak, strong = np.s_[14:30, 14:30], np.s_[14:30, 50:66]
    assert before[weak].mean() > 0.2 * sigma
    assert abs(after[weak].mean()) < 0.15 * sigma
    assert abs(after[strong].mean()) < 0.1 * sigma
