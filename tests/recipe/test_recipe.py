"""The Recipe: complete, typed, and helpful when it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from medddim.diffusion import PATHS, SAMPLERS
from medddim.errors import RecipeError, UnsupportedScan
from medddim.recipe import Recipe
from medddim.recipe.at_hand import PATHS_AT_HAND, SAMPLERS_AT_HAND, is_random
from medddim.recipe.files import RECIPES, shipped_recipes
from medddim.volume import Volume
from tests.studies import enhancer

CONFIGS = sorted(RECIPES.rglob("*.yaml"))
SHIPPED = CONFIGS[0].read_text(encoding="utf-8")


def changed(**changes):
    """The first shipped recipe with `section__key=value` changed."""
    recipe = yaml.safe_load(SHIPPED)
    for place, value in changes.items():
        *sections, key = place.split("__")
        record = recipe
        for section in sections:
            record = record[section]
        record[key] = value
    return yaml.safe_dump(recipe)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_parses(path):
    assert Recipe.load(path).name.replace("-", "_") in path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_dump_is_complete_and_parses_to_the_same(path):
    recipe = Recipe.load(path)
    assert Recipe.parse(recipe.dump()) == recipe
    written = yaml.safe_load(recipe.dump())
    assert set(written["training"]) == set(type(recipe.training).model_fields)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"training__lerning_rate": 1}, "training.lerning_rate: unknown key; did you mean 'learn"),
        ({"network__width": [8]}, "network.width: unknown key; did you mean 'widths'"),
        ({"dtaa": {}}, "dtaa: unknown key; did you mean 'data'"),
        ({"training__qqqqqq": 1}, "training.qqqqqq: unknown key; known: steps, batch"),
    ],
)
def test_an_unknown_key_names_the_nearest(change, says):
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(changed(**change))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"training__steps": 0}, "training.steps"),
        ({"training__ema": 1.0}, "training.ema"),
        ({"training__learning_rate": "fast"}, "found 'fast'"),
        ({"diffusion__path": "scenic"}, "diffusion.path"),
        ({"name": "Spaced Out"}, "name"),
        ({"network__widths": [8, 8]}, "network.widths: .*at least 3 of them"),
        ({"network__slices": 2}, "network.slices: .*odd"),
        ({"degradation__dose": [0.0, 0.1]}, "degradation.dose: .*0 < low"),
        ({"degradation__dose": [0.2, 0.1]}, "degradation.dose: .*low <= high"),
        ({"training__seed": -1}, "training.seed"),
        ({"training__learning_rate": float("inf")}, "training.learning_rate.*finite"),
        ({"degradation__validate_doses": [0]}, "degradation.validate_doses"),
        ({"scaling__window": [5, 5]}, "scaling.window: .*low < high"),
        ({"data__train_part": [0.5, 0.25]}, "data.train_part: .*low < high"),
        ({"data__validate_part": [0, 2]}, "data.validate_part"),
        ({"data__intensity_jitter": [1.2, 0.8]}, "data.intensity_jitter: .*low <= high"),
        ({"data__train": ["/scans/*.nii.gz"]}, "data.train.*below data.root"),
        ({"data__validate_on": [""]}, "data.validate_on.*below data.root"),
        ({"training__steps": "many"}, "training.steps: expected a whole number \\(found 'many'\\)"),
        ({"modality": "PET"}, "modality: expected 'MR' or 'CT' \\(found 'PET'\\)"),
        ({"training": 3}, "training: expected a section"),
        ({"diffusion": {"path": "bridge", "prediction": "residual"}}, "choose 'x0' or 'v'"),
        ({"diffusion": {"path": "variance-preserving", "prediction": "eps"}}, "choose 'x0' or 'v'"),
        ({"diffusion__noise": 0.1}, "'scan-noise' has its own"),
        ({"network__sees_scan": True}, "learns to invert"),
        (
            {
                "modality": "CT",
                "diffusion__path": "posterior",
                "degradation": {"kind": "low-dose", "dose": [0.1, 0.5]},
            },
            "draws white noise.*'low-dose'",
        ),
        ({"degradation": {"kind": "dust"}}, "degradation: .*'mr-scanner'"),
        ({"network__kind": "noise-unet"}, "network.[a-z_]*: unknown key"),
        (
            {"degradation": {"kind": "mr-scanner", "level": [0.01, 0.1]}},
            "'noise-unet' goes with degradation.kind 'mr-scanner'",
        ),
        ({"task": "superresolve"}, "goes with degradation.kind 'larger-voxels'"),
        ({"degradation": {"kind": "larger-voxels", "factors": [[1, 1, 4]]}}, "largest first"),
        ({"degradation": {"kind": "larger-voxels"}}, "degradation.factors: missing"),
        (
            {
                "task": "superresolve",
                "degradation": {"kind": "larger-voxels", "factors": [[4, 1, 1]]},
            },
            "spatial_dims 3",
        ),
    ],
)
def test_an_impossible_value_is_refused_by_name(change, says):
    with pytest.raises(RecipeError, match=says):
        Recipe.parse(changed(**change))


def test_every_problem_is_reported_at_once():
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(changed(training__steps=-1, name="", network__slices="many"))
    assert all(place in str(caught.value) for place in ("training.steps", "name", "network.slices"))


def test_a_missing_part_is_named_without_quoting_all_the_rest():
    recipe = yaml.safe_load(SHIPPED)
    del recipe["name"]
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(yaml.safe_dump(recipe))
    assert str(caught.value) == "name: missing"


@pytest.mark.parametrize(("modality", "kind"), [("MR", "rician"), ("CT", "low-dose")])
def test_what_is_left_out_has_a_value_that_fits_the_scans(modality, kind):
    recipe = Recipe.parse(f"{{name: mine, modality: {modality}, training: {{steps: 100}}}}")
    assert recipe.degradation.kind == kind
    assert (recipe.training.warmup, recipe.training.decay) == (10, 30)
    assert Recipe.parse(recipe.dump()) == recipe


def test_a_recipe_of_the_package_goes_by_its_name():
    assert "mr_denoise_2d" in shipped_recipes()
    assert Recipe.load("mr_denoise_2d").name == "mr-denoise"
    with pytest.raises(RecipeError, match="did you mean mr_denoise_2d"):
        Recipe.load("mr_denoise2d")


@pytest.mark.parametrize("text", ["", "- a\n- b", "just words", "a: [1", "\t- x: {"])
def test_what_is_no_recipe_at_all_is_a_recipe_error(text):
    with pytest.raises(RecipeError):
        Recipe.parse(text)


def test_yaml_cannot_build_objects():
    with pytest.raises(RecipeError):
        Recipe.parse("!!python/object/apply:os.getcwd []")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"name: [", b"name: x"])
def test_errors_name_the_file(tmp_path, content):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"mine\.yaml"):
        Recipe.load(path)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Recipe.parse(SHIPPED).name = "other"


def test_a_scan_of_another_modality_or_unit_is_refused():
    ct = Volume(np.full((1, 8, 8, 3), -1000.0), np.eye(4), modality="CT", unit="HU")
    with pytest.raises(UnsupportedScan, match="is for MR and the scan is CT"):
        enhancer()(ct)
    with pytest.raises(UnsupportedScan, match="does not say what it is, and holds air"):
        enhancer()(replace(ct, modality="", unit=""))
    soft = Volume(np.linspace(-150, 200, 256).reshape(1, 8, 8, 4), np.eye(4))  # no air in sight
    with pytest.raises(UnsupportedScan, match="much of it lies far below 0"):
        enhancer()(soft)
    with pytest.raises(UnsupportedScan, match="much of it lies far below 0"):
        enhancer()(replace(soft, modality="MR"))  # a header may call a phase image MR
    for_ct = enhancer(modality="CT", degradation={"kind": "low-dose", "dose": (0.1, 0.5)})
    with pytest.raises(UnsupportedScan, match="expects Hounsfield units"):
        for_ct(replace(ct, unit=""))


def test_the_names_known_without_torch_are_those_of_the_tables():
    assert set(PATHS_AT_HAND) == set(PATHS)
    assert set(SAMPLERS_AT_HAND) == set(SAMPLERS)
    assert {name: is_random(name) for name in PATHS} == {
        name: path().random for name, path in PATHS.items()
    }
