"""In which precision a network computes on a device."""

from __future__ import annotations

from typing import Literal

Precision = Literal["bfloat16", "float32"]


def precision_of(device: str) -> Precision:
    """Return bfloat16 where `cpu` or `cuda` has units that multiply matrices of it, else float32.

    On a CPU those are AMX. With AVX-512's instructions alone, training in bfloat16 takes 1.4 times as long.
    """
    import torch

    if device == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        told: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.10 does not tell
        able = told.get("amx_bf16", False)
    return "bfloat16" if able else "float32"
