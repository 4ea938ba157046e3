"""The pages of the documentation that are made when it is built, so that they cannot be stale.

A hook of mkdocs (see mkdocs.yml). It adds the help of every verb, the tree of errors, the cards of
the shipped models, the notebooks as pages, and the changelog; in `nav` it puts pages where a star
stands.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from medddim import __version__, cli, errors

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 92
MADE = {
    r"CHANGELOG\.md": "changelog.md",
    r"medddim/errors\.py": "reference/errors.md",
    r"medddim/weights/([\w-]+)/card\.md": r"models/\1.md",
    r"notebooks/([\w-]+)\.ipynb": r"notebooks/\1.md",
}
"""What a link leads to in the repository, and the page that is made of it here."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Called by mkdocs: every page says of which version it is."""
    config.copyright = f"medddim {__version__} · {config.copyright}"
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs: the files of docs/ and those made here."""
    for place, text in pages():
        files.append(File.generated(config, place, content=text))
    uris = sorted(file.src_uri for file in files.documentation_pages())
    config.nav = [expanded(entry, uris) for entry in config.nav or []]
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Called by mkdocs: links that lead out of docs/ lead to the page made of what is there."""
    return with_links_to_pages(markdown, posixpath.dirname(page.file.src_uri))


def with_links_to_pages(markdown: str, folder: str) -> str:
    """The same Markdown, of a page in this folder of docs/, with links as they are on the site."""

    def moved(link: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join("docs", folder, link[1]))
        for source, made in MADE.items():
            if found := re.fullmatch(source, place):
                return f"]({posixpath.relpath(found.expand(made), folder or '.')})"
        return link[0]

    return re.sub(r"\]\(([^)#\s]+)\)", moved, markdown)


def pages() -> Iterator[tuple[str, str]]:
    """Every page made here: where it stands and its Markdown."""
    yield "reference/command-line.md", command_line()
    yield "reference/errors.md", tree_of_errors()
    yield "changelog.md", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for card in sorted(ROOT.glob("medddim/weights/*/card.md")):
        yield f"models/{card.parent.name}.md", card.read_text(encoding="utf-8")
    for notebook in sorted(ROOT.glob("notebooks/*.ipynb")):
        yield f"notebooks/{notebook.stem}.md", page_of_notebook(notebook)


def command_line() -> str:
    """What `--help` says of medddim and of each verb, word for word."""
    sections = [f"## {name}\n\n```text\n{text}\n```" for name, text in helps(cli.main, "medddim")]
    return "\n\n".join(["# Command line", "What `--help` says, word for word.", *sections]) + "\n"


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """The help of a command and of all below it, by full name."""
    settings = {**command.context_settings, "terminal_width": WIDTH}
    context = click.Context(command, info_name=name, **settings)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from helps(command.commands[below], f"{name} {below}")


def tree_of_errors() -> str:
    """The docstring of `medddim.errors`: its first line, the tree as drawn, the rest."""
    first, tree, rest = (errors.__doc__ or "").strip().split("\n\n", 2)
    return f"# Errors\n\n{first}\n\n```text\n{tree}\n```\n\n{rest}\n\n::: medddim.errors\n"


def page_of_notebook(path: Path) -> str:
    """The text and the code of a notebook, without what its cells print or draw."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = [
        source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
        for cell in cells
        if (source := "".join(cell["source"]).strip())
    ]
    where = f'!!! note "A notebook"\n    `notebooks/{path.name}`: run it to see its pictures.'
    title, *others = shown
    return "\n\n".join([title, where, *others]) + "\n"


def expanded(entry: Any, uris: list[str]) -> Any:
    """An entry of `nav` with the pages that begin like it in the place of one with a star."""
    match entry:
        case list():
            return [one for below in entry for one in _listed(expanded(below, uris))]
        case dict():
            return {title: expanded(below, uris) for title, below in entry.items()}
        case str() if entry.endswith("*"):
            there = re.compile(re.escape(entry.removesuffix("*")) + r"[^/]*\.md")
            return [uri for uri in uris if there.fullmatch(uri)]
    return entry


def _listed(entry: Any) -> list[Any]:
    return entry if isinstance(entry, list) else [entry]
