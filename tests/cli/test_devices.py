"""Which devices a machine certainly lacks, known without torch."""

import sys

import pytest

from medddim.cli import devices


@pytest.fixture
def built(monkeypatch):
    """Torch as it was built for GPUs, or for CPUs alone."""

    def build(alone):
        monkeypatch.setattr(devices, "_built_for_cpus", lambda: alone)

    return build


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev")
def test_a_gpu_is_looked_for_where_torch_could_use_one(built, tmp_path):
    built(False)
    assert devices.why_absent("cuda", nodes=tmp_path) == "no GPU is seen"
    (tmp_path / "nvidia0").touch()
    assert devices.why_absent("cuda", nodes=tmp_path) == ""
    built(True)
    assert "build for CPUs alone" in devices.why_absent("cuda", nodes=tmp_path)


def test_of_every_other_machine_torch_itself_knows(built, monkeypatch, tmp_path):
    built(False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert devices.why_absent("cuda", nodes=tmp_path) == ""
    assert "Apple" in devices.why_absent("mps")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (
        devices.why_absent("mps") == devices.why_absent("cpu") == devices.why_absent("auto") == ""
    )


def test_how_torch_was_built_is_read_as_torch_says_it():
    import torch

    assert devices._built_for_cpus() == (torch.version.cuda is None and torch.version.hip is None)
