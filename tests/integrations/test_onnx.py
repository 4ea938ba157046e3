"""The exported network against torch, on tiles of several sizes."""

import json
import sys
import types

import numpy as np
import onnx as onnx_file
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


@pytest.fixture
def stranger(monkeypatch):
    """In the place of torch's exporter, which takes seconds: a network that returns its state."""

    def export(network, inputs, path, *, input_names, output_names, **_):
        kinds = (onnx_file.TensorProto.FLOAT, None)
        graph = onnx_file.helper.make_graph(
            [onnx_file.helper.make_node("Identity", ["state"], output_names)],
            "stranger",
            [onnx_file.helper.make_tensor_value_info(name, *kinds) for name in input_names],
            [onnx_file.helper.make_tensor_value_info(name, *kinds) for name in output_names],
        )
        opset = onnx_file.helper.make_opsetid("", onnx.OPSET)
        made = onnx_file.helper.make_model(graph, opset_imports=[opset], ir_version=9)
        onnx_file.save(made, path)

    monkeypatch.setitem(sys.modules, "onnxscript", types.ModuleType("onnxscript"))
    monkeypatch.setattr(torch.onnx, "export", export)


@pytest.mark.slow
def test_it_answers_like_torch_on_any_tile(model, tmp_path):
    difference = onnx.export_onnx(model, tmp_path / "out")
    assert difference <= onnx.PARITY
    network = model.denoiser(torch.device("cpu")).network
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    inputs = onnx.Inputs.of(model.recipe, network, batch=5, strides=7)
    (answer,) = session.run(None, inputs.arrays())
    with torch.inference_mode():
        state, level, strength = inputs.tensors
        expected = network(state, level, strength=strength).numpy()
    np.testing.assert_allclose(answer, expected, atol=onnx.PARITY)
    assert np.ptp(expected) > 100 * onnx.PARITY


def test_nothing_is_kept_that_differs(model, tmp_path, stranger):
    with pytest.raises(WriteRefused, match=r"differs from torch by [\d.]+, more than"):
        onnx.export_onnx(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_lies_beside_it_says_what_it_takes(model, tmp_path, stranger, monkeypatch):
    monkeypatch.setattr(onnx, "PARITY", 1e3)
    difference = onnx.export_onnx(model, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "model.json").read_text())
    network = model.denoiser(torch.device("cpu")).network
    assert about["tile"] == {
        "multiple_of": network.stride,
        "at_least": 2 * network.stride,
        "grown_by": network.halo,
    }
    assert about["prediction"] == "residual"
    assert about["largest_difference_to_torch"] == difference > 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"model.onnx", "recipe.yaml"}


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
