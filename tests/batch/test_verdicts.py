"""What is said of a result that is not what its run has written, word for word."""

import json
import shutil

import pytest

from medddim import batch, record
from medddim.batch import validators
from medddim.batch.parts import PARTS
from medddim.batch.verify import Verdict, verify
from medddim.errors import UnreadableScan
from tests import studies

GONE = "the scan is no longer there, or no longer what it was when the result was made"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """`study/` and, beside it, `out/`, to be copied by a test."""
    place = tmp_path_factory.mktemp("verdicts")
    scans = batch.plan([studies.study(place / "study")], place / "out")
    assert all(one.good for one in batch.run(scans, place / "out", job=batch.identity_job()))
    return place


@pytest.fixture
def out(done, tmp_path, monkeypatch):
    monkeypatch.setattr(validators, "missing", lambda: ["dciodvfy"])
    for name in ("study", "out"):
        shutil.copytree(done / name, tmp_path / name)
    reword(tmp_path / "out", (str(done), str(tmp_path)))
    return tmp_path / "out"


def reword(out, *changes, names=(record.MANIFEST, record.RECORD)):
    for name in names:
        text = (out / name).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (out / name).write_text(text)


def said(out):
    """What is wrong, by result and topic."""
    return {
        f"{one.name} {topic}": problem.replace(str(out), "OUT")
        for one in verify(out)
        for topic, problem in one.topics.items()
        if problem
    }


def test_a_sound_run_has_a_verdict_on_its_record_and_on_each_result(out):
    verdicts = {one.name: one for one in verify(out)}
    assert list(verdicts) == ["medddim.json", "head", "series"]
    assert said(out) == {}
    assert verdicts["medddim.json"] == Verdict("medddim.json", 1, {"record": ""})
    assert (verdicts["head"].files, verdicts["series"].files) == (1, 4)
    assert set(verdicts["series"].topics) - set(verdicts["head"].topics) == {"order", "identity"}


def test_a_verdict_is_a_line_of_json():
    bad = Verdict("a", 2, {"files": "gone", "source": ""}, {"dcentvfy": "x"})
    assert json.loads(bad.line()) == {
        "name": "a", "files": 2, "topics": {"files": "gone", "source": ""},
        "inherited": {"dcentvfy": "x"}, "good": False,
    }  # fmt: skip
    assert Verdict("a", 2, {"files": ""}).good


def test_a_folder_without_a_manifest(out):
    path = out / record.MANIFEST
    path.write_text("[]")
    with pytest.raises(UnreadableScan) as problem:
        list(verify(out))
    assert str(problem.value) == (
        f"{path}: expected the manifest of a run, found none or a broken one; name the folder that "
        "was the output of `medddim enhance` or `medddim degrade`"
    )


def test_a_run_without_a_result(out):
    for name in (record.MANIFEST, record.RECORD):
        (out / name).write_text('{"scans": [], "job": {}}')
    with pytest.raises(UnreadableScan) as problem:
        list(verify(out))
    assert str(problem.value) == f"{out}: medddim.json tells of no result"


def test_an_interrupted_run_and_a_broken_entry(out):
    reword(out, ('"scans_given": 2', '"scans_given": 5'), names=[record.MANIFEST])
    assert said(out) == {"medddim.json record": "the run was interrupted after 2 of 5 scans"}
    manifest = json.loads((out / record.MANIFEST).read_text())
    manifest["scans"][0] = {"another": 1}
    (out / record.MANIFEST).write_text(json.dumps(manifest))
    assert said(out)["medddim.json record"] == "an entry of the manifest is broken"


def test_what_killed_runs_leave(out):
    for name in (".x.partial", f"{record.ANNOUNCED}.1", f"{PARTS}.2"):
        (out / name).mkdir()
    (out / "deep").mkdir()
    (out / "deep" / ".y.partial").touch()
    stated = said(out)["medddim.json record"]
    left, end = stated.removeprefix("a killed run left ").split("; ")
    assert end == "run the same command again"
    assert len(left.split(", ")) == 3
    assert {".x.partial", "deep/.y.partial"} <= set(left.split(", "))
    shutil.rmtree(out / ".x.partial")
    (out / "deep" / ".y.partial").unlink()
    assert said(out)["medddim.json record"] == (
        f"a killed run left {record.ANNOUNCED}.1, {PARTS}.2; run the same command again"
    )


def test_a_result_that_one_of_the_records_does_not_have(out):
    (out / record.RECORD).write_text("")
    assert said(out) == {
        f"{name} record": "medddim.jsonl does not tell of this result"
        for name in ("head", "series")
    }


def test_records_that_differ(out):
    reword(out, ('"clipped": 0', '"clipped": 7'), names=[record.RECORD])
    differ = "medddim.json and medddim.jsonl differ: one of them was altered"
    assert said(out) == {"head record": differ, "series record": differ}


def test_a_job_that_is_not_that_of_the_run(out):
    manifest = json.loads((out / record.MANIFEST).read_text())
    manifest["job"]["steps"] = 3
    (out / record.MANIFEST).write_text(json.dumps(manifest))
    other = "medddim.json tells of another job for this scan than for the run"
    assert said(out) == {"head record": other, "series record": other}


def test_a_scan_that_was_done_before_is_sound_and_one_that_failed_is_not(out, tmp_path):
    scans = batch.plan([tmp_path / "study"], out)
    assert {one.status for one in batch.run(scans, out, job=batch.identity_job())} == {
        "done before"
    }
    assert said(out) == {}
    last = record.last_lines(out)["head"]
    lines = (out / record.RECORD).read_text()
    failed = json.loads(last.line()) | {"status": "failed", "reason": "the maps are missing"}
    (out / record.RECORD).write_text(lines + json.dumps(failed) + "\n")
    assert said(out) == {"head record": "the maps are missing"}


def test_files_that_are_missing_altered_or_strange(out):
    (out / "head.nii.gz").unlink()
    (out / "series" / "0002.dcm").write_bytes(b"x")
    found = said(out)
    assert found["head files"] == "head.nii.gz is missing"
    assert found["series files"] == "series/0002.dcm was altered since it was written (sha256)"
    assert found["series geometry"].startswith("OUT/series/0002.dcm: expected ")
    assert "head source" not in found


def test_a_file_that_no_run_has_written(out):
    for name in ("notes.txt", "more.txt"):
        (out / "series" / name).write_text("x")
    assert said(out) == {"series files": "series/more.txt was not written by the run"}


def test_a_result_outside_the_folder(out):
    reword(out, ('"head.nii.gz":', '"../study/head.nii.gz":'))
    assert said(out)["head files"] == "../study/head.nii.gz lies outside the output folder"


def test_a_source_that_is_gone(out, tmp_path):
    path = tmp_path / "study" / "head.nii.gz"
    path.write_bytes(b"another")
    (tmp_path / "study" / "series").rename(tmp_path / "study" / "elsewhere")
    first = tmp_path / "study" / "series"
    found = said(out)
    assert found["head source"] == f"{path}: {GONE}"
    assert found["series source"].startswith(f"{first}/")
    assert found["series source"].endswith(f": {GONE}")
    verdict = next(one for one in verify(out) if one.name == "head")
    assert list(verdict.topics) == ["record", "files", "source"]


def test_a_result_without_inputs_on_record(out, tmp_path):
    inputs = json.loads((out / record.MANIFEST).read_text())["scans"][0]["inputs"]
    reword(out, (json.dumps(inputs), "{}"), names=[record.RECORD])
    manifest = json.loads((out / record.MANIFEST).read_text())
    manifest["scans"][0]["inputs"] = {}
    (out / record.MANIFEST).write_text(json.dumps(manifest))
    name = manifest["scans"][0]["name"]
    assert said(out) == {f"{name} source": f"nothing on record: {GONE}"}


@pytest.fixture
def judging(out, monkeypatch):
    """Validators that find what a test says, in results and in sources."""
    seen = []

    def judge(name, in_result, in_source):
        def of(files):
            files = list(files)
            seen.append((name, [file.name for file in files]))
            return in_result if any(out in file.parents for file in files) else in_source

        monkeypatch.setattr(validators, name, of)

    monkeypatch.setattr(validators, "missing", list)
    return judge, seen


def test_validators_see_the_result_and_beside_it_the_source(out, judging):
    judge, seen = judging
    judge("dciodvfy", "Missing (Rows) (4 files); Wrong (KVP) (4 files)", "Wrong (KVP) (4 files)")
    judge("dcentvfy", "Study differs", "Study differs")
    verdicts = {one.name: one for one in verify(out)}
    series = verdicts["series"]
    assert series.topics["dciodvfy"] == "Missing (Rows) (4 files)"
    assert series.topics["dcentvfy"] == ""
    assert series.inherited == {"dciodvfy": "Wrong (KVP)", "dcentvfy": "Study differs"}
    assert not {"dciodvfy", "dcentvfy"} & set(verdicts["head"].topics)
    assert verdicts["head"].inherited == {}
    results = [f"000{number}.dcm" for number in (1, 2, 3, 4)]
    sources = [path.name for path in sorted((out.parent / "study" / "series").iterdir())]
    assert seen == [
        ("dciodvfy", results),
        ("dcentvfy", results + sources),
        ("dciodvfy", sources),
        ("dcentvfy", sources),
    ]


def test_of_a_result_without_complaint_the_source_is_not_judged(out, judging):
    judge, seen = judging
    judge("dciodvfy", "", "Wrong (KVP) (4 files)")
    judge("dcentvfy", "", "")
    series = next(one for one in verify(out) if one.name == "series")
    assert series.good
    assert series.inherited == {}
    assert [name for name, _ in seen] == ["dciodvfy", "dcentvfy"]
