"""Tensors as the bytes of a safetensors file, piece by piece: nothing is copied, however large a table is."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

_KINDS = {  # in the order of the file
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int64: "I64",
}


def pieces_of(tensors: Mapping[str, Tensor]) -> list[memoryview]:
    """Return what `safetensors.torch.save` would as one: a header, and the memory of each tensor.

    `save` holds all of it twice more. What is returned changes with the tensors: write it at once.
    """
    order = list(_KINDS)
    names = sorted(tensors, key=lambda name: (-order.index(tensors[name].dtype), name))
    header, pieces, start = {}, list[memoryview](), 0
    for name in names:
        tensor = tensors[name].detach().cpu().contiguous()
        pieces.append(tensor.reshape(-1).view(torch.uint8).numpy().data)
        end = start + len(pieces[-1])
        kind = _KINDS[tensor.dtype]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    said = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    said += b" " * (-len(said) % 8)
    return [memoryview(len(said).to_bytes(8, "little") + said), *(piece for piece in pieces if len(piece))]


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors as a safetensors file."""
    return b"".join(pieces_of(tensors))
