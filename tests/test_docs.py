"""The documentation: complete, true to the program, and it builds, whole and offline."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import medddim
from medddim import cli
from medddim.cli.degrade import KINDS
from tests import studies
from tools import docs

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in (ROOT / "docs").rglob("*.md")
    if not {"decisions", "images"} & set(path.relative_to(ROOT).parts)
)
HOW_TO = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
REFERENCE = ROOT / "docs" / "reference"


def name(path):
    return path.relative_to(ROOT / "docs").as_posix()


def blocks(path, language):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(path):
    """The `medddim` lines of the shell blocks of a page, as lists of arguments."""
    lines = (line for b in blocks(path, "sh") for line in b.replace("\\\n", " ").splitlines())
    split = (shlex.split(line, comments=True) for line in lines)
    return [words[1:] for words in split if words[:1] == ["medddim"]]


def verbs(command=cli.main, prefix=""):
    """Every command below medddim, by full name."""
    for verb, below in sorted(command.commands.items()):
        yield prefix + verb
        if isinstance(below, click.Group):
            yield from verbs(below, f"{prefix}{verb} ")


COMMANDS = [(name(path), words) for path in PAGES for words in commands(path)]
OF_ITS_OWN = "how-to/extend.md"
"""A page that changes tables, and has a test of its own: tests/test_extend.py."""
LONG = "how-to/python.md"
"""Every call there is; `make test-all` runs it."""
WITH_PYTHON = [
    pytest.param(p, marks=[pytest.mark.slow] if name(p) == LONG else [])
    for p in PAGES
    if blocks(p, "python") and name(p) != OF_ITS_OWN
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files and folders that the pages speak of."""
    shutil.copytree(studies.SAMPLES, tmp_path / "data_samples")
    for there in "study reference noisy thick better finer textured ct SCANS BIDS_DIR".split():
        (tmp_path / there).mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("public", sorted(medddim.__all__))
def test_every_public_name_is_in_the_reference(public):
    page = (REFERENCE / "python.md").read_text(encoding="utf-8")
    thing = getattr(medddim, public)
    elsewhere = public == "Recipe" or public in medddim.degradation.__all__
    if elsewhere or not callable(thing):  # they have pages of their own
        assert f"`md.{public}`" in page
    else:
        assert re.search(rf"^::: medddim\.[\w.]+\.{public}$", page, re.MULTILINE)


@pytest.mark.parametrize("public", sorted(medddim.diffusion.__all__))
def test_every_name_of_the_diffusion_core_is_in_the_reference(public):
    page = (REFERENCE / "diffusion.md").read_text(encoding="utf-8")
    assert re.search(rf"^::: medddim\.diffusion\.{public}$|`md\.diffusion\.{public}`", page, re.M)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_degradation_is_in_the_reference(kind):
    assert f"| `{kind}` |" in (REFERENCE / "degradation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("public", sorted(medddim.__all__))
def test_every_public_name_and_its_methods_have_a_docstring(public):
    thing = getattr(medddim, public)
    if public != "__version__":
        assert thing.__doc__
    methods = vars(thing).items() if isinstance(thing, type) else ()
    mine = [(key, value) for key, value in methods if not key.startswith("_")]
    assert [key for key, value in mine if callable(value) and not value.__doc__] == []


@pytest.mark.parametrize("verb", list(verbs()))
def test_every_command_is_in_a_page_written_by_hand(verb):
    assert re.search(rf"medddim {verb}\b", HOW_TO), f"which page tells of `medddim {verb}`?"


def test_every_command_and_option_is_in_the_reference():
    page = docs.command_line()
    for verb in verbs():
        assert f"\n## medddim {verb}\n" in page
    for command in cli.main.commands.values():
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        assert [o.opts[-1] for o in options if o.opts[-1] not in page] == []


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{p}-{w[0]}" for p, w in COMMANDS])
def test_every_command_line_is_one_that_medddim_understands(folder, page, words):
    command = cli.main
    while isinstance(command, click.Group) and words:
        verb, *words = words
        command = command.commands[verb]
    command.make_context("medddim", list(words))


@pytest.mark.filterwarnings("ignore:NvImgCodec")  # MONAI's LoadImage makes every reader
@pytest.mark.parametrize("path", WITH_PYTHON, ids=name)
@pytest.mark.usefixtures("shipped_models")
def test_the_python_of_a_page_runs(folder, path, monkeypatch, capsys):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    names = {}
    for block in blocks(path, "python"):
        exec(compile(block, name(path), "exec"), names)  # the point of the test


def test_links_between_files_lead_to_files():
    """As they are read in the repository; `tools/docs.py` has those of the site."""
    places = [*ROOT.glob("*.md"), *(ROOT / "medddim").rglob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (path, link)
        for path in places
        for link in re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", path.read_text(encoding="utf-8"))
        if not re.match(r"\w+:", link)
    ]
    assert len(links) > 100
    assert [(str(p), to) for p, to in links if not (p.parent / to).exists()] == []


@pytest.mark.parametrize(
    ("link", "folder", "there"),
    [
        ("../../CHANGELOG.md", "reference", "../changelog.md"),
        ("../medddim/weights/mr-denoise/card.md", "", "models/mr-denoise.md"),
        ("../../medddim/errors.py", "reference", "errors.md"),
        ("../../notebooks/01_first.ipynb", "how-to", "../notebooks/01_first.md"),
        ("trust.md", "", "trust.md"),
        ("https://example.org/CHANGELOG.md", "", "https://example.org/CHANGELOG.md"),
    ],
)
def test_links_out_of_the_pages_lead_to_pages_of_the_site(link, folder, there):
    assert docs.with_links_to_pages(f"[a]({link})", folder) == f"[a]({there})"


def test_no_page_is_empty():
    assert all(len(path.read_text(encoding="utf-8")) > 200 for path in PAGES)


def test_the_limits_say_of_zero_filling_what_is_measured():
    """tests/metrics/test_noise.py: the level is right. The card of mr-denoise: less is removed."""
    limits = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    said = " ".join(limits.partition("(zero-filling)")[2].split())[:300]
    assert "its level is read where k-space was measured" in said
    assert "less of it is removed" in said
    assert "underestimat" not in limits


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_no_network(tmp_path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False, env=quiet)
    assert result.returncode == 0, result.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 20
    assert f"medddim {medddim.__version__}" in (tmp_path / "index.html").read_text("utf-8")
    asked = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?(?:https?:)?//|url\(https?:")
    styled = re.compile(r"<link[^>]*\shref=\"?(?:https?:)?//")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not asked.search(text), page
        assert not styled.search(text), page
