"""The contract of every verb: help, a place in the README, one line for a problem, exit codes."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from medddim import __version__, batch, cli, formats
from medddim.errors import (
    CheckpointError,
    EnvironmentProblem,
    GridMismatch,
    RecipeError,
    RequestProblem,
    UnknownModel,
    UnreadableScan,
    WriteRefused,
)
from tests import studies

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
VERBS = sorted(cli.main.commands)
OUTPUT = ("-o", "out")
PLAINLY = {
    "degrade": ("study", *OUTPUT, "--as", "rician"),
    "enhance": ("study", *OUTPUT, "--model", "identity"),
    "evaluate": ("study", "study", *OUTPUT),
    "inspect": ("study",),
}
"""The verbs that take scans, as they are used."""


def test_these_are_the_verbs():
    others = {"demo", "models", "report", "selftest", "train", "verify"}
    integrations = {"bids", "export", "fetch", "listen", "send"}
    assert VERBS == sorted({*PLAINLY, *others, *integrations})


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(medddim, verb):
    result = medddim(verb, "--help")
    assert result.exit_code == 0
    assert f"Usage: medddim {verb}" in result.stdout
    assert f"`{verb}`" in README or f"`medddim {verb}" in README
    command = cli.main.commands[verb]
    assert command.get_short_help_str(limit=200).endswith(".")


def commands(command=cli.main, name=""):
    """Every command below medddim, with what is typed to call it."""
    for verb, below in command.commands.items():
        yield f"{name}{verb}", below
        if isinstance(below, click.Group):
            yield from commands(below, f"{name}{verb} ")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda one: str(one))
def test_every_help_ends_with_examples_that_parse(study, monkeypatch, name, command):
    monkeypatch.chdir(study.parent)
    for folder in "better reference dicom thick thin clean SCANS BIDS_DIR run".split():
        (study.parent / folder).mkdir()
    title, *lines = command.epilog.removeprefix("\b\n").splitlines()
    assert title == "Examples:"
    assert any(line.split("   ")[0].strip().startswith(f"medddim {name}") for line in lines)
    for line in lines:
        words = shlex.split(re.split(r"   +| > ", line.strip())[0])[1:]
        verb = cli.main
        while isinstance(verb, click.Group) and words and words[0] in verb.commands:
            verb, words = verb.commands[words[0]], words[1:]
        verb.make_context("medddim", words)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_with_a_free_value_has_help(verb):
    for option in cli.main.commands[verb].params:
        if isinstance(option, click.Option) and not isinstance(option.type, click.Choice):
            assert option.help, option.name


def test_the_program_lists_its_verbs_and_its_version(medddim):
    shown = medddim("--help")
    assert shown.exit_code == 0
    assert all(verb in shown.stdout for verb in VERBS)
    assert medddim("--version").stdout.startswith("medddim, version ")


def test_the_program_runs_as_a_module():
    command = [sys.executable, "-m", "medddim", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"medddim, version {__version__}"


@pytest.mark.parametrize("verb", sorted(PLAINLY))
def test_every_verb_does_its_work(medddim, study, verb):
    result = medddim(verb, *PLAINLY[verb])
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "head" in result.stdout


@pytest.mark.parametrize("verb", sorted(PLAINLY))
def test_no_scan_is_one_line_and_no_output(medddim, tmp_path, verb):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes.txt").write_text("no scan")
    result = medddim(verb, *PLAINLY[verb])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("medddim: no scan in study")
    assert "expected DICOM series" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", sorted(PLAINLY))
def test_wrong_usage_is_exit_code_2(medddim, tmp_path, verb):
    more = PLAINLY[verb][1:]
    for arguments in (("nowhere", *more), (*PLAINLY[verb], "--nonsense"), ()):
        result = medddim(verb, *arguments)
        assert result.exit_code == 2
        assert "Error: " in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["degrade", "enhance", "evaluate"])
def test_a_file_is_no_output_folder(medddim, study, tmp_path, verb):
    (tmp_path / "out").write_text("in the way")
    assert medddim(verb, *PLAINLY[verb]).exit_code == 2
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (UnreadableScan("a\n  b"), 1),
        (GridMismatch("a b"), 1),
        (WriteRefused("a b"), 2),
        (RecipeError("a b"), 2),
        (UnknownModel("a b"), 2),
        (RequestProblem("a b"), 2),
        (EnvironmentProblem("a b"), 3),
        (CheckpointError("a b"), 3),
        (PermissionError(13, "b", "a"), 3),
        (KeyError(studies.CANARY), 1),
        (OSError(f"{studies.CANARY} without a file"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_problem_is_one_line_and_its_exit_code(medddim, study, monkeypatch, problem, code):
    def stumble(*paths, **choice):
        raise problem

    monkeypatch.setattr(formats, "find", stumble)
    result = medddim("inspect", "study")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("medddim: ")
    assert result.stderr.count("\n") == 1
    if code in (1, 3) and "unexpected" not in result.stderr:
        assert result.stderr.split() in (["medddim:", "a", "b"], ["medddim:", "a:", "b"])


@pytest.mark.parametrize("verb", ["enhance", "degrade"])
def test_an_interrupted_batch_keeps_what_is_done_and_goes_on(
    medddim, study, tmp_path, monkeypatch, verb
):
    write, calls = formats.write, iter(range(10))

    def write_one(*arguments, **more):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return write(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(formats, "write", write_one)
        result = medddim(verb, *PLAINLY[verb])
    assert result.exit_code == 130
    assert result.stderr == (
        "medddim: interrupted; what was finished is kept; the same command goes on\n"
    )
    assert list(studies.contents(tmp_path / "out")) == ["head.nii.gz"]
    again = medddim(verb, *PLAINLY[verb])
    assert again.exit_code == 0
    assert "1 done before, 1 ok; see out/medddim.json" in again.stdout


@pytest.mark.parametrize("verb", ["enhance", "degrade", "evaluate"])
def test_a_folder_that_cannot_be_written_is_exit_code_3(medddim, study, tmp_path, verb):
    (tmp_path / "file").write_text("in the way")
    where = [argument if argument != "out" else "file/out" for argument in PLAINLY[verb]]
    result = medddim(verb, *where)
    assert result.exit_code == 3
    assert result.stderr.startswith("medddim: file/out")


def test_nothing_but_dicom_results_holds_the_patient(medddim, study, tmp_path):
    studies.gap(study)
    for verb in ("inspect", "enhance", "degrade"):
        medddim(verb, *(a if a != "out" else verb for a in PLAINLY[verb]), "--json")
        medddim("--debug", verb, *(a if a != "out" else verb for a in PLAINLY[verb]))
    results = [path for path in tmp_path.rglob("*") if "study" not in path.parts]
    assert results
    for path in results:
        assert studies.CANARY not in path.name
        if path.is_file() and path.suffix != ".dcm":
            assert studies.CANARY.encode() not in path.read_bytes()


def test_the_record_has_a_name_of_its_own():
    assert {batch.LOCK, batch.MANIFEST, batch.RECORD} == {
        *("medddim.lock", "medddim.json", "medddim.jsonl")
    }
