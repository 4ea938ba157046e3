"""The filter behind a network while it learns."""

import numpy as np
import pytest
import torch

from medddim.inference import wiener
from medddim.inference.similar import means_of_similar
from medddim.networks.noise_unet import MAPS
from medddim.noise.filters import AxisFilter
from medddim.training.filtered import PilotOf

FILTERS = AxisFilter(), AxisFilter(share=0.7), AxisFilter(gauss=1.0)
SHAPES = {"isotropic": ((21, 26, 19), 1.0), "thick": ((7, 26, 31), 4.0)}
SHAPES |= {"one slice": ((1, 25, 30), 4.0), "few slices": ((3, 25, 30), 1.0)}


def pair(shape, noise=0.05):
    generator = np.random.default_rng(3)
    pilot, error = generator.random(shape), generator.standard_normal(shape)
    return pilot.astype(np.float32), (pilot + noise * error).astype(np.float32)


def filter_of(shape, wider, *, left=1.0):
    """That of a batch of one, of noise of 5 % behind `FILTERS`."""
    strength = torch.zeros(1, MAPS, *shape)
    strength[:, 0], strength[:, -1] = 0.05, np.log2(wider) / 4
    alike = np.stack([one.covariance(8) for one in FILTERS])[None]
    return PilotOf(strength, torch.tensor([left]), alike, step=0)


@pytest.mark.parametrize(("shape", "wider"), SHAPES.values(), ids=SHAPES)
def test_it_is_the_filter_that_enhances(shape, wider, monkeypatch):
    """With the means before it, on one grid of blocks in place of the mean over four."""
    shift = tuple(-np.random.default_rng(0).integers(4, size=3))
    monkeypatch.setattr(wiener, "SHIFTS", (shift,))
    pilot, scan = pair(shape)
    spacing_mm = wider, 1.0, 1.0
    means = means_of_similar(pilot, scan, 0.05, spacing_mm, bright=1.0, filters=FILTERS)
    enhanced = wiener.wiener(means, scan, 0.05, spacing_mm, bright=1.0, filters=FILTERS)
    learnt = filter_of(shape, wider)(*(torch.from_numpy(x)[None, None] for x in (scan, pilot)))
    assert np.abs(learnt[0, 0].numpy() - enhanced).max() < 1e-5


def test_a_pilot_learns_from_what_it_makes_of_the_scan():
    """By gradient descent the pilot itself gets further from the truth, what it is for nearer."""
    truth, scan = (torch.from_numpy(x)[None, None] for x in pair((16, 16, 16)))
    pilot = torch.zeros_like(truth).fill_(0.5).requires_grad_()
    through = filter_of((16, 16, 16), 1.0)
    before = (through(scan, pilot) - truth).square().mean()
    for _ in range(3):
        loss = (through(scan, pilot) - truth).square().mean()
        (gradient,) = torch.autograd.grad(loss, pilot)
        pilot = (pilot - 20 * gradient / gradient.norm()).detach().requires_grad_()
    assert (through(scan, pilot) - truth).square().mean() < 0.9 * before


def test_what_is_left_of_the_noise_is_filtered_as_such():
    """Half way down a ladder, half of the noise is left, and half of the bias of a magnitude."""
    pilot, scan = (torch.from_numpy(x)[None, None] for x in pair((16, 16, 16), noise=1e-3))
    whole, tenth = (filter_of((16, 16, 16), 1.0, left=left)(scan, pilot) for left in (1.0, 0.1))
    assert (tenth - scan).abs().mean() < 0.2 * (whole - scan).abs().mean()
