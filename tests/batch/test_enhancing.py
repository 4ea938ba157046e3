"""What is asked for beside a result, and what is said where it makes no sense, word for word."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from medddim import batch
from medddim import memory as machine
from medddim.batch import enhancing
from medddim.batch.enhancing import Extras
from medddim.batch.jobs import NothingToPlan, unwatched
from medddim.checkpoint import Checkpoint
from medddim.degradation import LowDose, RicianNoise
from medddim.errors import CheckpointError, RequestProblem, ScoreError, UnsupportedScan
from medddim.formats import Derivation
from medddim.volume import Volume
from tests import studies
from tests.inference.test_superresolution import FINER
from tests.phantoms import head


@pytest.fixture
def model(tmp_path):
    return Checkpoint.open(studies.model(tmp_path / "model"))


def noisy():
    return RicianNoise(0.1)(head(), np.random.default_rng(0))


def test_which_maps_are_asked_for():
    nothing = dict.fromkeys(("residual", "lower", "upper", "invented"), False)
    assert Extras().maps == nothing
    assert Extras(residual=True).maps == nothing | {"residual": True}
    assert Extras(invented=True).maps == nothing | {"invented": True}
    assert Extras(interval=90).maps == nothing | {"lower": True, "upper": True}


def test_whether_to_go_on_is_asked_within_a_tile_and_within_a_receipt(model):
    shares, scan = [], noisy()
    job = batch.enhance_job(model, receipt=True, device="cpu")
    job.start(lambda share: shares.append(round(share, 3)))(scan, job.plan(scan))
    assert shares == sorted(shares)
    assert shares.count(0.0) > 5  # one tile, its network layer by layer
    assert shares.count(0.5) > 5


def test_what_goes_into_the_record_of_the_result():
    assert Extras().parameters == Extras(residual=True, invented=True, force=True).parameters == {}
    assert Extras(receipt=True, interval=90).parameters == {"receipt_asked": True, "interval": 90}


def test_a_job_has_the_maps_in_their_order(tmp_path):
    drawing = Checkpoint.open(studies.sampler(tmp_path))
    job = batch.enhance_job(
        drawing, batch.Settings(samples=2, steps=2), residual=True, invented=True, device="cpu"
    )
    assert job.maps == ("uncertainty", "residual", "invented")
    assert (job.kind, job.device) == ("denoise", "cpu")
    assert batch.enhance_job(drawing).maps == ()
    assert job.described["samples"] == 2


def test_super_resolution_has_no_receipt(tmp_path):
    finer = Checkpoint.open(studies.model(tmp_path / "finer", **FINER))
    with pytest.raises(RequestProblem) as said:
        batch.enhance_job(finer, batch.Settings(factor=4), receipt=True)
    assert str(said.value) == (
        f"the model {finer.recipe.name} makes voxels finer and keeps what was measured by "
        "construction; a receipt is for denoising"
    )


def test_other_weights_than_those_asked_for(model):
    job = batch.enhance_job(model)
    was, now = (
        model.sha256,
        Checkpoint.open(studies.model(model.folder, network={"widths": (8, 8, 16)})).sha256,
    )
    with pytest.raises(CheckpointError) as said:
        job.start(unwatched)
    assert str(said.value) == (
        f"{model.folder}: expected the weights of tiny with sha256 {was[:12]}, found {now[:12]}; "
        "install the same model there"
    )


@pytest.mark.parametrize(
    ("problem", "memory"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA Out of Memory. Tried"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("MPS: not enough memory"), True),
        (RuntimeError("shapes differ"), False),
    ],
)
def test_the_words_for_want_of_memory(problem, memory):
    assert machine.is_short(problem) == memory


def test_where_no_tiles_fit_it_is_said_and_the_next_scan_begins_anew(model, monkeypatch):
    job = batch.enhance_job(model, precision="fp32")
    work = job.start(unwatched)
    monkeypatch.setattr(
        work.enhancer, "begun", lambda plan: (_ for _ in ()).throw(MemoryError()), raising=False
    )
    plan, before = job.plan(noisy()), work.enhancer.tile
    with pytest.raises(UnsupportedScan) as said:
        work(noisy(), plan)
    shape = "×".join(map(str, (1, *noisy().shape)))
    assert str(said.value) == (
        f"the memory of this machine is too small for an answer of {shape} voxels, even in tiles "
        f"of {before // 8}; end other programs, or use a larger machine"
    )
    assert work.enhancer.tile == before
    work.enhancer.tile = 40
    with pytest.raises(UnsupportedScan, match="even in tiles of 16;"):
        work(noisy(), plan)


def test_progress_adds_up_to_the_whole_and_no_more():
    seen = []
    add = enhancing._adding_up(4, seen.append)
    for part in (1, 2, 0.5, 1):
        add(part)
    assert seen == [0.25, 0.75, 0.875, 1.0]


def test_facts_join_those_of_the_making():
    made = replace(head(), derivation=Derivation("denoise", "done", {"steps": 1, "tile": 8}))
    stated = enhancing._with_facts(made, {"tile": 16, "receipt": "x"})
    assert stated.derivation == Derivation(
        "denoise", "done", {"steps": 1, "tile": 16, "receipt": "x"}
    )


def test_the_object_is_the_body_of_a_ct_the_foreground_of_an_mr_and_else_all(monkeypatch):
    seen = []

    def mask(name):
        def of(voxels, *, slice_axis):
            seen.append((name, slice_axis))
            return voxels[0] > 0

        return of

    for name in ("body", "foreground"):
        monkeypatch.setattr(enhancing, name, mask(name))
    scan = head()
    assert (enhancing._object(scan) == (scan.voxels[0] > 0)).all()
    enhancing._object(replace(scan, unit="HU", modality="CT"))
    assert seen == [("foreground", scan.slice_axis), ("body", scan.slice_axis)]

    def nothing(voxels, *, slice_axis):
        raise ScoreError("nothing stands out")

    monkeypatch.setattr(enhancing, "foreground", nothing)
    everywhere = enhancing._object(scan)
    assert everywhere.shape == scan.shape
    assert everywhere.dtype == bool
    assert everywhere.all()


def test_a_map_of_what_was_invented_is_in_shares_channel_by_channel(monkeypatch):
    scan = head()
    two = replace(scan, voxels=np.concatenate([scan.voxels, 2 * scan.voxels]), unit="HU")
    calls = []

    def invented(shown, held, *, slice_axis, inside):
        calls.append((shown, held, slice_axis))
        return shown - held

    monkeypatch.setattr(enhancing, "invented", invented)
    monkeypatch.setattr(enhancing, "_object", lambda scan: scan.voxels[0] > 0)
    monkeypatch.setattr(
        enhancing, "summarised", lambda map_, where: SimpleNamespace(words=f"{where.mean():.6f}")
    )
    found, words = enhancing._invented(two.with_voxels(two.voxels + 1), two)
    assert found.unit == ""
    assert (found.voxels == (two.voxels + 1) - two.voxels).all()
    assert words == f"{(scan.voxels > 0).mean():.6f}"
    assert [axis for _, _, axis in calls] == [two.slice_axis] * 2


def test_a_degradation_is_described_by_its_name_and_parameters():
    job = batch.degrade_job(LowDose(0.25), seed=3)
    assert job.kind == "degrade"
    assert job.described["kind"] == "degrade"
    assert job.described["seed"] == 3
    assert job.plan(head()) == NothingToPlan({})
    assert (job.maps, job.device) == ((), "cpu")


def test_identity_says_that_nothing_was_changed():
    job = batch.identity_job()
    assert job.summary == "Copied unchanged by medddim"
    assert job.described == {"kind": "identity"}
    assert job.plan(Volume(head().voxels, np.eye(4))).facts == {}
