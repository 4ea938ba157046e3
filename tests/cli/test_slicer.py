"""`enhance --xml`, read and called as 3D Slicer does it."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import SimpleITK as sitk

from medddim import formats
from medddim.cli.enhance import enhance
from medddim.cli.slicer import description
from tests import studies

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "pipelines" / "slicer-medddim"
ROOT = ["category", "title", "description", "version", "license", "contributor", "parameters"]
PARAMETER = ["name", "longflag", "index", "description", "label", "default", "channel"]
TYPES = {"image", "string", "string-enumeration", "integer", "double", "boolean"}


@pytest.fixture(scope="module")
def xml():
    """What `--xml` prints, as a tree."""
    return ElementTree.fromstring(description(enhance))


def parameters(xml):
    return [one for group in xml.iter("parameters") for one in list(group)[2:]]


def test_it_has_the_elements_of_the_schema_in_their_order(xml):
    assert xml.tag == "executable"
    order = [ROOT.index(child.tag) for child in xml]
    assert order == sorted(order)
    for group in xml.iter("parameters"):
        assert [child.tag for child in group][:2] == ["label", "description"]
    for one in parameters(xml):
        assert one.tag in TYPES
        tags = [child.tag for child in one if child.tag not in ("element", "constraints")]
        assert [PARAMETER.index(tag) for tag in tags] == sorted(map(PARAMETER.index, tags))
        assert {"name", "description", "label"} <= set(tags)
        assert ("longflag" in tags) != ("index" in tags)
        assert re.fullmatch(r"[_a-zA-Z][_a-zA-Z0-9]*", one.findtext("longflag") or "_")


def test_its_flags_are_those_of_the_command(xml):
    known = {flag for option in enhance.params for flag in option.opts}
    flags = {f"--{flag}" for one in parameters(xml) if (flag := one.findtext("longflag"))}
    assert flags <= known
    assert {"--volume", "--model", "--steps", "--quality"} <= flags


def call(xml, scan, result, **asked):
    """The command line that Slicer makes: flags with what they say, then the volume."""
    line = []
    for one in parameters(xml):
        name, flag = one.findtext("name"), f"--{one.findtext('longflag')}"
        value = str(asked.get(name, one.findtext("default") or ""))
        if one.tag == "image":
            continue
        if one.tag == "boolean":
            line += [flag] if value == "true" else []
        elif value or one.tag != "string":
            line += [flag, value]
    return [*line, "--volume", str(result), str(scan)]


@pytest.fixture
def scan(tmp_path):
    """A volume in the file that Slicer writes."""
    source = studies.nifti(tmp_path / "scans")
    path = tmp_path / "A_vtkMRMLScalarVolumeNodeB.nrrd"
    sitk.WriteImage(formats.read(source).to_sitk(), path)
    return path


def test_one_volume_in_and_one_out(medddim, xml, scan, model, tmp_path):
    volume = tmp_path / "A_vtkMRMLScalarVolumeNodeC.nrrd"
    result = medddim(enhance.name, *call(xml, scan, volume, model=model, steps=2, noise=0.1))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("<filter-start><filter-name>medddim enhance</filter-name>")
    assert "<filter-progress>1.000</filter-progress>" in result.stdout
    assert result.stdout.count("<filter-end>") == 1
    theirs, ours = sitk.ReadImage(volume), sitk.ReadImage(scan)
    np.testing.assert_allclose(theirs.GetOrigin(), ours.GetOrigin())
    np.testing.assert_allclose(theirs.GetDirection(), ours.GetDirection())
    command = ["enhance", scan, "-o", tmp_path / "out", "--model", model, "--steps", 2]
    assert medddim(*command, "--noise", 0.1).exit_code == 0
    expected = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "out" / scan.name))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(theirs), expected)
    assert not list(tmp_path.glob(".medddim*"))


def test_what_is_no_single_file_is_refused(medddim, study, scan, tmp_path):
    several = medddim("enhance", study, "--volume", tmp_path / "out.nrrd")
    assert several.exit_code == 2
    assert "one scan that is one file" in several.stderr
    other = medddim("enhance", scan, "--volume", tmp_path / "out.nii.gz")
    assert other.exit_code == 2
    assert "a name that ends in .nrrd" in other.stderr
    neither = medddim("enhance", scan)
    assert "Missing option '-o'" in neither.stderr
    assert not list(tmp_path.glob("out*"))


def test_a_scan_that_is_refused_leaves_no_volume(medddim, xml, model, tmp_path):
    cut = studies.truncated(tmp_path / "scans")
    volume = tmp_path / "out.nii.gz"
    assert medddim("enhance", *call(xml, cut, volume, model=model)).exit_code == 1
    assert not volume.exists()


@pytest.mark.slow
def test_the_module_of_the_example_as_slicer_runs_it(xml, scan, model, tmp_path):
    module = tmp_path / "modules" / SCRIPT.name
    module.parent.mkdir()
    module.write_bytes(SCRIPT.read_bytes())
    module.chmod(module.stat().st_mode | stat.S_IXUSR)
    command = tmp_path / "medddim"
    command.write_text(
        f"#!/bin/sh\nexec env PYTHONPATH='{os.environ.get('PYTHONPATH', '')}' {sys.executable} "
        '-c "import medddim.cli; medddim.cli.main()" "$@"\n'
    )
    command.chmod(0o755)
    slicer = os.environ | {"MEDDDIM": str(command), "PYTHONHOME": "/opt/Slicer/lib/Python"}
    run = {"capture_output": True, "text": True, "env": slicer, "check": False}
    asked = subprocess.run([module, "--xml"], **run)
    assert asked.returncode == 0, asked.stderr
    assert ElementTree.fromstring(asked.stdout).findtext("title") == "medddim enhance"
    volume = tmp_path / "out.nrrd"
    result = subprocess.run([module, *call(xml, scan, volume, model=model)], **run)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sitk.ReadImage(volume).GetSize() == sitk.ReadImage(scan).GetSize()
