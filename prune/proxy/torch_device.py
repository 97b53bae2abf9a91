"""The device of a network, and how two runs on it give the same bits; torch's settings are restored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Iterator

import torch

from prune.core.errors import OptionError
from prune.system.executors.single_core import one_core

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS reads it when its first handle is made


def seed_of(*facts: object) -> int:
    """Return a seed in [0, 2⁶³) that stands for the facts."""
    text = "\0".join(map(str, facts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def generator(*facts: object) -> torch.Generator:
    """Return a generator on the CPU, seeded by the facts: its draws do not depend on the device."""
    return torch.Generator().manual_seed(seed_of(*facts))


@contextlib.contextmanager
def seeded(device: torch.device, *facts: object) -> Iterator[None]:
    """Seed torch's own generators, which initial weights and dropout draw from, and restore them after."""
    on_cuda = device.type == "cuda"
    index = device.index if device.index is not None else torch.cuda.current_device() if on_cuda else 0
    with torch.random.fork_rng(devices=[index] if on_cuda else []):
        torch.default_generator.manual_seed(seed_of(*facts))
        if on_cuda:
            with torch.cuda.device(index):
                torch.cuda.manual_seed(seed_of(*facts))
        yield


@contextlib.contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Let CUDA choose kernels that give the same bits twice and full float32; restore its settings after.

    On a CPU, let torch compute on one core: `SingleCorePool` does side by side what can be.
    """
    if device.type != "cuda":
        with one_core() if device.type == "cpu" else contextlib.nullcontext():
            yield
        return
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    workspace = os.environ.get(_CUBLAS)
    os.environ[_CUBLAS] = ":4096:8"
    try:
        with (
            warnings.catch_warnings(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            # Max pooling has no deterministic backward: a warning at each step helps nobody.
            warnings.filterwarnings("ignore", message=".*deterministic.*")
            torch.use_deterministic_algorithms(True, warn_only=True)
            yield
    except torch.OutOfMemoryError as error:
        raise OptionError(
            "the GPU has no room for a batch of the proxy", "make --proxy-size smaller, or use --device cpu"
        ) from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        if workspace is None:
            del os.environ[_CUBLAS]
        else:
            os.environ[_CUBLAS] = workspace
