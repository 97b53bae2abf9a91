from __future__ import annotations

import safetensors.torch
import torch

from prune.proxy.weight_file import pieces_of, to_bytes


def tensors() -> dict[str, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    return {
        "model.b": torch.randn(3, 2, generator=source),
        "model.a": torch.randn(4, 3, 2, generator=source).to(memory_format=torch.contiguous_format).mT,
        "model.ä/\n": torch.zeros(0, 7),
        "count": torch.tensor(12),
        "halves": torch.arange(5).half(),
        "brain": torch.arange(3).bfloat16(),
        "doubles": torch.arange(2.0).double(),
        "whether": torch.tensor([True, False, True]),
    }


def test_the_bytes_are_those_of_safetensors() -> None:
    plain = {name: value.contiguous() for name, value in tensors().items()}
    assert to_bytes(tensors()) == safetensors.torch.save(plain)


def test_nothing_is_as_safetensors_has_it() -> None:
    assert to_bytes({}) == safetensors.torch.save({})


def test_the_memory_of_a_tensor_is_lent_and_not_copied() -> None:
    table = torch.zeros(6, 2)
    piece = pieces_of({"table": table})[1]
    table[1, 1] = 1.0
    assert bytes(piece) == table.numpy().tobytes()
