"""The nipype interface, run by nipype, and its options beside those of the command."""

import shutil
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from medddim.cli import main
from medddim.cli.enhance import enhance
from tests import studies

pytest.importorskip("nipype", reason="nipype is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:nipype|traits|rdflib")

FOR_PEOPLE = {"as_json", "quiet", "dry_run", "filename", "resume", "volume", "xml"}
ELSEWHERE = {"workers", "scheduler", "shard"}
"""A workflow shares out the work itself."""


@pytest.fixture
def interface(monkeypatch):
    """The interface; nipype asks no server which version is the newest."""
    monkeypatch.setenv("NO_ET", "1")
    from medddim.integrations import nipype

    return nipype


@pytest.fixture
def model(tmp_path):
    """A checkpoint folder of an untrained network."""
    return str(studies.model(tmp_path / "model"))


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command on the path, as this interpreter has it."""
    program = tmp_path / "bin" / "medddim"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = {sys.path!r}\n"
        "from medddim.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{Path(shutil.which('env')).parent}")


def test_its_options_are_those_of_the_command(interface):
    options = {
        str(one.name): max(one.opts, key=len)
        for one in enhance.params
        if one.name not in FOR_PEOPLE | ELSEWHERE
    }
    options["spacing"], options["num_threads"] = options.pop("spacing_mm"), options.pop("threads")
    spec = interface.EnhanceInputSpec()
    ours = {name: spec.trait(name).argstr for name in options}
    for name, flag in options.items():
        assert name == "scans" or ours[name].split()[0] == flag
    inherited = {"args", "environ"}
    assert set(spec.copyable_trait_names()) == set(options) | inherited


def test_a_command_line(interface, tmp_path):
    scan = studies.nifti(tmp_path)
    node = interface.Enhance(scans=str(scan), factor=(2, 2, 1), select="Modality=MR", residual=True)
    line = node.cmdline
    assert line.startswith("medddim enhance ")
    assert line.endswith(str(scan))
    assert "--factor 2,2,1" in line
    assert "--select 'Modality=MR'" in line
    node.inputs.spacing, node.inputs.factor = 1.5, 4
    assert "--spacing 1.5" in node.cmdline
    assert "--factor 4" in node.cmdline


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_a_workflow_gives_what_the_command_gives(interface, model, tmp_path):
    from nipype import MapNode, Node, Workflow
    from nipype.interfaces.utility import Merge

    study = studies.study(tmp_path / "study")
    node = Node(interface.Enhance(model=model, residual=True, seed=1), name="enhance")
    node.inputs.scans = [str(study)]
    gathered = Node(Merge(2, ravel_inputs=True), name="gathered")
    workflow = Workflow("denoising", base_dir=str(tmp_path / "work"))
    workflow.connect([(node, gathered, [("out_files", "in1"), ("out_maps", "in2")])])
    result = {one.name: one for one in workflow.run().nodes()}["gathered"].result
    names = [Path(path).name for path in result.outputs.out]
    assert names == ["head.nii.gz", "series", "head+residual.nii.gz", "series+residual.dcm"]
    out = str(tmp_path / "out")
    asked = ["enhance", str(study), "-o", out, "--model", model, "--residual", "--seed", "1"]
    assert CliRunner().invoke(main, asked).exit_code == 0
    theirs = nib.load(result.outputs.out[0]).get_fdata()
    np.testing.assert_array_equal(theirs, nib.load(f"{out}/head.nii.gz").get_fdata())
    assert MapNode(interface.Enhance(), iterfield="scans", name="each").interface


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_a_refused_scan_fails_its_node_unless_asked_not_to(interface, model, tmp_path):
    from nipype import Node
    from nipype.pipeline.engine.nodes import NodeExecutionError

    folder = tmp_path / "scans"
    studies.truncated(folder)
    studies.nifti(folder)
    asked = {"scans": str(folder), "model": model}
    with pytest.raises(NodeExecutionError, match="expected a whole NIfTI file"):
        Node(interface.Enhance(**asked), "whole", base_dir=str(tmp_path)).run()
    some = Node(interface.Enhance(**asked, exit_zero=True), "some", base_dir=str(tmp_path)).run()
    assert Path(some.outputs.out_files).name == "head.nii.gz"
