"""What is said of a name that is not there."""

from pathlib import Path

import click
import pytest

from medddim import formats
from medddim.cli import main
from medddim.cli.choices import Existing
from medddim.errors import UnreadableScan, nearest_path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Study" / "series1").mkdir(parents=True)
    (tmp_path / "Study" / "head.nii.gz").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("study", "Study"),
        ("Stduy/series1/a.dcm", "Study"),
        ("Study/head.nii", "Study/head.nii.gz"),
        ("./Study/sreies1", "Study/series1"),
    ],
)
def test_the_nearest_name_is_found_where_the_path_ends(place: Path, given: str, near: str) -> None:
    assert nearest_path(Path(given)) == f"; did you mean {Path(near)}?"
    assert nearest_path(place / given) == f"; did you mean {place / near}?"


@pytest.mark.parametrize("given", ["elsewhere", "Study/head.nii.gz/inside", "/nowhere/at/all"])
def test_where_no_name_is_near_nothing_is_said(place: Path, given: str) -> None:
    assert nearest_path(Path(given)) == ""


def test_a_link_to_nothing_is_not_said_to_be_near_itself(place: Path) -> None:
    (place / "Study" / "T1w.nii.gz").symlink_to(place / "annex" / "T1w")
    assert "link to a file that is not here" in nearest_path(Path("Study/T1w.nii.gz"))


def test_python_says_so_as_the_command_does(place: Path) -> None:
    with pytest.raises(UnreadableScan, match=r"no such file or folder; did you mean .*Study\?"):
        formats.find("Stuyd")


def test_every_path_that_must_exist_is_answered_with_the_nearest() -> None:
    context = click.Context(main)
    verbs = [main.get_command(context, name) for name in main.list_commands(context)]
    kinds = [one.type for verb in verbs if verb for one in verb.params]
    paths = [kind for kind in kinds if isinstance(kind, click.Path) and kind.exists]
    assert len(paths) > 5
    assert all(isinstance(kind, Existing) for kind in paths)
