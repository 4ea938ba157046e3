"""`medddim report`: a page after the fact, of what the record tells."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from medddim import record
from medddim.cli import main
from medddim.record.prov import PROV
from tests import studies

pytestmark = pytest.mark.usefixtures("blank_drawings")


@pytest.fixture(scope="module")
def enhanced(tmp_path_factory, model):
    """`study/`, and `better/`: the same enhanced by the model; to be copied by a test."""
    place = tmp_path_factory.mktemp("report")
    asked = studies.study(place / "study"), "-o", place / "better", "--model", model, "--force"
    done = CliRunner().invoke(main, ["enhance", *map(str, asked)])
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def better(enhanced, study, tmp_path):
    """`better/`, as made of `study/`."""
    shutil.copytree(enhanced / "better", tmp_path / "better")
    for name in (record.MANIFEST, record.RECORD, PROV):
        path = tmp_path / "better" / name
        path.write_text(path.read_text().replace(str(enhanced), str(tmp_path)))
    return tmp_path / "better"


def html(path):
    return path.read_text(encoding="utf-8")


def test_a_page_of_every_result_without_any_reference(medddim, better):
    done = medddim("report", better)
    assert done.exit_code == 0, done.output
    assert "2 shown" in done.output
    page = html(better / "report.html")
    assert {"head", "series"} <= set(re.findall(r"<h2>(.*?)</h2>", page))
    assert "No clean reference exists" in page
    assert "2 results" in page
    assert studies.CANARY not in page
    assert medddim("verify", better).exit_code == 0  # the page is no stranger among the results
    assert medddim("report", better).exit_code == 0  # and may be made again


def test_with_references_the_results_are_measured(medddim, better, study, tmp_path):
    clean = tmp_path / "clean"
    studies.nifti(clean, noise=0.01)
    done = medddim("report", better, "head", "--reference", clean, "-o", "pages/head.html")
    assert done.exit_code == 0, done.output
    page = html(tmp_path / "pages" / "head.html")
    assert "PSNR, dB" in page
    assert "the reference than the input" in page
    assert not (better / "report.html").exists()


def test_a_scan_without_its_reference_is_shown_and_said(medddim, better, tmp_path):
    clean = tmp_path / "clean"
    studies.nifti(clean)
    done = medddim("report", better, "--reference", clean)
    assert done.exit_code == 1
    assert "series: shown without a reference" in done.output
    assert "2 shown" in done.output


def test_maps_receipt_and_what_was_refused_are_on_the_page(medddim, study, tmp_path):
    sampler = studies.sampler(tmp_path / "sampler")
    studies.truncated(study)
    medddim(
        "enhance", study, "-o", "better", "--model", sampler, "--samples", 2, "--steps", 2,
        "--force",
    )  # fmt: skip
    done = medddim("report", "better", "head")
    assert done.exit_code == 0, done.output
    page = html(tmp_path / "better" / "report.html")
    scene = json.loads(re.search(r'class="scene">(.*?)</script>', page)[1])
    assert "uncertainty" in [volume["name"] for volume in scene["volumes"]]
    assert "1 without a result" in page


def test_scans_that_are_gone_are_named(medddim, better, study):
    (study / "head.nii.gz").unlink()
    done = medddim("report", better)
    assert done.exit_code == 1
    assert "head: not shown: " in done.output
    assert "1 shown" in done.output


@pytest.mark.parametrize("names", [[], ["nobody"]])
def test_a_folder_without_results_says_what_to_name(medddim, study, better, names):
    done = medddim("report", better if names else study, *names)
    assert done.exit_code == 1
    assert "nobody" in done.output if names else "medddim enhance" in done.output


def test_what_was_made_worse_on_purpose_is_no_result_to_look_at(medddim, study):
    medddim("degrade", study, "-o", "worse", "--as", "rician", "--level", 0.1)
    done = medddim("report", "worse")
    assert done.exit_code == 1
    assert "made worse on purpose" in done.output


@pytest.mark.slow
def test_a_tree_of_runs_is_looked_at_as_a_whole(medddim, study, tmp_path):
    """A BIDS derivative has a record in each of its folders."""
    tree = tmp_path / "tree"
    for subject, modality in (("sub-01", "anat"), ("sub-02", "ses-1/anat")):
        out = tree / subject / modality
        done = medddim("enhance", study, "-o", out, "--model", "identity")
        assert done.exit_code == 0, done.output
    done = medddim("report", tree)
    assert done.exit_code == 0, done.output
    names = re.findall(r"<h2>(.*?)</h2>", html(tree / "report.html"))
    both = {"sub-01/anat/head", "sub-02/ses-1/anat/head"}
    assert both <= set(names)
    assert medddim("report", tree, "sub-02/*", "-o", "two.html").exit_code == 0
    assert not {one for one in re.findall(r"<h2>(.*?)</h2>", html(tmp_path / "two.html"))
                if one.startswith("sub-01")}  # fmt: skip
    checked = medddim("verify", tree, "--json")
    assert checked.exit_code == 0, checked.output
    assert both < {json.loads(line)["name"] for line in checked.stdout.splitlines()}
    (tree / "sub-02/ses-1/anat/head.nii.gz").unlink()
    spoilt = medddim("verify", tree)
    assert spoilt.exit_code == 1
    assert "sub-02/ses-1/anat/head: files: head.nii.gz is missing" in spoilt.stdout


@pytest.mark.slow
def test_of_what_a_later_run_found_done_no_seconds_are_shown(medddim, study, tmp_path):
    for _ in range(2):
        medddim("enhance", study, "-o", "better", "--model", "identity")
    assert medddim("report", "better").exit_code == 0
    rows = re.findall(r"<tr><td>(head|series)</td><td>.*?</td><td>(.*?)</td>",
                      html(tmp_path / "better" / "report.html"))  # fmt: skip
    assert rows == [("head", "–"), ("series", "–")]
