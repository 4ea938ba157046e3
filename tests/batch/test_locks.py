"""Shards of one run share a folder, other runs do not; every scan belongs to one shard."""

import json

import pytest

from medddim import batch
from medddim.batch.locks import locked
from medddim.batch.verify import verify
from medddim.errors import RequestProblem, WriteRefused
from tests import studies


def test_every_scan_belongs_to_one_shard():
    shards = [batch.Shard(number, 3) for number in (1, 2, 3)]
    for name in map(str, range(50)):
        assert sum(shard.holds(name) for shard in shards) == 1
    assert all(any(shard.holds(str(name)) for name in range(50)) for shard in shards)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/2"])
def test_what_is_no_shard_is_a_wrong_request(text):
    with pytest.raises(RequestProblem, match="such as 3/8"):
        batch.Shard.parse(text)


def test_shards_do_together_what_one_run_does(heads, out, tmp_path, halving):
    scans = batch.plan([heads], out)
    list(batch.run(scans, tmp_path / "alone", job=halving()))
    counts = []
    for number in (1, 2):
        engine = batch.Here(shard=batch.Shard(number, 2))
        counts.append(len(list(batch.run(scans, out, job=halving(), engine=engine))))
    assert sum(counts) == 3
    assert studies.contents(out) == studies.contents(tmp_path / "alone")
    assert all(one.good for one in verify(out))
    reported = json.loads((out / batch.MANIFEST).read_text())
    assert reported["shard"] == "2-of-2"
    assert len(reported["scans"]) + len(reported["earlier"]) == 3
    assert {one.status for one in batch.run(scans, out, job=halving())} == {"done before"}


def test_a_shard_killed_before_its_record_goes_on(heads, out, halving, monkeypatch):
    scans, engine = batch.plan([heads], out), batch.Here(shard=batch.Shard(1, 1))

    def killed(*arguments, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("medddim.record.append", killed)
        with pytest.raises(KeyboardInterrupt):
            list(batch.run(scans, out, job=halving(), engine=engine))
    statuses = [one.status for one in batch.run(scans, out, job=halving(), engine=engine)]
    assert statuses[0] == "done before"


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("", "", False),
        ("", "1-of-2", False),
        ("1-of-2", "", False),
        ("1-of-2", "1-of-2", False),
        ("1-of-2", "2-of-3", False),
        ("1-of-2", "2-of-2", True),
    ],
)
def test_only_shards_of_one_division_share_a_folder(tmp_path, monkeypatch, first, second, together):
    monkeypatch.setattr("medddim.batch.locks.PATIENCE_S", 0.05)
    with locked(tmp_path, first):
        if together:
            with locked(tmp_path, second):
                pass
        else:
            with pytest.raises(WriteRefused, match="another run"), locked(tmp_path, second):
                pass
    with locked(tmp_path, second):
        pass
