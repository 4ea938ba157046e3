"""Scans that their scanner denoised: which headers and JSON files say so."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medddim.formats.reconstruction import denoised_by_scanner
from medddim.volume import Volume


def scan(source):
    return Volume(np.ones((1, 4, 4, 4)), np.eye(4), "MR", source=source)


def of_header(**said):
    header = Dataset()
    for name, value in said.items():
        setattr(header, name, value)
    return header


def named(header):
    return denoised_by_scanner(scan(SimpleNamespace(headers=(header,))))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "DRG", "NORM", "DRS"]}, "Deep Resolve Gain"),
        ({"SeriesDescription": "t2_tse_Deep_Resolve"}, "Deep Resolve"),
        ({"SeriesDescription": "Ax T2 AIR Recon DL"}, "AIR Recon DL"),
        ({"SeriesDescription": "AiCE body"}, "AiCE"),
    ],
)
def test_words_of_the_header(said, name):
    assert named(of_header(**said)).startswith(name)


@pytest.mark.parametrize(
    ("value", "name"), [(["0.75", "High"], "AIR Recon DL"), (["0", "Off"], "")]
)
def test_the_private_element_of_ge(value, name):
    header = of_header(SeriesDescription="Ax T2 FLAIR")
    header.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0xCA, "LO", value)
    assert named(header) == name


def test_the_private_element_of_siemens():
    header = of_header(ImageType=["ORIGINAL", "PRIMARY", "M", "NONE"])
    header.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
    header.add_new((0x0021, 0x1175), "CS", ["ORIGINAL", "PRIMARY", "M", "DRB", "NORM"])
    assert named(header) == "Deep Resolve Boost"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"DeepLearning": True, "DeepLearningDetails": "0.75\\High"}, "deep learning"),
        ({"DeepLearningDetails": "0.75\\High"}, "deep learning"),
        ({"ImageTypeText": ["ORIGINAL", "DRB"], "DeepLearning": True}, "Deep Resolve Boost"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "SeriesDescription": "T1 fair"}, ""),
        ({"DeepLearning": False}, ""),
    ],
)
def test_the_json_file_of_dcm2niix(said, name):
    assert denoised_by_scanner(scan(SimpleNamespace(beside=SimpleNamespace(said=said)))) == name


def test_a_scan_that_says_nothing():
    assert denoised_by_scanner(scan(None)) == ""
    assert named(of_header(SeriesDescription="hairy dlpfc", ImageType="ORIGINAL")) == ""
