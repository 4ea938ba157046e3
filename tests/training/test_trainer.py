"""The trainer: it learns, and an interruption leaves no trace."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from medddim import formats
from medddim.checkpoint import Checkpoint, named_tensors
from medddim.errors import RecipeError, WriteRefused
from medddim.formats import Derivation
from medddim.inference.enhancer import Enhancer
from medddim.models import RECIPE, WEIGHTS
from medddim.training.trainer import RESUME, learning_rate, train
from medddim.training.validation import validate
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head, textured
from tests.recipes import tiny


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    how = Derivation("identity", "a phantom")
    formats.write(head(), root / "train", name="head", derivation=how)
    formats.write(textured(), root / "train", name="texture", derivation=how)
    formats.write(head((40, 40, 8)), root / "held", name="out", derivation=how)
    return root


class Interrupted(Exception):
    pass


def interrupt_at(step):
    def progress(now, figures):
        if now == step:
            raise Interrupted

    return progress


def tensors(run):
    return load_file(run / RESUME)


def same_run(one, other):
    one, other = tensors(one), tensors(other)
    assert one.keys() == other.keys()
    return all(torch.equal(one[key], other[key]) for key in one)


def test_the_loss_falls_and_the_answer_beats_its_input(tmp_path, data):
    losses = []
    recipe = tiny(
        data={"train": ("train/head*",)},
        training={"steps": 120, "batch": 4, "learning_rate": 1e-2, "warmup": 5, "ema": 0.9},
    )
    run = train(
        recipe,
        tmp_path / "run",
        data=data,
        progress=lambda _, figures: losses.append(figures["loss"]),
    )
    assert len(losses) == 120
    assert np.mean(losses[-30:]) < 0.8 * np.mean(losses[:5])
    enhancer = Enhancer.load(run, device="cpu", precision="fp32")
    clean, noise = head(), 60.0
    noisy = clean.with_voxels(
        np.abs(clean.voxels + np.random.default_rng(1).normal(0, noise, clean.voxels.shape))
    )

    def error(volume):
        return np.sqrt(np.mean((volume.voxels - clean.voxels) ** 2))

    assert error(enhancer(noisy, noise=noise)) < 0.8 * error(noisy)


@pytest.mark.parametrize(("prediction", "optimiser"), [("residual", "muon"), ("x0", "adamw")])
def test_an_interrupted_run_resumes_to_the_very_same_bits(tmp_path, data, prediction, optimiser):
    training = {"steps": 9, "save_every": 4, "optimiser": optimiser}
    recipe = tiny(training=training, diffusion={"prediction": prediction})
    undisturbed = train(recipe, tmp_path / "one", data=data)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "two", data=data, progress=interrupt_at(6))  # 5 and 6 are lost
    resumed = train(recipe, tmp_path / "two", data=data, resume=True)
    assert same_run(undisturbed, resumed)
    assert (undisturbed / WEIGHTS).read_bytes() == (resumed / WEIGHTS).read_bytes()


def test_a_longer_plan_does_not_change_the_steps_before_the_decay(tmp_path, data):
    short = train(tiny(training={"steps": 6, "decay": 1}), tmp_path / "a", data=data)
    longer = tiny(training={"steps": 8, "decay": 1, "save_every": 6})
    with pytest.raises(Interrupted):
        train(longer, tmp_path / "b", data=data, progress=interrupt_at(7))
    assert same_run(short, tmp_path / "b")


def test_a_run_is_not_overwritten(tmp_path, data):
    train(tiny(), tmp_path, data=data)
    before = (tmp_path / RESUME).read_bytes()
    with pytest.raises(WriteRefused, match="already holds a run"):
        train(tiny(), tmp_path, data=data)
    assert (tmp_path / RESUME).read_bytes() == before


def test_a_finished_run_resumes_to_itself(tmp_path, data):
    train(tiny(), tmp_path, data=data)
    before = (tmp_path / RESUME).read_bytes()
    train(tiny(), tmp_path, data=data, resume=True)
    assert (tmp_path / RESUME).read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"network": {"widths": (8, 8, 16)}}, "network.widths"),
        ({"training": {"learning_rate": 0.5}}, "training.learning_rate"),
        ({"diffusion": {"prediction": "x0"}}, "diffusion.prediction"),
        ({"self_ensemble": True}, "self_ensemble"),
        ({"data": {"train": ("train/*",)}}, "data.train"),
    ],
)
@pytest.mark.daily(2)
def test_another_recipe_cannot_take_up_a_run(tmp_path, data, changed, part):
    train(tiny(), tmp_path, data=data)
    before = studies.contents(tmp_path)
    with pytest.raises(RecipeError, match=f"begun with another {part};"):
        train(tiny(**changed), tmp_path, data=data, resume=True)
    assert studies.contents(tmp_path) == before


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(tmp_path, data):
    diverging = tiny(training={"learning_rate": 1e30, "warmup": 1, "save_every": 6})
    with pytest.raises(RecipeError, match=r"not finite.*learning_rate"):
        train(diverging, tmp_path, data=data)
    assert not (tmp_path / RESUME).exists()
    assert not (tmp_path / WEIGHTS).exists()


def test_without_a_data_folder_nothing_starts(tmp_path):
    with pytest.raises(RecipeError, match=r"data\.root is empty"):
        train(tiny(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_a_checkpoint_with_a_log(tmp_path, data):
    recipe = tiny(
        data={"train": ("train/*",), "validate_on": ("held/*",)},
        degradation={"validate_levels": (0.1,)},
        training={"validate_every": 3},
    )
    run = train(recipe, tmp_path, data=data)
    assert Checkpoint.open(run).recipe == recipe
    assert {RECIPE, WEIGHTS, RESUME, "log.jsonl", "tensorboard"} == {p.name for p in run.iterdir()}
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6]
    assert {"loss", "psnr_db_at_0.1", "hf_power_at_0.1", "steps_per_second"} < set(lines[0])
    assert all(np.isfinite(list(line.values())).all() for line in lines)


def test_the_checkpoint_is_the_moving_average(tmp_path, data):
    run = train(tiny(training={"ema": 0.5}), tmp_path, data=data)
    stored, weights = tensors(run), load_file(run / WEIGHTS)
    key = next(key for key in weights if key.endswith("weight"))
    assert torch.equal(weights[key], stored[f"average.module.{key}"].half())
    assert not torch.equal(weights[key], stored[key].half())


@pytest.mark.parametrize(
    "path",
    [{"path": "variance-preserving"}, {"path": "bridge", "noise": 0.1}, {"path": "posterior"}],
)
def test_every_path_can_be_trained(tmp_path, data, path):
    recipe = tiny(
        network={"sees_scan": path["path"] != "posterior"},
        diffusion={"prediction": "v", **path},
        data={"train": ("train/*",), "validate_on": ("held/*",)},
        degradation={"validate_levels": (0.1,)},
        training={"steps": 2, "warmup": 1, "precision": "bf16"},
    )
    train(recipe, tmp_path, data=data)
    answer = Enhancer.load(tmp_path, device="cpu")(head(), steps=2, noise=10.0)
    assert np.isfinite(answer.voxels).all()


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    settings = tiny(
        training={"steps": 100, "warmup": 10, "decay": 20, "learning_rate": 2.0}
    ).training
    rates = [learning_rate(settings, step) for step in range(101)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) * 0.2)
    assert set(rates[10:80]) == {2.0}
    assert rates[80:] == pytest.approx(np.arange(20, -1, -1) * 0.1)


def test_validation_without_scans_has_nothing_to_say():
    fresh = Enhancer.load("mr-denoise", device="cpu")
    assert validate(fresh, {}) == {}


FINER = {
    "task": "superresolve",
    "network": {"spatial_dims": 3, "slices": 1, "widths": (4, 4, 4), "maps": 3, "detail_gain": 4},
    "degradation": {"kind": "larger-voxels", "factors": ((3, 1, 1), (2, 2, 2))},
}


def test_super_resolution_is_trained_in_3d_and_held_out_slices_judge_it(tmp_path, data):
    cube = head((24, 22, 30), spacing_mm=(1.0, 1.0, 1.0))
    formats.write(cube, data / "cube", name="cube", derivation=Derivation("identity", "a phantom"))
    recipe = tiny(
        **FINER,
        data={
            "train": ("cube/*",),
            "train_part": (0.0, 0.6),
            "validate_on": ("cube/*",),
            "validate_part": (0.6, 1.0),
        },
        training={"steps": 3, "patch": 8},
    )
    run = train(recipe, tmp_path, data=data)
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    assert {"psnr_db_at_3x1x1", "hf_power_at_2x2x2"} < set(last)
    fine = Enhancer.load(run, device="cpu")(head((12, 12, 4)), factor=3)
    assert fine.shape == (12, 12, 12)


def test_low_dose_is_trained_in_hounsfield_units(tmp_path, data):
    scan = head((48, 48, 4))
    voxels = np.where(scan.voxels > 0, scan.voxels / 20, -1000)
    ct = Volume(voxels, np.diag([0.8, 0.8, 3.0, 1.0]))
    formats.write(ct, data / "ct", name="slab", derivation=Derivation("identity", "a phantom"))
    recipe = tiny(
        modality="CT",
        scaling={"kind": "window", "window": (0.0, 1000.0)},
        degradation={"kind": "low-dose", "dose": (0.1, 0.5), "validate_doses": (0.25,)},
        data={
            **{"train": ("ct/*",), "train_part": (0.0, 0.5)},
            **{"validate_on": ("ct/*",), "validate_part": (0.5, 1.0)},
        },
        training={"steps": 2, "warmup": 1},
    )
    run = train(recipe, tmp_path, data=data)
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    assert np.isfinite([last["loss"], last["psnr_db_at_0.25"]]).all()


@pytest.mark.parametrize("scores", [(5.0, 7.0, 6.0), (5.0, 4.0, 3.0), (1.0, 2.0, 3.0)])
@pytest.mark.parametrize("interrupted", [False, True])
def test_the_checkpoint_is_the_best_that_was_validated(
    tmp_path, data, monkeypatch, scores, interrupted
):
    seen = {}

    def judged(enhancer, scans):
        weights = named_tensors(enhancer.denoiser.network)
        seen[len(seen)] = {key: tensor.half().clone() for key, tensor in weights.items()}
        return {
            "psnr_db_at_0.05": scores[len(seen) - 1] + 1,
            "psnr_db_at_0.1": scores[len(seen) - 1] - 1,
        }

    monkeypatch.setattr("medddim.training.trainer.validate", judged)
    recipe = tiny(training={"validate_every": 2, "save_every": 4})
    if interrupted:
        with pytest.raises(Interrupted):
            train(recipe, tmp_path, data=data, progress=interrupt_at(4))
    train(recipe, tmp_path, data=data, resume=interrupted)
    kept, best = load_file(tmp_path / WEIGHTS), seen[int(np.argmax(scores))]
    assert all(torch.equal(kept[key], best[key]) for key in best)
    assert not all(torch.equal(kept[key], seen[int(np.argmin(scores))][key]) for key in best)


def test_a_resumed_log_tells_every_step_once(tmp_path, data, monkeypatch):
    monkeypatch.setattr("medddim.training.trainer.REPORT_EVERY", 1)
    recipe = tiny(training={"steps": 9, "save_every": 4})
    with pytest.raises(Interrupted):
        train(recipe, tmp_path, data=data, progress=interrupt_at(6))
    train(recipe, tmp_path, data=data, resume=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 10))


def test_a_run_can_start_from_a_shipped_model(tmp_path, data):
    shipped = Checkpoint.open("mr-denoise").recipe.network.model_dump()
    how = {"steps": 2, "warmup": 1, "start_from": "mr-denoise", "ema": 0.0, "learning_rate": 1e-12}
    recipe = tiny(network=shipped, training=how, data={"validate_on": ("held/*",)})
    seen = []
    run = train(recipe, tmp_path, data=data, progress=lambda *one: seen.append(one))
    (first, start), *_, (last, end) = seen
    assert (first, last) == (0, 2)
    assert "loss" not in start
    assert start["psnr_db_at_0.05"] == pytest.approx(end["psnr_db_at_0.05"], abs=1e-3)
    ours, theirs = (load_file(Checkpoint.open(m).folder / WEIGHTS) for m in (run, "mr-denoise"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
