"""Jobs: what is asked for is what is done, and the record says enough to do it again."""

import numpy as np
import pytest
import torch
from monai.networks.nets.dynunet import DynUNet

from medddim import batch
from medddim.batch.jobs import unwatched
from medddim.checkpoint import Checkpoint
from medddim.degradation import RicianNoise
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.inference import enhancer
from medddim.metrics.noise import estimate_noise
from medddim.networks import choose_precision
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Checkpoint.open(studies.model(tmp_path_factory.mktemp("model")))


def noisy(level=0.1):
    return RicianNoise(level)(head(), np.random.default_rng(0))


def test_enhancing_is_what_the_enhancer_does(model):
    scan = noisy()
    job = batch.enhance_job(model, batch.Settings(steps=2, fidelity=0.5), precision="fp32")
    plan = job.plan(scan)
    answer, _ = job.start(unwatched)(scan, plan)
    direct = enhancer.Enhancer.load(model.folder, precision="fp32")(scan, steps=2, fidelity=0.5)
    assert not np.allclose(direct.voxels, scan.voxels, rtol=0.01)
    assert np.array_equal(answer.voxels, direct.voxels)
    assert direct.derivation.summary == job.summary
    assert list(direct.derivation.parameters.items()) == [
        *job.described.items(), *plan.facts.items(),
    ]  # fmt: skip


def test_the_parameters_are_all_that_determines_the_answer(model):
    job = batch.enhance_job(model, batch.Settings(steps=4, seed=7, noise_share=0.05), device="cpu")
    assert job.parameters == {
        "model": "tiny",
        "model_sha256": model.sha256,
        "recipe_sha256": model.recipe.sha256,
        "steps": 4,
        "fidelity": 0.0,
        "seed": 7,
        "noise": 0.05,
        "precision": choose_precision(torch.device("cpu"), "auto"),
    }
    assert "4 DDIM steps" in job.summary


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": 3, "noise_share": 0.1},
        {"steps": 3, "noise_share": 0.1, "fidelity": 1},
        pytest.param({"steps": 2, "samples": 3, "noise_share": 0.1}, id="samples"),
    ],
)
def test_progress_rises_to_the_whole_of_each_scan(tmp_path, asked, monkeypatch):
    monkeypatch.setattr("medddim.inference.tiling.SLICE", 1)  # as if these were large slices
    path = {"path": "posterior", "prediction": "x0"} if "samples" in asked else {}
    reported = []
    model = Checkpoint.open(studies.model(tmp_path, **({"diffusion": path} if path else {})))
    job = batch.enhance_job(model, batch.Settings(**asked))
    work = job.start(reported.append)
    for _ in range(2):
        reported.clear()
        work(noisy(), job.plan(noisy()))
        assert reported == sorted(reported)
        assert len(reported) > 1
        assert 0 <= reported[0] < 0.7  # 0: whether to go on is asked before there is any
        assert reported[-1] == pytest.approx(1)
        assert reported[-2] < 0.999


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_record_says_what_auto_came_to(model, monkeypatch, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": precision == "bf16"})
    job = batch.enhance_job(model, device="cpu")
    assert job.parameters["precision"] == precision


def test_a_subject_too_small_for_the_field_of_view_is_reported(model):
    scan = noisy()
    voxels = scan.voxels.copy()
    voxels[0, 3, 3, 3] = 20 * np.percentile(scan.voxels, 99.5)
    facts = batch.enhance_job(model).plan(scan.with_voxels(voxels)).facts
    assert "the brightest voxel has 20 times the signal of the bright end" in facts["warning"]
    assert "warning" not in batch.enhance_job(model).plan(scan).facts


@pytest.mark.parametrize(
    ("ensemble", "scan", "views"),
    [(False, noisy(), 1), (True, noisy(), 4), (True, head((32, 32, 32), spacing_mm=(1, 1, 1)), 3)],
)
def test_evaluations_are_counted_with_the_views(tmp_path, ensemble, scan, views):
    opened = Checkpoint.open(studies.model(tmp_path, self_ensemble=ensemble))
    job, seen = batch.enhance_job(opened, batch.Settings(steps=2), precision="fp32"), []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, *_: seen.append(len(_[0][0])) if isinstance(module, DynUNet) else None
    )
    try:
        job.start(unwatched)(scan, plan := job.plan(scan))
    finally:
        hook.remove()
    assert plan.network_evaluations == 2 * views
    assert sum(seen) == 2 * views * scan.shape[scan.slice_axis]


def test_the_noise_level_on_record_gives_the_same_answer_again(model):
    scan = noisy()
    estimating = batch.enhance_job(model)
    plan = estimating.plan(scan)
    assert plan.facts["noise_level"] == pytest.approx(
        estimate_noise(scan) / np.percentile(scan.voxels, 99.5), abs=1e-5
    )
    given = batch.enhance_job(model, batch.Settings(noise_share=plan.facts["noise_level"]))
    first, _ = estimating.start(unwatched)(scan, plan)
    again, _ = given.start(unwatched)(scan, given.plan(scan))
    assert np.array_equal(first.voxels, again.voxels)


@pytest.mark.parametrize(("level", "warned"), [(0.01, True), (0.1, False), (0.4, True)])
def test_noise_outside_the_range_of_training_is_reported(model, level, warned):
    facts = batch.enhance_job(model, batch.Settings(noise_share=level)).plan(head()).facts
    assert ("warning" in facts) == warned
    assert not warned or "5.0% to 15.0%" in facts["warning"]


def test_a_noise_that_is_none_is_a_wrong_request(model):
    with pytest.raises(RequestProblem, match="found nan"):
        batch.enhance_job(model, batch.Settings(noise_share=float("nan")))


def test_a_plan_loads_no_network(model, monkeypatch):
    monkeypatch.setattr(enhancer.Enhancer, "load", lambda *args, **more: pytest.fail("loaded"))
    assert batch.enhance_job(model).plan(noisy()).facts["noise_level"] > 0.05


def test_a_scan_of_another_modality_is_refused(model):
    scan = Volume(head().voxels, np.eye(4), modality="CT", unit="HU")
    with pytest.raises(UnsupportedScan, match="for MR and the scan is CT"):
        batch.enhance_job(model).plan(scan)


def test_every_scan_is_degraded_from_a_generator_of_its_own():
    job = batch.degrade_job(RicianNoise(0.1), seed=3)
    work = job.start(unwatched)
    other = head().with_voxels(head().voxels[:, ::-1])
    (first, _), (again, _), (second, _) = (work(scan, {}) for scan in (head(), head(), other))
    assert np.array_equal(first.voxels, again.voxels)
    inside = (head().voxels > 0) & (other.voxels > 0)  # outside, all noise is bright
    added, others = (one.voxels - of.voxels for one, of in ((first, head()), (second, other)))
    assert abs(np.corrcoef(added[inside], others[inside])[0, 1]) < 0.1


def test_identity_changes_nothing():
    scan = head()
    assert batch.identity_job().start(unwatched)(scan, {}) == (scan, {})
