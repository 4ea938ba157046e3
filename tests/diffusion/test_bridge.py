"""Bridges do not collapse: more steps bring texture back, unless the network can see through them.

Modes of a Gaussian prior, from structure that drowns in the noise to structure far above it; the
scan is clean + noise, every denoiser is the best possible for what it is shown.
"""

import pytest
import torch

from medddim.diffusion import Bridge, ScanNoise, ddim
from tests.diffusion.gaussian import NOISE, Gaussian

STEPS = (1, 2, 4, 8, 32)
SPREADS = torch.logspace(-2.5, 0.5, 31, dtype=torch.float64).reshape(1, 1, 1, -1)
FINE = (SPREADS < NOISE).flatten()
K = 0.3


def draws(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4000, 1, 1, 31, generator=generator, dtype=torch.float64)


SCAN, FRESH = SPREADS * draws(0) + NOISE * draws(1), draws(2)
REGRESSION = SPREADS**2 / (SPREADS**2 + NOISE**2) * SCAN
VARIANCE = SPREADS**2 * NOISE**2 / (SPREADS**2 + NOISE**2)


def sees_state(path):
    """The best denoiser of the state alone."""
    world = Gaussian(path, mean=0.0, spread=SPREADS)
    return lambda state, t: world.posterior_mean(state, torch.tensor([t], dtype=torch.float64))


def sees_scan(k):
    """The best denoiser of the state beside the scan: without noise it inverts the mixture."""

    def denoise(state, t):
        total = (1 - t) ** 2 * VARIANCE + t**2 * k**2
        gain = torch.where(total > 0, (1 - t) * VARIANCE / total, 0.0)
        return REGRESSION + gain * (state - t * SCAN - (1 - t) * REGRESSION)

    return denoise


def answers(path, denoise, noise):
    start = path.start(SCAN, noise)
    return [list(ddim(denoise, start, path.ladder(n), path=path))[-1] for n in STEPS]


def fine_power(found):
    """Share of the prior's power in the fine modes, by number of steps."""
    return torch.stack([(one.var(dim=0) / SPREADS**2).flatten()[FINE].mean() for one in found])


def rises(found):
    """The criterion: every doubling of the steps adds at least one part in a hundred."""
    power = fine_power(found)
    return bool((power[1:] > 1.01 * power[:-1]).all())


@pytest.mark.parametrize(
    ("path", "denoise"),
    [
        (ScanNoise(), sees_state(ScanNoise())),
        (Bridge(), sees_state(Bridge())),
        (Bridge(K), sees_scan(K)),
    ],
    ids=["the scan's noise", "bridge", "noisy bridge that sees the scan"],
)
def test_fine_structure_comes_back_with_the_steps(path, denoise):
    found = answers(path, denoise, FRESH)
    assert rises(found)
    assert fine_power(found)[-1] < 1.1


@pytest.mark.parametrize(
    ("k", "noise"),
    [(0.0, FRESH), (K, torch.zeros_like(FRESH))],
    ids=["without noise", "its noise left out"],
)
def test_a_bridge_that_sees_the_scan_collapses_without_noise(k, noise):
    """So the criterion can fail: every number of steps returns the regression."""
    found = answers(Bridge(k), sees_scan(k), noise)
    assert not rises(found)
    assert all((one - REGRESSION).abs().max() < 1e-10 for one in found)
