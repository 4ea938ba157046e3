"""`medddim train`: from a recipe and scans to a folder that `enhance` takes."""

import pytest

from tests import studies
from tests.recipes import tiny


@pytest.fixture
def recipe(tmp_path):
    """`recipe.yaml`, and scans in `data/train`."""
    for seed, name in enumerate(("one", "two")):
        studies.nifti(tmp_path / "data" / "train", name, noise=0.0, seed=seed)
    (tmp_path / "recipe.yaml").write_text(tiny().dump())
    return tmp_path / "recipe.yaml"


def test_a_run_becomes_a_checkpoint(medddim, recipe, tmp_path):
    result = medddim("train", "recipe.yaml", "--data", "data", "-o", "run")
    assert result.exit_code == 0
    assert "medddim enhance SCANS -o OUT --model run" in result.stdout
    assert medddim("enhance", "data", "-o", "out", "--model", "run").exit_code == 0
    assert medddim("train", "recipe.yaml", "--data", "data", "-o", "run").exit_code == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("steps: 6", "step: 6"), "did you mean 'steps'"),
        (lambda text: text.replace("name: tiny", "name: [tiny"), "not valid YAML"),
        (lambda text: text.replace("train/*.nii.gz", "other/*.nii.gz"), "nothing below data"),
    ],
)
def test_a_wrong_recipe_is_one_line(medddim, recipe, tmp_path, change, told):
    recipe.write_text(change(recipe.read_text()))
    result = medddim("train", "recipe.yaml", "--data", "data", "-o", "run")
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
