"""The number format: bfloat16 only where the machine computes in it."""

import pytest
import torch

from medddim.networks import autocast, choose_precision

CPU, CUDA, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))


@pytest.fixture
def with_capabilities(monkeypatch):
    return lambda **known: monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: known, raising=False
    )


@pytest.mark.parametrize("name", ["amx_bf16", "bf16", "sve_bf16"])
def test_auto_is_bf16_on_a_cpu_that_has_it(with_capabilities, name):
    with_capabilities(avx2=True, **{name: True})
    assert choose_precision(CPU, "auto") == "bf16"


def test_auto_is_fp32_on_a_cpu_that_is_slower_in_bf16(with_capabilities):
    with_capabilities(avx2=True, avx512_f=True, avx512_bf16=True, amx_bf16=False)
    assert choose_precision(CPU, "auto") == "fp32"


def test_auto_is_fp32_where_torch_cannot_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision(CPU, "auto") == "fp32"


@pytest.mark.parametrize(("native", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_auto_asks_the_gpu(monkeypatch, native, chosen):
    asked = {"including_emulation": True}

    def supported(*, including_emulation):
        asked["including_emulation"] = including_emulation
        return native

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_precision(CUDA, "auto") == chosen
    assert asked == {"including_emulation": False}


@pytest.mark.parametrize("precision", ["auto", "bf16", "fp32"])
def test_mps_says_the_fp32_it_runs(precision):
    assert choose_precision(MPS, precision) == "fp32"


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_what_is_asked_for_is_done(with_capabilities, precision):
    with_capabilities(avx512_bf16=precision == "fp32")
    with autocast(CPU, precision):
        answer = torch.ones(2, 2) @ torch.ones(2, 2)
    assert answer.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
    assert choose_precision(CPU, precision) == precision
