"""Seconds, memory and agreement of programs that do the same work, run in turns in one process."""

from __future__ import annotations

import ctypes
import gc
import importlib
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Rows = np.ndarray
ONCE = 5.0  # seconds; what takes longer is not repeated
SELF = Path("/proc/self")


@dataclass(frozen=True)
class Program:
    """One way to do the work: `run`, given what `prepare` made outside the clock."""

    run: Callable[..., Rows]
    share: float = 1.0  # the part of the whole work that `run` does
    prepare: Callable[[], Any] | None = None
    fixed: Callable[[], Rows] | None = None  # the same on almost nothing: what it takes is taken off
    compiles: bool = True  # whether a first run, unmeasured, spares the measured one a compilation


@dataclass(frozen=True)
class Case:
    """One kernel at one size."""

    size: str
    programs: dict[str, Program | None]  # prune first; None: not installed
    objective: Callable[[Rows], float] | None = None
    aim: str = ""  # what the objective is, and whether low or high is better
    operations: float = 0.0  # floating point, at least
    traffic: float = 0.0  # bytes to be read, at least
    rows: bool = True  # whether the programs return rows in the order taken


@dataclass
class Run:
    """What one program took, scaled to the whole work."""

    wall: float
    cpu: float
    megabytes: float  # peak beyond what was there before
    share: float
    rows: Rows = field(repr=False)
    runs: int = 1


def peak(*, reset: bool = False) -> int:
    """Return the largest resident size in bytes since the last reset, or ever where there is no reset."""
    try:
        if reset:
            (SELF / "clear_refs").write_text("5")
        status = (SELF / "status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def once(program: Program, *, cold: bool = False) -> Run:
    """Run a program and watch clock, CPU and memory; cold: with fresh memory, whose peak is seen whole."""
    made = () if program.prepare is None else (program.prepare(),)
    gc.collect()
    if cold:
        _give_back()
    before = peak(reset=True)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = program.run(*made)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    run = Run(wall, cpu, max(peak() - before, 0) / 1e6, program.share, np.asarray(rows))
    if program.fixed is not None:
        less = once(Program(program.fixed))
        run.wall, run.cpu = max(run.wall - less.wall, 0), max(run.cpu - less.cpu, 0)
    run.wall, run.cpu = run.wall / program.share, run.cpu / program.share
    return run


def _give_back() -> None:
    """Return freed memory to the system where the C library can: a peak in reused memory goes unseen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def in_turns(case: Case, rounds: int) -> dict[str, Run]:
    """Run all programs `rounds` times in turns; the median of each by CPU seconds, the largest memory."""
    programs = {name: program for name, program in case.programs.items() if program}
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for number in range(rounds):
        for name, program in programs.items():
            if max((run.wall * run.share for run in runs[name]), default=0.0) < ONCE:
                runs[name].append(once(program, cold=number == 0))
    found = {}
    for name, done in runs.items():
        found[name] = sorted(done, key=lambda run: run.cpu)[len(done) // 2]
        found[name].megabytes = max(run.megabytes for run in done)
        found[name].runs = len(done)
    return found


def agreement(rows: Rows, ours: Rows) -> tuple[float, int | None]:
    """Return the share of `rows` that ours has among as many, and the first place where the order differs."""
    count = min(len(rows), len(ours))
    if not count:
        return 0.0, None
    other = np.flatnonzero(rows[:count] != ours[:count])
    return len(np.intersect1d(rows[:count], ours[:count])) / count, int(other[0]) if len(other) else None


@dataclass(frozen=True)
class Machine:
    """What the machine can do at most."""

    operations: float  # float32 multiply-adds counted as two, a second
    bytes: float  # read from memory, a second

    def seconds(self, case: Case) -> float:
        """The shortest time in which the arithmetic and the reading of a case can be done."""
        return max(case.operations / self.operations, case.traffic / self.bytes)


def machine() -> Machine:
    """Measure a large float32 product, and the reading of an array larger than any cache."""
    a = np.random.default_rng(0).standard_normal((2048, 2048)).astype(np.float32)
    long = np.ones(2**26, np.float32)
    product = min(_seconds(lambda: a @ a) for _ in range(5))
    reading = min(_seconds(lambda: _read(long)) for _ in range(5))
    return Machine(2 * 2048**3 / product, long.nbytes / reading)


def _read(array: np.ndarray) -> float:
    import torch

    return float(torch.from_numpy(array).sum())  # numpy's own sum uses one core


def _seconds(program: Callable[[], Any]) -> float:
    start = time.perf_counter()
    program()
    return time.perf_counter() - start


def installed(name: str) -> Any:
    """Return a module, or None if it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
