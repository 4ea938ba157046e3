"""No model named: every scan gets the one for what it is."""

import json
import shutil

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from medddim import batch, formats
from medddim.batch import choice
from medddim.batch.verify import verify
from medddim.checkpoint import Checkpoint
from medddim.errors import RequestProblem
from medddim.formats import Derivation
from medddim.volume import Volume
from tests import studies

pytestmark = pytest.mark.usefixtures("shipped_models")


def body(*, modality="", noise=20.0):
    """A disc of water in air, in HU."""
    x, y = np.mgrid[-1:1:64j, -1:1:64j]
    inside = np.where(x**2 + y**2 < 0.5, 40.0, -1000.0)
    drawn = np.random.default_rng(0).normal(0, noise, (1, 64, 64, 3))
    voxels = (inside[None, :, :, None] + drawn).astype(np.float32)
    return Volume(voxels, np.diag([1.0, 1.0, 3.0, 1.0]), modality=modality)


@pytest.fixture
def mixed(tmp_path):
    folder = studies.study(tmp_path / "mixed")
    (folder / "ct").mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "ct")
    formats.write(body(), folder, name="body", derivation=Derivation("identity", "a phantom"))
    return folder


def found(folder, out):
    return batch.plan([folder], out)


def test_each_scan_gets_the_model_for_its_modality(mixed, tmp_path):
    out = tmp_path / "out"
    outcomes = list(
        batch.run(found(mixed, out), out, job=batch.by_modality(device="cpu", force=True))
    )
    assert all(one.status == "ok" for one in outcomes)
    assert {one.name: one.job["model"] for one in outcomes} == {
        "head": "mr-denoise-fast",
        "series": "mr-denoise-fast",
        "body": "ct-denoise",
        "ct": "ct-denoise",
    }
    taken = {one.name: one.facts["taken_for"] for one in outcomes if "taken_for" in one.facts}
    assert taken == {"head": "MR", "body": "CT"}
    manifest = json.loads((out / batch.MANIFEST).read_text())
    assert manifest["job"]["kind"] == "denoise"
    assert {"model", "model_sha256"}.isdisjoint(manifest["job"])
    assert all(not problem for one in verify(out) for problem in one.topics.values())
    again = list(batch.run(found(mixed, out), out, job=batch.by_modality(device="cpu", force=True)))
    assert {one.status for one in again} == {"done before"}


@pytest.mark.parametrize(
    ("quality", "model"), [("best", "mr-denoise"), ("fast", "mr-denoise-fast")]
)
def test_the_quality_asked_for_chooses_the_model(mixed, tmp_path, quality, model):
    job = batch.by_modality(batch.Settings(quality=quality), device="cpu", force=True)
    planned = batch.run(found(mixed, tmp_path / "out"), tmp_path / "out", job=job, dry_run=True)
    assert {one.job["model"] for one in planned} == {model, "ct-denoise"}


@pytest.mark.parametrize(
    ("asked", "model"),
    [({"factor": 2}, "mr-superres"), ({"samples": 2, "steps": 2}, "mr-denoise-vp")],
)
def test_super_resolution_and_samples_are_for_mr_and_say_so(mixed, tmp_path, asked, model):
    job = batch.by_modality(batch.Settings(**asked), device="cpu", force=True)
    outcomes = list(
        batch.run(found(mixed, tmp_path / "out"), tmp_path / "out", job=job, dry_run=True)
    )
    reported = {one.name: (one.status, one.reason) for one in outcomes}
    refused = [reason for status, reason in reported.values() if status == "refused"]
    assert reported["head"] == ("planned", "")
    assert len(refused) == 2
    assert all(f"the model {model} is for MR" in reason for reason in refused)


@pytest.mark.parametrize("problem", [OSError("gone"), ValueError("a bug"), MemoryError()])
@pytest.mark.daily(1)
def test_a_scan_that_cannot_be_read_costs_no_other(mixed, tmp_path, monkeypatch, problem):
    read, out = formats.read, tmp_path / "out"

    def spoilt(series):
        if series.name == "body":
            raise problem
        return read(series)

    monkeypatch.setattr(formats, "read", spoilt)
    job = batch.by_modality(device="cpu", force=True)
    reported = {one.name: one.status for one in batch.run(found(mixed, out), out, job=job)}
    assert reported.pop("body") in ("refused", "failed")
    assert set(reported.values()) == {"ok"}


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.daily(1)
def test_a_silent_scan_is_read_once(tmp_path, monkeypatch, dry_run):
    formats.write(body(), tmp_path / "in", name="body", derivation=Derivation("identity", "a disc"))
    read, out, seen = formats.read, tmp_path / "out", []
    for place in (formats, choice):
        monkeypatch.setattr(place, "read", lambda one: (seen.append(one.name), read(one))[1])
    job = batch.by_modality(device="cpu", force=True)
    (one,) = batch.run(found(tmp_path / "in", out), out, job=job, dry_run=dry_run)
    assert one.good
    assert one.job["model"] == "ct-denoise"
    assert seen == ["body"]


def test_settings_that_no_model_takes_are_refused_at_once():
    with pytest.raises(RequestProblem, match=r"more than 1 step"):
        batch.by_modality(batch.Settings(samples=2, steps=1))


def test_what_one_model_cannot_do_is_refused_for_its_scans_alone(mixed, tmp_path, monkeypatch):
    def for_mr_alone(self, folder, recipe, settings):
        if recipe.modality == "CT":
            raise RequestProblem("not for CT")

    monkeypatch.setattr("medddim.batch.extras.Extras.require_fitting", for_mr_alone)
    job = batch.by_modality(device="cpu", force=True)
    outcomes = list(
        batch.run(found(mixed, tmp_path / "out"), tmp_path / "out", job=job, dry_run=True)
    )
    assert {one.name: (one.status, one.reason) for one in outcomes} == {
        "head": ("planned", ""),
        "series": ("planned", ""),
        "body": ("refused", "not for CT"),
        "ct": ("refused", "not for CT"),
    }


def test_what_a_file_says_counts_more_than_what_it_holds(tmp_path):
    for name, said in (("silent", ""), ("labelled", "MR")):
        identity = Derivation("identity", "a phantom")
        formats.write(body(), tmp_path, name=name, derivation=identity)
        if said:
            (tmp_path / f"{name}.json").write_text(json.dumps({"Modality": said}))
    assert {one.name: formats.modality_of(one) for one in formats.find(tmp_path)} == {
        "silent": "CT", "labelled": "MR",
    }  # fmt: skip


def test_a_silent_scan_in_hounsfield_units_is_kept_from_a_model_for_mr(tmp_path):
    identity = Derivation("identity", "a phantom")
    formats.write(body(), tmp_path / "in", name="body", derivation=identity)
    job, out = batch.enhance_job(Checkpoint.open("mr-denoise")), tmp_path / "out"
    (one,) = batch.run(found(tmp_path / "in", out), out, job=job)
    assert one.status == "refused"
    assert "holds air in Hounsfield units" in one.reason
