"""Every recipe in the package can be trained, and --smoke says so."""

import numpy as np
import pytest

from medddim import formats
from medddim.errors import RecipeError
from medddim.formats import Derivation
from medddim.recipe import Recipe
from medddim.recipe.files import RECIPES
from medddim.training.rehearsal import smoke
from medddim.volume import Volume
from tests.phantoms import head
from tests.recipes import tiny


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root, how = tmp_path_factory.mktemp("scans"), Derivation("identity", "a phantom")
    mr = head((104, 104, 64), spacing_mm=(1.0, 1.0, 1.0))
    ct = Volume(np.where(mr.voxels > 0, mr.voxels / 20, -1000), mr.affine)
    for folder, name, scan in (
        ("mri/train", "studyforrest02_t1w", mr),
        ("mri/enhanced", "studyforrest02_t1w", mr),
        ("mri/synthetic", "leaves0", mr),
        ("mri/val", "ljulong04_1_t1w[1]", mr),
        ("ct/train", "slab", ct),
        ("ct/val", "acrinflt013", ct),
    ):
        formats.write(scan, root / folder, name=name, derivation=how)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("config", sorted(RECIPES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_works(config, data):
    recipe = Recipe.load(config)
    alone = recipe.training.model_copy(update={"start_from": ""})
    figures = smoke(recipe.model_copy(update={"training": alone}), data=data, steps=2)
    assert np.isfinite(list(figures.values())).all()
    assert {"steps_per_second", "hours"} < figures.keys()
    assert any(name.startswith("psnr_db") for name in figures)


def test_a_recipe_that_diverges_does_not_pass(data):
    recipe = tiny(
        data={"train": ("mri/train/*",)}, training={"learning_rate": 1e30, "gradient_clip": 1e30}
    )
    with pytest.raises(RecipeError, match=r"lower training\.learning_rate"):
        smoke(recipe, data=data, steps=4)
