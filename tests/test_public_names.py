"""`import medddim` offers exactly its public names, and is quick about it."""

import subprocess
import sys

import pytest

import medddim

HEAVY = ["torch", "monai", "matplotlib", "scipy", "SimpleITK", "highdicom"]
LIST_THE_HEAVY = f"import sys; print(*(m for m in {HEAVY} if m in sys.modules))"


def heavy_after(code: str) -> str:
    command = [sys.executable, "-c", f"{code}\n{LIST_THE_HEAVY}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_dir_is_all() -> None:
    assert dir(medddim) == sorted(medddim.__all__)


@pytest.mark.parametrize("name", medddim.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(medddim, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Enhancr"):
        _ = medddim.Enhancr  # a typing slip, as a user makes it


def test_import_is_light() -> None:
    assert heavy_after("import medddim").strip() == ""


def test_scans_are_read_and_measured_without_torch() -> None:
    loaded = heavy_after("from medddim import errors, formats, metrics, volume").split()
    assert "torch" not in loaded
    assert "monai" not in loaded


def test_help_is_light() -> None:
    code = (
        "from click.testing import CliRunner\n"
        "from medddim.cli import main\n"
        "assert 'Usage' in CliRunner().invoke(main, ['--help']).output"
    )
    assert heavy_after(code).strip() == ""
