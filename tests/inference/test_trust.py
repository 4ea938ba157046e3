"""What an Enhancer says of its own answers, in Python."""

import pytest

from medddim.inference.enhancer import Enhancer
from medddim.inference.range import TrainingRange
from tests.phantoms import head
from tests.studies import model


def test_a_scan_out_of_range_is_warned_of_and_said_to_be(tmp_path):
    folder = model(tmp_path / "model")
    TrainingRange("phantoms", ("pixel",), ("a", "b"), ((5.0,), (5.1,))).save(folder)
    loaded = Enhancer.load(folder, device="cpu")
    with pytest.warns(UserWarning, match="out of range of the model: smaller pixels") as found:
        answer = loaded(head(), noise=20.0)
    assert [one.filename for one in found] == [__file__]  # where the caller is
    assert answer.derivation.parameters["range"] == "out"
    assert loaded.judge(head()).verdict == "out"
