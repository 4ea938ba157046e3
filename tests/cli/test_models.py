"""`medddim models`: what is installed, and whether it is unaltered."""

import pytest

from medddim import models
from medddim.digest import sha256_of
from tests import studies


@pytest.fixture
def installed(tmp_path, model, monkeypatch):
    """A package with one model in it, called tiny, and its sha256 on record."""
    folder = studies.copy(model, tmp_path / "weights" / "tiny")
    (folder / "card.md").write_text("# tiny\n\nLearned nothing.\n")
    sha256 = sha256_of(folder / "weights.safetensors")
    (folder.parent / "sha256.txt").write_text(f"{sha256}  tiny/weights.safetensors\n")
    monkeypatch.setattr(models, "SHIPPED", folder.parent)
    return folder


@pytest.mark.parametrize("verb", [("models",), ("models", "list")])
def test_every_model_is_listed(medddim, installed, verb):
    result = medddim(*verb)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[:3] == ["tiny", "MR", "denoise"]


def test_a_card_is_shown(medddim, installed):
    result = medddim("models", "show", "tiny")
    assert "Learned nothing." in result.stdout
    assert sha256_of(installed / "weights.safetensors") in result.stdout


def test_without_a_card_the_recipe_is_shown(medddim, installed):
    (installed / "card.md").unlink()
    assert "prediction: residual" in medddim("models", "show", "tiny").stdout


def test_unaltered_and_altered_weights_are_separated(medddim, installed):
    assert medddim("models", "verify").exit_code == 0
    weights = installed / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    result = medddim("models", "verify")
    assert result.exit_code == 3
    assert "ALTERED" in result.stdout


@pytest.mark.parametrize("verb", [("list",), ("verify",), ("show", "nonsense")])
def test_no_model_is_one_line(medddim, tmp_path, monkeypatch, verb):
    monkeypatch.setattr(models, "SHIPPED", tmp_path)
    result = medddim("models", *verb)
    assert result.exit_code == (2 if verb[0] == "show" else 3)
    assert result.stderr.count("\n") == 1
