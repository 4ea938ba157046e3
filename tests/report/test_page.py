"""The page is complete in itself, escapes every word, and holds what it was given."""

import base64
import hashlib
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from medddim.report.case import Case
from medddim.report.page import write_report
from medddim.report.viewer import PACKAGE, library
from medddim.volume import Volume

HOSTILE = "<script>alert('x')</script><img src=http://evil.example onerror=alert(1)>\"'&{{ 7 * 7 }}"


@pytest.fixture(scope="module")
def case():
    clean = np.random.default_rng(0).gamma(2, 100, (1, 32, 32, 12))
    noise = np.random.default_rng(1).normal(0, 30, clean.shape)
    reference = Volume(
        clean, np.diag([1, 1, 3, 1.0]), modality="MR", source={"PatientName": "Doe^Jane"}
    )
    rows = (
        {"result": "input", "psnr_db": 21.637, "ssim": 0.75149},
        {
            "result": "enhanced",
            "psnr_db": float("inf"),
            "seconds": 1234.5,
            "network evaluations": 4,
        },
    )
    return Case(
        title="Head, T1",
        input=reference.with_voxels(clean + noise),
        enhanced=reference,
        reference=reference,
        scores=rows,
        terms=("protocol ours, data range 755",),
        notes=("Foreground only.",),
    )


def policy(html):
    """The hash of the one script that runs, as the page's policy must name it."""
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def write(folder, *cases, **provenance):
    return write_report(folder, cases=cases, provenance=provenance).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(case, tmp_path_factory):
    """The page of the case, its pictures drawn."""
    folder = tmp_path_factory.mktemp("page") / "new" / "folder"
    return write_report(folder, cases=[case], provenance={"seed": 0})


@pytest.fixture(scope="module")
def html(page):
    """What it holds."""
    return page.read_text(encoding="utf-8")


blank = pytest.mark.usefixtures("blank_drawings")


def test_the_page_is_one_file_and_loads_nothing(page, html):
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    assert not re.search(r"https?://|//\w+\.|@import|url\(", html)
    assert re.findall(r"""(?:src|href)=["']?([^"'>]{0,10})""", html) == ["data:image"] * 5
    assert "default-src 'none'" in html
    assert 20_000 < len(html) < 4_000_000


@blank
def test_a_file_name_is_kept_and_a_second_report_replaces_the_first(case, tmp_path):
    page = write_report(tmp_path / "look.html", cases=[case], provenance={"seed": 1})
    again = write_report(tmp_path / "look.html", cases=[case], provenance={"seed": 222})
    assert page == again == tmp_path / "look.html"
    assert "222" in again.read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 1


def test_the_pictures_are_whole_and_not_blank(html):
    found = re.findall(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)", html)
    images = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]
    assert len(images) == 5
    assert all(image.std() > 10 for image in images)
    assert not np.array_equal(images[0], images[1])


@blank
def test_hostile_words_stay_words(case, tmp_path):
    hostile = Case(
        title=HOSTILE,
        input=case.input,
        enhanced=case.enhanced,
        scores=({HOSTILE: HOSTILE},),
        notes=(HOSTILE,),
    )
    html = write(tmp_path, hostile, **{HOSTILE: {HOSTILE: HOSTILE}})
    kinds = re.findall(r"<script(?: type=\"([^\"]*)\")?", html)
    assert kinds.count("") == 1  # the page's own; all others are data
    assert set(kinds) <= {"", "application/json", "application/octet-stream"}
    assert f"script-src 'sha256-{policy(html)}'" in html
    assert "<img src=http" not in html
    assert "{{ 7 * 7 }}" in html
    assert html.count("&lt;script&gt;alert") >= 7


def test_the_table_has_every_column_and_a_dash_for_what_is_missing(html):
    heads = re.findall(r'<th scope="col">(.*?)</th>', html)
    assert heads == ["result", "PSNR, dB ↑", "SSIM ↑", "seconds", "network evaluations"]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", html)]
    assert rows[0] == ["input", "21.6", "0.751", "–", "–"]
    assert rows[1] == ["enhanced", "∞", "–", "1234", "4"]
    assert "Under protocol ours, data range 755." in html


@blank
def test_tables_over_all_scans_come_first(case, tmp_path):
    page = write_report(
        tmp_path,
        cases=[case],
        provenance={},
        overview={"All of them": [{"mean": -1.5}], "1 without": [{"status": "-", "why": "words"}]},
    )
    html = page.read_text(encoding="utf-8")
    assert '<td>-</td><td class="said">words</td>' in html  # the page's style wraps them
    assert html.index("All of them") < html.index("<td>−1.50</td>") < html.index("Head, T1")


@blank
@pytest.mark.slow
def test_a_page_of_many_scans_stays_small_and_scrolls_what_it_can(case, tmp_path, monkeypatch):
    pytest.importorskip(PACKAGE)
    cases = [replace(case, title=str(number)) for number in range(5)]
    whole = write(tmp_path, *cases)
    assert whole.count('class="viewer"') == 3
    assert whole.count("This scan cannot be scrolled here") == 2
    pictures = sum(map(len, re.findall(r"data:image/[^\"]*", whole)))
    room_for_one = 15_000  # of 12 288 voxels
    limit = len(library().packed) + pictures + room_for_one
    monkeypatch.setattr("medddim.report.page.MOST_CHARACTERS", limit)
    few = write(tmp_path, *cases)
    assert few.count('class="viewer"') == 1
    assert 0 < sum(map(len, re.findall(r'class="volume">([^<]*)', few))) <= room_for_one


def test_the_changes_are_reported_in_figures(html):
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html))
    assert float(facts["Change, root mean square"].split()[0]) == pytest.approx(30, abs=1)
    assert float(facts["Power of fine detail, enhanced over input"]) < 1
    assert "Foreground only." in html
    assert "What was measured, what was added" in html
    assert "Where not to trust it" in html


@blank
def test_provenance_is_a_flat_table(case, tmp_path):
    html = write(
        tmp_path, case, model={"name": "mr", "sha256": "ab12"}, seed=0, steps=[1, 4], gpu=None
    )
    rows = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', html))
    expected = {"model · name": "mr", "model · sha256": "ab12"}
    assert rows == {**expected, "seed": "0", "steps": "1, 4", "gpu": "–"}


def test_the_header_of_the_scan_is_not_shown(html):
    assert "Doe^Jane" not in html


def test_the_slider_can_be_used_by_keyboard_and_screen_reader(html):
    slider, *scroll = re.findall(r"<input[^>]*>", html)
    assert all("aria-label=" in bar for bar in scroll)
    assert '<div class="table" tabindex="0"' in html  # a wide one is scrolled by key
    assert 'type="range"' in slider
    assert "aria-label=" in slider
    assert "tabindex" not in slider
    assert all("alt=" in image for image in re.findall(r"<img [^>]*>", html))


@pytest.mark.slow
def test_a_scan_that_is_constant_or_a_line_still_has_a_page(tmp_path):
    for shape in ((1, 9, 9, 9), (1, 1, 1, 5)):
        volume = Volume(np.zeros(shape), np.eye(4))
        case = Case("a", input=volume, enhanced=volume)
        assert "Provenance" in write(tmp_path, case, seed=0)


@blank
def test_nothing_is_said_of_a_provenance_that_is_not_known(case, tmp_path):
    assert "Provenance" not in write(tmp_path, case)


def test_a_page_made_without_niivue_says_so_and_keeps_its_pictures(case, tmp_path, monkeypatch):
    monkeypatch.setattr("medddim.report.page.library", lambda: None)
    html = write(tmp_path, case)
    assert "pip install medddim[report]" in html
    assert html.count("data:image/") == 5
    assert 'class="viewer"' not in html


@blank
def test_what_was_done_how_much_better_and_where_to_doubt_stand_in_words(case, tmp_path):
    described = replace(case, done="Noise was taken away.")
    html = write(tmp_path, described)
    assert "Noise was taken away." in html
    assert "equals the reference" in html
    better = replace(
        case, enhanced=case.input.with_voxels((case.input.voxels + case.reference.voxels) / 2)
    )
    assert "6.0 dB closer to the reference" in write(tmp_path, better)
