"""The precision of networks is bfloat16 only where the device has units for it."""

import pytest
import torch

from prune.system.precision import precision_of


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": True, "amx_bf16": False}, "float32"),
        ({"avx512_bf16": False, "amx_bf16": False, "avx2": True}, "float32"),
        ({"architecture": "aarch64"}, "float32"),
    ],
)
def test_a_cpu_computes_in_bfloat16_where_it_has_units_for_it(able, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert precision_of("cpu") == precision


def test_a_torch_that_does_not_tell_computes_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision_of("cpu") == "float32"


@pytest.mark.gpu
def test_a_gpu_tells_whether_it_has_units_for_bfloat16():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    has_units = torch.cuda.get_device_capability()[0] >= 8
    assert precision_of("cuda") == ("bfloat16" if has_units else "float32")
