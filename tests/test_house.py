"""The rules of the house that no linter knows."""

import ast
import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from medddim import errors

ROOT = Path(__file__).resolve().parent.parent
HOUSE = sorted((ROOT / "medddim").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
SOURCES = sorted(
    path
    for folder in ("medddim", "tests", "tools", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
tree = cache(lambda path: ast.parse(path.read_text(encoding="utf-8")))
ACROSS = {"browser", "hostile", "pacs"}
"""Suites for what the packages promise together, and what takes a server or a browser."""
PROSE = {".cff", ".html", ".ipynb", ".lua", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}
DIALECT = {
    "told": "given, reported, recorded",
    "wish": "request",
    "mend": "repair",
    "mended": "repaired",
    "rival": "baseline",
    "foresee": "cover, plan for",
    "passed over": "skipped",
    "is no number": "is NaN, is not finite",
    "seen from": "relative to, in the view",
    "larger voxels": "lower resolution",
}
"""Words that the field does not use, and those it does: docs/decisions/0100."""
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted",
    "registry." + "npmjs",
    "deb." + "debian",
    "download." + "pytorch",
]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def committed_files() -> list[Path]:
    """Files git tracks or would track; all but the hidden ones where there is no git."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    paths = (ROOT / line for line in listed.stdout.split("\0") if line)
    return [path for path in paths if path.is_file()]


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All below a node; a statement lies in no expression, so that these are not looked at."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.stmt | ast.excepthandler | ast.match_case):
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                yield one
            yield from functions(one)


def may_be_long(path: Path) -> bool:
    """Whether 50 lines follow a `def` before the next one that is indented no deeper.

    To parse every file takes seconds.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (re.match(r"( *)(?:async )?(?:def|class) ", line) for line in lines)
    starts = [(number, len(one[1])) for number, one in enumerate(found) if one]
    ends = [*starts[1:], (len(lines), 0)]
    return any(
        next(line for line, deep in ends[place:] if deep <= depth) - number > 50
        for place, (number, depth) in enumerate(starts)
    )


def test_files_and_functions_are_short() -> None:
    long = [name(path) for path in SOURCES if len(path.read_bytes().splitlines()) > 300]
    assert long == [], "is there a second noun inside?"
    assert [
        f"{name(path)}: {node.name}"
        for path in filter(may_be_long, SOURCES)
        for node in functions(tree(path))
        if node.end_lineno - node.lineno + 1 > 50
    ] == []


def test_every_module_has_a_telling_name() -> None:
    parts = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & VAGUE == set()


def test_tests_mirror_the_package() -> None:
    """A folder of modules has a folder of tests, or one file."""
    packages = {path.parent.relative_to(ROOT / "medddim").as_posix() for path in HOUSE}
    folders = {path.parent.relative_to(ROOT / "tests").as_posix() for path in TESTS}
    assert folders - ACROSS <= packages
    files = {path.with_suffix("").relative_to(ROOT / "tests").as_posix() for path in TESTS}
    for folder in packages - {"."}:
        assert {folder, folder.replace("/", "/test_")} & (folders | files), folder


def test_no_file_names_a_registry_host() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone: there is no list of the files that belong to it")
    hosts = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode(), re.IGNORECASE)
    files = [path for path in committed_files() if path.suffix != ".safetensors"]
    assert files
    assert [name(path) for path in files if hosts.search(path.read_bytes())] == []


def test_the_prose_keeps_to_the_words_of_the_field() -> None:
    """In names too, so an underscore ends a word; here alone they stand, to be kept out."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone: there is no list of the files that belong to it")
    phrases = "|".join(word.replace(" ", r"\s+") for word in DIALECT)
    found = re.compile(rf"(?<![a-z])(?:{phrases})(?:s|es|ing)?(?![a-z])", re.IGNORECASE)
    wrong = {
        name(path): match[0]
        for path in committed_files()
        if path != Path(__file__) and path.suffix in PROSE
        if (match := found.search(name(path) + "\n" + path.read_text(encoding="utf-8")))
    }
    assert wrong == {}, "see DIALECT for the words in their place"


def test_the_layers_in_contributing_are_those_that_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"Imports run downwards: {' → '.join(f'`{one}`' for one in layers)}." in text


def test_the_packages_door_is_for_users_and_for_what_they_hold() -> None:
    """By it any layer could be reached, unseen by import-linter: docs/decisions/0185."""
    modules = {path.name for path in (ROOT / "medddim").iterdir()}
    users = {
        name(path)
        for path in HOUSE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "medddim"
        if any(not {one.name, f"{one.name}.py"} & {*modules, "__version__"} for one in node.names)
    }
    assert users == {"medddim/taken.py", "medddim/volume.py"}


def test_few_modules_stand_loose() -> None:
    loose = [path.name for path in HOUSE if path.parent == ROOT / "medddim"]
    assert len(loose) <= 14, "12, __init__ and __main__; is there a room for it?"


def test_the_drawn_tree_of_errors_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    branch: list[str] = []
    for line in errors.__doc__.splitlines():
        if match := re.match(r"([│├└─ ]*)([A-Z]\w+)(?:   .*)?$", line):
            branch[len(match[1]) // 4 :] = [match[2]]
            drawn[match[2]] = branch[-2] if len(branch) > 1 else "Exception"
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in classes}


def test_the_cpu_build_of_torch_is_the_locked_version() -> None:
    pins = {
        version
        for file in ("constraints.txt", "constraints-cpu.txt")
        for version in re.findall(r"^torch==([\d.]+)", (ROOT / file).read_text(), re.MULTILINE)
    }
    assert len(pins) == 1


def test_every_requirement_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = {
        re.match(r"[\w-]+", requirement)[0].lower()
        for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]
    }
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert wanted - locked == {"medddim"}
