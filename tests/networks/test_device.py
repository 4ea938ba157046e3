"""Which device a network runs on."""

import pytest
import torch

from medddim.errors import EnvironmentProblem
from medddim.networks import choose_device


@pytest.mark.parametrize("name", ["tpu", "", "CPU "])
def test_an_unknown_device_is_an_environment_problem(name):
    with pytest.raises(EnvironmentProblem, match="not available here; use the device auto"):
        choose_device(name)


def test_a_device_this_machine_lacks_is_an_environment_problem(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(EnvironmentProblem, match="'cuda:1'"):
        choose_device("cuda:1")


def test_auto_takes_the_fastest_there_is(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    for cuda, expected in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=cuda: there)
        assert choose_device("auto").type == expected
    assert choose_device("cpu") == torch.device("cpu")
