"""Volumes of one scan share batches; each still gets the answer it would get alone."""

from dataclasses import replace

import numpy as np
import pytest

from medddim.inference import together
from medddim.inference.settings import Settings
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head, textured

VP = {"diffusion": {"path": "variance-preserving", "prediction": "v"}}


def series(shape=(24, 20, 4), volumes=3):
    scans = [textured(shape, seed=seed).voxels for seed in range(volumes)]
    return Volume(np.concatenate(scans), head(shape).affine, modality="MR")


class Kept(dict):
    """Parts, in memory; `reached` are those that had to be computed."""

    def __init__(self, **kept):
        super().__init__(kept)
        self.reached = []

    def put(self, key, voxels):
        self.reached.append(key)
        self[key] = voxels


@pytest.mark.parametrize("changed", [{}, VP, {"network": {"spatial_dims": 3, "slices": 1}}])
@pytest.mark.parametrize("shape", [(24, 20, 4), (24, 20, 1)])
def test_volumes_together_are_answered_as_one_by_one(monkeypatch, changed, shape):
    model, scan = studies.enhancer(**changed), series(shape)
    settings = {"steps": 2, "noise": 40.0, "seed": 3}
    together_ = model(scan, **settings).voxels
    monkeypatch.setattr(together, "GROUP", 1)
    assert len(together.groups_of(model.plan(scan, Settings(**settings)))) == 3
    alone = model(scan, **settings).voxels
    assert np.allclose(together_, alone, atol=1e-3 * np.abs(alone).max())
    assert not np.allclose(alone[0], alone[1])


def test_small_slices_of_all_volumes_go_through_the_network_at_once(monkeypatch):
    model, scan, batches = studies.enhancer(), series(), []
    denoise = model.denoiser.__class__.__call__
    monkeypatch.setattr(
        model.denoiser.__class__,
        "__call__",
        lambda self, stack, *rest: batches.append(len(stack)) or denoise(self, stack, *rest),
    )
    model(scan, noise=40.0)
    assert set(batches) == {12}


@pytest.mark.parametrize("samples", [None, 2])
def test_an_interrupted_scan_goes_on_with_the_parts_that_are_kept(monkeypatch, samples):
    monkeypatch.setattr(together, "GROUP", 1)
    model, scan = studies.enhancer(**VP), series()
    plan = model.plan(scan, Settings(steps=2, noise=40.0, samples=samples))
    carry_out = model.sampled if samples else lambda plan: (model.answer(plan),)
    whole = carry_out(plan)
    model.parts = Kept()
    carry_out(plan)
    assert len(model.parts.reached) == 3 * (samples or 1)
    lost, *_ = model.parts
    model.parts = Kept(**{key: part for key, part in model.parts.items() if key != lost})
    again, done = carry_out(plan), []
    assert model.parts.reached == [lost]
    assert all(np.array_equal(a.voxels, b.voxels) for a, b in zip(again, whole, strict=True))
    model.progress = done.append
    carry_out(replace(plan))
    assert sum(done) == pytest.approx(plan.network_evaluations)
