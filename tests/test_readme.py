"""The README: what it shows is run, in a folder such as it speaks of."""

import re
import shlex
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydicom.data import get_testdata_file

from medddim import __version__, cli, record
from medddim.batch.locks import LOCK
from medddim.record.prov import PROV
from tests import studies
from tools import install_size

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TAKES_LONG = {"demo", "train"}
"""Verbs whose lines are parsed, not run; they have tests of their own."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """The `medddim` lines of a shell block, as lists of arguments."""
    lines = (shlex.split(line, comments=True) for line in text.splitlines())
    return [words[1:] for words in lines if words[:1] == ["medddim"]]


SHELL = [block for block in blocks("sh") if commands(block)]
ALL = [arguments for block in SHELL for arguments in commands(block)]
"""As somebody types them who goes through it from the top."""
INLINE = [
    words[1:]
    for code in re.findall(r"`(medddim [^`]+)`", README)
    if (words := shlex.split(code)) and words[1] in cli.main.commands and len(words) > 2
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`data_samples/`, a trained `run/`, and the folders of scans it speaks of."""
    shutil.copytree(studies.SAMPLES, tmp_path / "data_samples")
    studies.study(tmp_path / "study")
    studies.study(tmp_path / "reference", noise=0.01, brighter=1)
    for name in ("SCANS", "ct"):
        (tmp_path / name).mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "ct")
    studies.nifti(tmp_path / "thick")
    anatomy = tmp_path / "BIDS_DIR" / "sub-01" / "anat"
    studies.nifti(anatomy, "sub-01_T1w")
    (tmp_path / "BIDS_DIR" / "dataset_description.json").write_text(
        '{"Name": "one head", "BIDSVersion": "1.11.1"}'
    )
    studies.model(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(arguments: list[str]) -> None:
    if arguments[0] in TAKES_LONG:
        verb, *rest = arguments
        cli.main.commands[verb].make_context(verb, rest)
        return
    result = CliRunner().invoke(cli.main, arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("shipped_models", "blank_drawings")
def test_every_command_works_in_its_order(folder):
    for arguments in ALL:
        follow(arguments)


@pytest.mark.usefixtures("shipped_models")
@pytest.mark.parametrize("arguments", INLINE, ids=" ".join)
def test_every_command_in_the_text_works(folder, arguments):
    follow(arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("shipped_models")
@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_block_works_where_nothing_but_medddim_is(tmp_path, monkeypatch, block, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})  # the point of the test
    assert "psnr" in capsys.readouterr().out
    assert list((tmp_path / "out").rglob("*.dcm"))


def test_every_file_of_a_run_is_explained():
    page = (ROOT / "docs" / "how-to" / "pipelines" / "provenance.md").read_text(encoding="utf-8")
    for name in (record.RECORD, record.MANIFEST, PROV, LOCK):
        assert f"`{name}`" in README
        assert f"| `{name}` |" in page


def test_there_is_something_to_run():
    assert len(SHELL) >= 2
    assert len(blocks("python")) == 1
    assert {arguments[0] for arguments in ALL} >= {
        *("inspect", "enhance", "report", "evaluate", "train")
    }


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets


def test_every_file_it_points_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    scripts = re.findall(r"`python ([^\s`]+)", README)
    paths = [path for path in (*links, *scripts) if "://" not in path]
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["version"] == __version__


@pytest.mark.slow
@pytest.mark.skipif("+cpu" not in version("torch"), reason="the size is that with torch for CPUs")
def test_the_size_of_the_installation_is_what_its_command_says():
    stated = re.search(r"takes ([\d.]+) GB of disk.*\(`python tools/install_size\.py`\)", README)
    measured = sum(map(install_size.size_of, install_size.needed("medddim")))
    assert float(stated[1]) == pytest.approx(measured / 1e9, rel=0.1)
