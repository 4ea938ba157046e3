"""The notebooks: run from top to bottom, quietly, with pictures; kept without their outputs."""

import ast
import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import medddim

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def stem(path):
    return path.stem


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_these_are_the_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_first_scan",
        "02_the_dial",
        "03_train_your_own",
        "04_into_a_pipeline",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_is_kept_without_outputs(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    cells = code_cells(path)
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_needs_only_the_public_names(path):
    tree = ast.parse("\n".join(cell.source for cell in code_cells(path)))
    imported = {
        (name.name, name.asname)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert ("medddim", "md") in imported
    assert not [name for name, _ in imported if name.startswith("medddim.")]
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in modules if name.startswith("medddim")]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "md"
    }
    assert used
    assert used <= set(medddim.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=stem)
def test_a_notebook_runs_quietly_and_shows_pictures(path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel draws below its cells
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(FOLDER)}}
    # an hour a cell, each of which takes a minute: the time is that of the wall, on a busy machine
    NotebookClient(notebook, timeout=3600, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    pngs = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert pngs
    for png in pngs:
        grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L"))
        assert np.ptp(grey) > 100, "a blank picture"
