"""tools/average.py: the mean of the weights of a model and of what it became."""

import runpy
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file

from medddim import checkpoint
from medddim.models import WEIGHTS
from tests import studies

TOOL = Path(__file__).parents[1] / "tools" / "average.py"


def average(one, other, output, *share):
    words = [TOOL, one, other, "-o", output, *share]
    with patch.object(sys, "argv", [str(word) for word in words]):
        runpy.run_path(str(TOOL), run_name="__main__")


@pytest.mark.parametrize(("options", "share"), [((), 0.5), (("--share", "0.25"), 0.25)])
def test_the_mean_lies_between_and_has_the_recipe_of_the_second(tmp_path, options, share):
    one = studies.model(tmp_path / "one")
    opened = checkpoint.Checkpoint.open(studies.model(tmp_path / "other", name="other"))
    network = checkpoint.build_network(opened.recipe)
    checkpoint.save(opened.folder, opened.recipe, network)
    average(one, opened.folder, tmp_path / "mean", *options)
    first, second, mean = (
        load_file(tmp_path / name / WEIGHTS) for name in ("one", "other", "mean")
    )
    assert mean.keys() == first.keys()
    for name, weights in mean.items():
        expected = (1 - share) * first[name].float() + share * second[name].float()
        assert torch.equal(weights, expected.half())
    assert any(not torch.equal(first[name], second[name]) for name in mean)
    assert checkpoint.Checkpoint.open(tmp_path / "mean").recipe == opened.recipe


def test_models_of_other_sizes_have_no_mean(tmp_path):
    one = studies.model(tmp_path / "one")
    other = studies.model(tmp_path / "other", network={"widths": (8, 8, 12)})
    with pytest.raises(RuntimeError, match="size"):
        average(one, other, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
