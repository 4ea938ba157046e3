"""`medddim train`: from a recipe and scans to a folder that `enhance` takes."""

import pytest

from medddim import formats
from medddim.formats import Derivation
from medddim.recipe import Recipe
from medddim.training.rehearsal import Timing
from tests import studies
from tests.phantoms import head
from tests.recipes import tiny

IDENTITY = Derivation("identity", "a phantom")


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
    assert medddim("train", "recipe.yaml", "--data", "data", "-o", "run").exit_code == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("steps: 6", "step: 6"), "did you mean 'steps'"),
        (lambda text: text.replace("name: tiny", "name: [tiny"), "not valid YAML"),
        (lambda text: text.replace("train/*.nii.gz", "other/*.nii.gz"), "nothing below data"),
    ],
)
def test_a_wrong_recipe_is_one_line(medddim, recipe, tmp_path, change, message):
    recipe.write_text(change(recipe.read_text()))
    result = medddim("train", "recipe.yaml", "--data", "data", "-o", "run")
    assert result.exit_code == (1 if message.startswith("nothing below") else 2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.fixture
def scans(tmp_path):
    """Three scans with odd names, in folders, large enough to learn from."""
    for seed, name in enumerate(("a b/T1 (1)", "[b]/x", "c/y")):
        scan = head((40, 40, 24))
        formats.write(scan, tmp_path / "own" / name, name=f"scan{seed}", derivation=IDENTITY)
    return tmp_path / "own"


@pytest.mark.slow
def test_init_writes_a_recipe_that_trains_without_an_edit(medddim, scans, monkeypatch, tmp_path):
    monkeypatch.setattr("medddim.training.rehearsal.timed", lambda *_, **__: Timing(0, 110, 0))
    made = medddim("train", "--init", "mine.yaml", "--data", "own", "--from-scratch")
    assert made.exit_code == 0, made.output
    assert "3 MR of 3 subjects" in made.stdout
    recipe = Recipe.load(tmp_path / "mine.yaml")
    assert recipe.data.root == scans
    assert len(recipe.data.validate_on) == 1
    text = (tmp_path / "mine.yaml").read_text()
    assert "# held out: never trained on" in text
    small = text.replace("steps: 260", "steps: 20").replace("warmup: 26", "warmup: 2")
    small = small.replace("widths: [32, 64, 96]",
                                                           "widths: [8, 8, 8]")  # fmt: skip
    (tmp_path / "small.yaml").write_text(small)
    result = medddim("train", "small.yaml", "-o", "run")
    assert result.exit_code == 0, result.output
    assert "(input " in result.stdout


def test_init_says_what_it_needs(medddim, scans, tmp_path):
    (tmp_path / "there.yaml").write_text("")
    for arguments, message in (
        (["--init", "mine.yaml"], "needs --data"),
        (["--init", "there.yaml", "--data", "own"], "is there already"),
        (["mine.yaml", "--init", "mine.yaml", "--data", "own"], "RECIPE means nothing"),
        ([], "--init mine.yaml"),
    ):
        result = medddim("train", *arguments)
        assert result.exit_code == 2
        assert message in result.output


def test_data_may_be_a_pattern(medddim, recipe, tmp_path):
    result = medddim("train", "recipe.yaml", "--data", "data/*/one.nii.gz", "-o", "run")
    assert result.exit_code == 0, result.output
    for data, message in (
        ("nowhere", "expected a folder"),
        ("data/*/x.nii.gz", "nothing below data"),
    ):
        assert message in medddim("train", "recipe.yaml", "--data", data, "-o", "again").output


def test_smoke_says_what_it_proves_and_no_more(medddim, recipe):
    shown = medddim("train", "recipe.yaml", "--data", "data", "--smoke").stdout
    assert "saved, resumed, loaded, applied" in shown
    assert "so few steps do not show" in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_init_and_smoke_say_one_time_in_a_sensible_unit(medddim, scans, monkeypatch, tmp_path):
    taken = Timing(ready=10, step=1.5, validation=6)
    ends = {"first_loss": 1.0, "last_loss": 0.5}
    monkeypatch.setattr("medddim.training.rehearsal.timed", lambda *_, **__: taken)
    monkeypatch.setattr("medddim.training.rehearsal.smoke", lambda *_, **__: (ends, taken))
    for hours, words in (
        (1, "2340 steps, about 59.8 min on this machine (cpu, 1.5 s a step)"),
        (0.01, "50 steps, about 2.5 min on this machine (cpu, 1.5 s a step): the fewest"),
    ):
        file = f"{hours}.yaml"
        made = medddim("train", "--init", file, "--data", "own", "--hours", hours)
        shown = medddim("train", file, "--smoke", "--device", "cpu")
        assert words in made.stdout
        assert words.partition(":")[0] in shown.stdout
        assert words in (tmp_path / file).read_text()


def test_init_begins_with_what_enhance_takes_and_says_so(medddim, scans, monkeypatch, tmp_path):
    monkeypatch.setattr("medddim.training.rehearsal.timed", lambda *_, **__: Timing(0, 110, 0))
    for quality, model in (("auto", "mr-denoise-fast"), ("best", "mr-denoise")):
        file = f"{quality}.yaml"
        made = medddim("train", "--init", file, "--data", "own", "--quality", quality)
        assert f"with the weights of {model}," in made.stdout
        assert "slower" in made.stdout
        assert Recipe.load(tmp_path / file).training.start_from == model


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--init", "mine.yaml", "--data", "data"], "medddim.training.proposal.look_at"),
        (["recipe.yaml", "--data", "data", "--smoke"], "medddim.training.rehearsal.smoke"),
        (["recipe.yaml", "--data", "data", "-o", "run"], "medddim.training.trainer.read_all"),
    ],
    ids=["init", "smoke", "before the first save"],
)
def test_an_interruption_with_nothing_to_resume_does_not_advise_it(
    medddim, recipe, monkeypatch, arguments, where
):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(where, stop)
    result = medddim("train", *arguments)
    assert result.exit_code == 130
    assert result.stderr == (
        "medddim: interrupted; nothing is kept yet; the same command begins anew\n"
    )


def test_an_interrupted_run_that_was_saved_says_how_it_goes_on(medddim, recipe, monkeypatch):
    assert medddim("train", "recipe.yaml", "--data", "data", "-o", "run").exit_code == 0

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("medddim.training.trainer.read_all", stop)
        result = medddim("train", "recipe.yaml", "--data", "data", "-o", "run", "--resume")
    assert result.exit_code == 130
    assert result.stderr.endswith("the same command with --resume goes on\n")
    again = medddim("train", "recipe.yaml", "--data", "data", "-o", "run", "--resume")
    assert again.exit_code == 0
