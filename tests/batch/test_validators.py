"""The validators' complaints, in words that quote no header."""

import shutil

import pydicom
import pytest

from medddim.batch import validators
from tests import studies

installed = pytest.mark.skipif(bool(validators.missing()), reason="dicom3tools is not installed")


@installed
def test_a_file_that_breaks_the_standard_is_reported_without_its_values(tmp_path):
    paths = sorted(studies.dicom(tmp_path).iterdir())
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.PatientSex = f"{studies.CANARY} NONE"
        del dataset.Modality
        dataset.save_as(path)
    reported = validators.dciodvfy(paths)
    assert "Missing attribute" in reported
    assert "(Modality)" in reported
    assert f"({len(paths)} files)" in reported
    assert studies.CANARY not in reported


@installed
def test_files_that_disagree_are_reported_without_their_values(tmp_path):
    first, second = sorted(studies.dicom(tmp_path).iterdir())[:2]
    dataset = pydicom.dcmread(second)
    dataset.PatientName, dataset.StudyDate = f"{studies.CANARY}2", "20010101"
    dataset.save_as(second)
    reported = validators.dcentvfy([first, second])
    assert "(PatientName)" in reported
    assert "(StudyDate)" in reported
    assert studies.CANARY not in reported


def test_what_is_not_installed_finds_nothing_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert validators.missing() == ["dciodvfy", "dcentvfy"]
    assert validators.dciodvfy(sorted(studies.dicom(tmp_path).iterdir())) == ""
