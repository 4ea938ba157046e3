"""Every recipe in the package can be trained, and --smoke says so."""

import numpy as np
import pytest

from medddim import formats
from medddim.errors import RecipeError
from medddim.formats import Derivation
from medddim.recipe import Recipe, TrainingRecipe
from medddim.recipe.files import RECIPES
from medddim.training.rehearsal import Timing, _Clock, smoke
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
        ("mri/val", "niimathT1", mr),
        ("mri/val", "arcM2208_t2w", mr),
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
    figures, taken = smoke(recipe.model_copy(update={"training": alone}), data=data, steps=2)
    assert np.isfinite(list(figures.values())).all()
    assert taken.step > 0
    assert taken.validation >= 0
    assert any(name.startswith("psnr_db") for name in figures)


def test_a_recipe_that_diverges_does_not_pass(data):
    recipe = tiny(
        data={"train": ("mri/train/*",)}, training={"learning_rate": 1e30, "gradient_clip": 1e30}
    )
    with pytest.raises(RecipeError, match=r"lower training\.learning_rate"):
        smoke(recipe, data=data, steps=4)


def test_a_step_and_a_validation_are_timed_apart(monkeypatch):
    now = iter([0.0, 9.0, 11.0, 13.0, 15.0, 22.0])
    monkeypatch.setattr("medddim.training.rehearsal.time.monotonic", lambda: next(now))
    clock = _Clock()
    for step, validated in ((0, True), (1, False), (2, False), (3, False), (4, True)):
        clock(step, {"psnr_db_at_0.05": 30.0} if validated else {"loss": 1.0})
    timing = clock.timing(train_on=10, held_out=3)
    assert timing == Timing(ready=4 * 5, step=2.0, validation=5.0 * 3)


def test_steps_that_fit_in_a_time_take_that_time():
    training = TrainingRecipe(steps=1000, validate_every=100, start_from="mr-denoise-fast")
    timing = Timing(ready=30, step=0.5, validation=4)
    steps = timing.steps_in(3600, training)
    longer = training.model_copy(update={"steps": steps, "validate_every": steps // 10 + 1})
    assert 3600 - 5 < timing.seconds(longer) <= 3600


def test_a_scan_that_is_left_out_is_named_once(tmp_path, caplog):
    for name in ("one", "two"):
        formats.write(head((40, 40, 16)), tmp_path, name=name,
                      derivation=Derivation("identity", "a phantom"))  # fmt: skip
    (tmp_path / "broken.nii.gz").write_bytes(b"no scan")
    smoke(tiny(data={"train": ()}), data=tmp_path, steps=2)
    (warning,) = caplog.messages
    assert "1 of 3 scans are left out: broken (refused)" in warning
