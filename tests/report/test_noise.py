"""The noise passport in a report."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from medddim.noise import AxisFilter, noise_passport
from medddim.report.case import Case
from medddim.report.noise import noise_section
from medddim.report.page import write_report
from medddim.volume import Volume
from tests.noise.acquisition import acquired
from tests.phantoms import head


@pytest.fixture(scope="module")
def scan():
    clean = head((128, 112, 4))
    x, y = np.linspace(-1, 1, 128)[:, None, None], np.linspace(-1, 1, 112)[:, None]
    level = 1 + 2 * np.exp(-(x**2 + y**2) / 0.3) + np.zeros(clean.shape)
    return acquired(clean, 20.0, AxisFilter(share=0.7), AxisFilter(), level=level)[0]


def test_it_says_level_share_correlation_and_whether_the_model_fits(scan):
    section, found = noise_section(scan), noise_passport(scan)
    facts = dict(section.facts)
    assert f"{found.level:.3g}" in facts["Noise (standard deviation of each receiver channel)"]
    assert facts["Share of k-space that was measured"].startswith("7")
    assert f"{found.correlation[0][0]:.2f}" in facts["Correlation to the next voxel, x, y, z"]
    assert facts["Explained by a filter of k-space"] == "yes"


def test_an_uneven_level_has_a_map_bright_in_the_middle(scan):
    section = noise_section(scan)
    data = base64.b64decode(section.picture.removeprefix("data:image/png;base64,"))
    picture = np.asarray(Image.open(io.BytesIO(data)), float)
    rows, columns = picture.shape
    middle = picture[rows // 2]
    assert middle[columns // 2] > max(middle[columns // 8], middle[-columns // 8]) + 40
    assert section.scale.startswith("black")


def test_a_level_that_is_the_same_everywhere_has_no_map():
    flat = acquired(head((96, 96, 4)), 40.0)[0]
    assert noise_section(flat).picture == ""


def test_ct_tells_its_texture_and_a_constant_scan_why_not():
    noise = np.random.default_rng(0).normal(40, 12, (1, 96, 96, 4))
    ct = noise_section(Volume(noise, np.diag([1, 1, 3, 1]), "CT", "HU"))
    facts = dict(ct.facts)
    assert facts["Noise (standard deviation in soft tissue)"].endswith("HU")
    assert "spectrum" in facts["Texture"]
    constant = noise_section(Volume(np.full((1, 32, 32, 4), 5.0), np.eye(4), "MR"))
    assert "constant" in dict(constant.facts)["Noise"]


@pytest.mark.slow
def test_the_page_has_the_section(scan, tmp_path):
    case = Case("Head", input=scan, enhanced=head((128, 112, 4)))
    html = write_report(tmp_path, cases=[case], provenance={}).read_text("utf-8")
    assert "Noise of the input" in html
    assert noise_section(scan).picture in html
