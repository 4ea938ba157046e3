"""A large scan is answered in slabs, a scan of many volumes in groups; the answer is the same."""

from dataclasses import replace

import numpy as np
import pytest

from medddim.inference import pieces
from medddim.inference.pieces import pieces_of
from medddim.inference.settings import Settings
from tests.phantoms import textured
from tests.studies import enhancer

SLICES = 45


def scan(**changed):
    """Slices of which some have voxels below 0: that is known of the whole, not of each slab."""
    made = textured((48, 44, SLICES))
    voxels = made.voxels.copy()
    voxels[..., -1] -= 10
    return replace(made, voxels=voxels, **changed)


def in_slabs(wired, volume, monkeypatch, **settings):
    whole = wired(volume, noise=40.0, **settings).voxels
    monkeypatch.setattr(pieces, "SLAB", 48 * 44 * 8)
    plan = wired.plan(volume, Settings(noise=40.0, **settings))
    return whole, wired.answer(plan).voxels, pieces_of(plan, random=wired.denoiser.path.random)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("case", [{}, {"self_ensemble": True}, {"network": {"slices": 5}}])
@pytest.mark.daily(1)
def test_slabs_do_not_change_a_bit(monkeypatch, case, steps):
    monkeypatch.setattr("medddim.inference.tiling.SLICE", 48 * 44)
    wired = enhancer(**case)
    whole, answer, slabs = in_slabs(wired, scan(), monkeypatch, steps=steps)
    assert len(slabs) > 2
    assert np.array_equal(answer, whole)


def test_nor_those_of_ct(monkeypatch):
    monkeypatch.setattr("medddim.inference.tiling.SLICE", 48 * 44)
    wired = enhancer(modality="CT", degradation={"kind": "low-dose", "dose": (0.1, 0.5)})
    whole, answer, slabs = in_slabs(wired, scan(modality="CT", unit="HU"), monkeypatch)
    assert len(slabs) > 2
    assert np.array_equal(answer, whole)


def test_the_work_of_slabs_adds_up_to_that_of_the_whole(monkeypatch):
    wired, done = enhancer(), []
    in_slabs(wired, scan(), monkeypatch)
    wired.progress = done.append
    wired(scan(), noise=40.0)
    assert sum(done) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    "case",
    [
        {"network": {"spatial_dims": 3, "slices": 1}},
        {"network": {"sees_scan": True}, "diffusion": {"path": "variance-preserving"}},
    ],
)
def test_what_sees_far_or_draws_noise_stays_whole(monkeypatch, case):
    assert len(in_slabs(enhancer(**case), scan(), monkeypatch)[2]) == 1


def test_a_slab_that_is_kept_is_not_answered_again(monkeypatch):
    wired, kept = enhancer(), {}
    monkeypatch.setattr("medddim.inference.tiling.SLICE", 48 * 44)

    class Parts:
        get = staticmethod(kept.get)
        put = staticmethod(kept.__setitem__)

    monkeypatch.setattr(pieces, "SLAB", 48 * 44 * 8)
    wired.parts = Parts()
    first = wired(scan(), noise=40.0).voxels
    monkeypatch.setattr("medddim.inference.enhancer.estimates", None)
    assert len(kept) > 2
    assert np.array_equal(wired(scan(), noise=40.0).voxels, first)
