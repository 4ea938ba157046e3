"""`medddim train --smoke`: a recipe is proved before it is given its hours."""

import pytest

from medddim import formats
from medddim.formats import Derivation
from tests.phantoms import head
from tests.recipes import tiny


def test_smoke_takes_a_recipe_all_the_way_and_leaves_nothing(medddim, tmp_path):
    for name in ("one", "other"):
        formats.write(head(), tmp_path / "scans", name=name, derivation=Derivation("identity", ""))
    recipe = tiny(data={"train": ("scans/one*",), "validate_on": ("scans/other*",)})
    (tmp_path / "recipe.yaml").write_text(recipe.dump())
    before = sorted(tmp_path.rglob("*"))
    result = medddim("train", "recipe.yaml", "--data", ".", "--smoke", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "saved, resumed, loaded, applied" in result.output
    assert "20/20" in result.output
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("more", [[], ["--smoke", "-o", "run"]])
def test_a_run_is_either_kept_or_a_proof(medddim, tmp_path, more):
    (tmp_path / "recipe.yaml").write_text(tiny().dump())
    result = medddim("train", "recipe.yaml", *more)
    assert result.exit_code == 2
    assert "either -o RUN or --smoke" in result.output
