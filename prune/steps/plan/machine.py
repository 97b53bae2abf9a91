"""The limits of a machine, measured in about a second: products, memory, disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prune.index.resource_plan import RATE
from prune.system.cores import core_count, thread_count
from prune.system.memory import free_memory

_SQUARE = 1024  # rows of the matrices
_COPIED = 64 << 20  # bytes, more than caches hold
_READ = 64 << 20  # bytes of the dataset, at most
_TRIES = 4  # of which the quickest counts: what else the machine does only slows it down
NETWORK = 1.25e9  # bytes a second that a machine gets from the others and from shared storage: 10 Gbit/s


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What one machine can do at best."""

    cores: int
    memory: int  # bytes that are free
    flops: float  # operations a second, of products of float32 on all cores, or on one GPU
    copies: float  # bytes a second that are read and written in memory
    disk: float | None  # bytes a second that are read of the dataset; None: not known here
    device: str = "cpu"  # that products were measured on

    @classmethod
    def measured(cls, files: Sequence[Path], device: str) -> Machine:
        """Measure this one; `files` are some of the dataset."""
        return cls(
            cores=min(core_count(), thread_count()),
            memory=free_memory(),
            flops=_product_rate(device),
            copies=_copy_rate(),
            disk=_read_rate(files),
            device=device,
        )


def gpu_rate() -> float:
    """Operations a second that are taken for granted of a GPU, where none is here to be measured."""
    return RATE["cuda"]


def _quickest(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds of the quickest of a few tries, after one that does not count."""
    work()
    seconds = []
    for _ in range(_TRIES):
        began = clock()
        work()
        seconds.append(clock() - began)
    return max(min(seconds), 1e-9)


def _product_rate(device: str) -> float:
    """Return operations a second; of a CPU by its own time, as if nobody else were there."""
    import torch

    square = torch.ones(_SQUARE, _SQUARE, device=device)

    def multiply() -> float:
        return float((square @ square)[0, 0])

    if device != "cpu":
        return 2.0 * _SQUARE**3 / _quickest(multiply, time.perf_counter)
    return 2.0 * _SQUARE**3 * torch.get_num_threads() / _quickest(multiply, time.process_time)


def _copy_rate() -> float:
    source = np.ones(_COPIED, np.uint8)
    target = np.empty_like(source)
    return 2.0 * _COPIED / _quickest(lambda: np.copyto(target, source), time.process_time)


def _read_rate(paths: Sequence[Path]) -> float | None:
    """Return bytes a second of files, read as if for the first time; None where that cannot be asked for."""
    if not hasattr(os, "posix_fadvise"):
        return None
    done, seconds = 0, 0.0
    for path in paths:
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # what the disk has too is dropped
            began = time.perf_counter()
            while done < _READ and (block := file.read(4 << 20)):
                done += len(block)
            seconds += time.perf_counter() - began
    return done / seconds if done and seconds else None
