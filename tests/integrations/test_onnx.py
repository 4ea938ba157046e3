"""The exported network against torch, on tiles of several sizes."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from medddim.checkpoint import Checkpoint
from medddim.errors import WriteRefused
from medddim.integrations import onnx
from medddim.models import shipped
from tests import studies


@pytest.fixture
def model(tmp_path):
    """An untrained model."""
    return Checkpoint.open(studies.model(tmp_path / "model"))


def test_it_answers_like_torch_on_any_tile(model, tmp_path):
    difference = onnx.export_onnx(model, tmp_path / "out")
    assert difference <= onnx.PARITY
    about = json.loads((tmp_path / "out" / "model.json").read_text())
    network = model.denoiser(torch.device("cpu")).network
    assert about["tile"] == {
        "multiple_of": network.stride,
        "at_least": 2 * network.stride,
        "grown_by": network.halo,
    }
    assert about["prediction"] == "residual"
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    inputs = onnx.Inputs.of(model.recipe, network, batch=5, strides=7)
    (answer,) = session.run(None, inputs.arrays())
    with torch.inference_mode():
        state, level, strength = inputs.tensors
        expected = network(state, level, strength=strength).numpy()
    np.testing.assert_allclose(answer, expected, atol=onnx.PARITY)
    assert np.ptp(expected) > 100 * onnx.PARITY


def test_nothing_is_kept_that_differs(model, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "_write", lambda recipe, network, path: path.touch())
    monkeypatch.setattr(onnx, "parity", lambda *_: 2e-4)
    with pytest.raises(WriteRefused, match=r"differs from torch by 0\.0002"):
        onnx.export_onnx(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"network": {"sees_scan": True}, "diffusion": {"path": "variance-preserving"}},
        {"network": {"spatial_dims": 3, "slices": 1}},
        {
            "network": {"kind": "noise-unet", "widths": (8, 8, 8)},
            "degradation": {"kind": "mr-scanner", "level": (0.02, 0.15)},
        },
    ],
    ids=["sees the scan", "3D", "reads the noise"],
)
def test_other_networks(tmp_path, changed):
    model = Checkpoint.open(studies.model(tmp_path / "model", **changed))
    assert onnx.export_onnx(model, tmp_path / "out") <= onnx.PARITY


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_every_shipped_network(tmp_path, name):
    assert onnx.export_onnx(Checkpoint.open(name), tmp_path / "out") <= onnx.PARITY
