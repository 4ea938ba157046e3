"""A reference that says nothing of the quality of a result is refused."""

import shutil

import pytest

from medddim import batch, formats
from medddim.batch.jobs import Job
from medddim.errors import ScoreError
from medddim.report.evaluation import evaluate
from medddim.report.results import report_results
from tests import studies

HALVED = Job(
    "denoise", "halved", {}, lambda _: lambda scan, _: (scan.with_voxels(scan.voxels / 2), {})
)


@pytest.fixture
def run(tmp_path):
    """`study`, `better`, which was made from it, and `clean`, which was not."""
    studies.nifti(tmp_path / "study" / "sub-01", "a")
    studies.dicom(tmp_path / "study")
    out = tmp_path / "better"
    list(batch.run(batch.plan([tmp_path / "study"], out), out, job=HALVED))
    for series in formats.find(tmp_path / "study"):
        scan = formats.read(series)
        clean = scan.with_voxels(scan.voxels * 0.9)
        formats.write(clean, tmp_path / "clean", name=series.name, derivation=studies.IDENTITY)
    return tmp_path


def test_the_input_is_no_reference(run):
    with pytest.raises(ScoreError, match=r"how much was changed, not how good"):
        evaluate(run / "better", run / "study", run / "scores")
    shutil.move(run / "study", run / "elsewhere")
    shutil.move(run / "better", run / "moved")
    with pytest.raises(ScoreError, match=r"how much was changed, not how good"):
        evaluate(run / "moved/sub-01/a.nii.gz", run / "elsewhere/sub-01/a.nii.gz", run / "scores")
    assert not (run / "scores").exists()


def test_swapped_arguments_are_noticed(run):
    with pytest.raises(ScoreError, match=r"the order is results, then references"):
        evaluate(run / "study", run / "better", run / "scores")


@pytest.mark.slow
def test_arguments_that_may_be_swapped_are_scored_and_said_to_be(run):
    found = evaluate(run / "clean", run / "better", run / "scores")
    assert found.swapped == ["sub-01/a", "series"]
    found = evaluate(run / "better", run / "clean", run / "other", noisy=run / "study")
    assert found.swapped == []
    assert found.not_measured == {}


def test_one_folder_for_the_input_and_the_reference(run):
    with pytest.raises(ScoreError, match=r"the input is the reference itself"):
        evaluate(run / "better", run / "clean", run / "scores", noisy=run / "clean")


def test_what_was_degraded_is_measured_against_the_scan_it_was_made_from(run):
    worse = Job("degrade", "halved", {}, HALVED.start)
    out = run / "noisy"
    list(batch.run(batch.plan([run / "study"], out), out, job=worse))
    assert evaluate(out, run / "study", run / "scores").not_measured == {}


@pytest.mark.slow
def test_a_page_does_not_take_the_input_for_a_reference(run):
    page = report_results(run / "better", reference=run / "study")
    assert sorted(page.shown) == sorted(page.unmatched) == ["series", "sub-01/a"]
    assert "not how good" in str(page.unmatched["series"])
