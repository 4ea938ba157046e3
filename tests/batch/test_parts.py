"""Progress inside a scan of many volumes is kept; memory that runs out has a defined end."""

import numpy as np
import pytest

from medddim import batch, formats
from medddim.batch import parts
from medddim.batch.verify import verify
from medddim.checkpoint import Checkpoint
from medddim.formats import Derivation
from medddim.inference import together
from medddim.inference.enhancer import Enhancer
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head


@pytest.fixture
def fmri(tmp_path, monkeypatch):
    """A folder with a scan of four volumes, each of which goes through the network alone."""
    monkeypatch.setattr(together, "GROUP", 1)
    shape, rng = (24, 20, 3), np.random.default_rng(0)
    voxels = head(shape).voxels + rng.normal(0, 60, (4, *shape))
    scan = Volume(np.abs(voxels), head(shape).affine, modality="MR")
    formats.write(scan, tmp_path / "in", name="bold", derivation=Derivation("made", "made"))
    return tmp_path / "in"


@pytest.fixture
def job(tmp_path):
    return batch.enhance_job(Checkpoint.open(studies.model(tmp_path / "model")), precision="fp32")


def computed(monkeypatch, *, stop=None):
    """A list that grows with every group that is computed; after `stop` of them comes Ctrl-C."""
    seen, undisturbed = [], together.estimates

    def estimates(enhancer, plan, group, seed, **slices):
        if len(seen) == stop:
            raise KeyboardInterrupt
        seen.append(group)
        return undisturbed(enhancer, plan, group, seed, **slices)

    monkeypatch.setattr("medddim.inference.enhancer.estimates", estimates)
    return seen


def hidden(out):
    return [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_an_interrupted_scan_goes_on_where_it_was(fmri, out, tmp_path, job, monkeypatch):
    scans = batch.plan([fmri], out)
    list(batch.run(scans, tmp_path / "undisturbed", job=job))
    with monkeypatch.context() as patch:
        computed(patch, stop=2)
        with pytest.raises(KeyboardInterrupt):
            list(batch.run(scans, out, job=job))
    assert [name.startswith(parts.PARTS) for name in hidden(out)] == [True]
    with monkeypatch.context() as patch:
        seen = computed(patch)
        assert [one.status for one in batch.run(scans, out, job=job)] == ["ok"]
        assert [group.start for group in seen] == [2, 3]
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")
    assert hidden(out) == []


def test_parts_of_other_settings_are_of_no_use(fmri, out, tmp_path, job, monkeypatch):
    scans = batch.plan([fmri], out)
    with monkeypatch.context() as patch:
        computed(patch, stop=2)
        with pytest.raises(KeyboardInterrupt):
            list(batch.run(scans, out, job=job))
    other = batch.enhance_job(
        Checkpoint.open(tmp_path / "model"), batch.Settings(steps=2), precision="fp32"
    )
    seen = computed(monkeypatch)
    assert [one.status for one in batch.run(scans, out, job=other)] == ["ok"]
    assert len(seen) == 4
    assert hidden(out) == []


def test_a_torn_part_is_made_again(tmp_path):
    outcome = batch.Outcome("a", "ok")
    kept = parts.Saved(tmp_path, outcome)
    kept.put("0-0-1", np.ones(3))
    kept.flush()
    (file,) = kept.folder.iterdir()
    assert np.array_equal(parts.Saved(tmp_path, outcome).get("0-0-1"), np.ones(3))
    file.write_bytes(file.read_bytes()[:-5])
    assert parts.Saved(tmp_path, outcome).get("0-0-1") is None
    assert parts.Saved(tmp_path, outcome).get("0-1-2") is None
    parts.forget(tmp_path, "a")
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("problem", [MemoryError(), RuntimeError("CUDA out of memory")])
@pytest.mark.parametrize("times", [1, 3, 4])
def test_where_memory_runs_out_tiles_get_smaller_three_times(
    heads, out, job, monkeypatch, problem, times
):
    undisturbed, tiles = Enhancer.begun, []

    def begun(self, plan):
        tiles.append(self.tile)
        if len(tiles) <= times:
            raise problem
        return undisturbed(self, plan)

    monkeypatch.setattr(Enhancer, "begun", begun)
    scans = batch.plan([heads / "a.nii.gz"], out)
    (one,) = batch.run(scans, out, job=job)
    assert tiles[:4] == [512, 256, 128, 64][: times + 1]
    if times == 4:
        assert one.status == "refused"
        assert "memory of this machine is too small" in one.reason
    else:
        assert one.status == "ok"
        assert one.facts["tile"] == 512 >> times
        assert all(verdict.good for verdict in verify(out))


def test_another_fault_of_the_network_is_not_taken_for_memory(heads, out, job, monkeypatch):
    def begun(self, plan):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Enhancer, "begun", begun)
    (one,) = batch.run(batch.plan([heads / "a.nii.gz"], out), out, job=job)
    assert one.status == "failed"


def test_where_memory_runs_out_at_the_end_the_scan_is_refused(heads, out, job, monkeypatch):
    def finished(plan, voxels):
        raise MemoryError

    monkeypatch.setattr("medddim.inference.enhancer.finished", finished)
    (one,) = batch.run(batch.plan([heads / "a.nii.gz"], out), out, job=job)
    assert one.status == "refused"
    assert "memory of this machine is too small" in one.reason
