"""`medddim train --smoke`: a recipe is proved before it is given its hours."""

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
