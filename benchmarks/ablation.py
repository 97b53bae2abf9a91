"""What optional pieces earn: CPU seconds without each and with it, in turns in two processes.

    OMP_NUM_THREADS=1 python benchmarks/ablation.py
    OMP_NUM_THREADS=1 python benchmarks/ablation.py --pieces approximate --n 3000

A piece stays while some case that users have is 1.5 times as fast with it. `value` is that of the selection
with it as a share of that without, where the method tells its objective; `same rows` is the share that both
take. Points lie around 200 centres; 10 % are kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import without
from measure import Program, Run, once

Answer = tuple[Run, float]  # and the value of the selection
Ask = Callable[["Case"], Answer]


@dataclass(frozen=True)
class Case:
    """One method on n points of d numbers, with options that turn a piece on and off."""

    method: str
    n: int
    d: int
    without: dict[str, Any] = field(default_factory=dict)
    with_: dict[str, Any] = field(default_factory=dict)


NEAR, DRAWS = {"greedy": "approximate"}, {"draws": 4_000}
PIECES: dict[str, tuple[Callable[[], None], list[Case]]] = {
    "approximate": (
        without.nothing,
        [
            *(Case(name, 6_000, 64, {}, NEAR) for name in ("saturated_coverage", "log_det", "feature_based")),
            Case("saturated_coverage", 20_000, 64, {}, NEAR),
        ],
    ),
    "mode=partitioned": (
        without.nothing,
        [Case("facility_location", n, 64, {}, {"mode": "partitioned"}) for n in (6_000, 30_000)],
    ),
    "int8_screening": (
        without.int8_screening,
        [
            Case(name, n, d)
            for n, d in ((8_000, 128), (20_000, 64), (20_000, 512))
            for name in ("sum_redundancy", "disparity_sum")
        ],
    ),
    "random_view_kernels": (
        without.random_view_kernels,
        [Case("zcore", n, 64, DRAWS, DRAWS) for n in (10_000, 50_000)],
    ),
    "kl_farthest_kernels": (
        without.kl_farthest_kernels,
        [Case("contextual_diversity", n, c) for n, c in ((20_000, 10), (5_000, 1_000))],
    ),
}


def points(n: int, d: int) -> np.ndarray:
    """Return points around 200 centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((200, d))[rng.integers(0, 200, n)]
    return (centres + 0.6 * rng.standard_normal((n, d))).astype(np.float32)


def arrays(case: Case) -> dict[str, np.ndarray]:
    """Return what the method of a case selects from."""
    x = points(case.n, case.d)
    if case.method == "contextual_diversity":
        raised = np.exp(2 * x)
        return {"probs": raised / raised.sum(1, keepdims=True)}
    return {"X": np.abs(x) if case.method == "feature_based" else x}


def main() -> None:
    """Print one row a case."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pieces", default=",".join(PIECES), help="default: %(default)s")
    parser.add_argument("--n", type=int, help="points of every case, instead of its own")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs, after one that compiles")
    options = parser.parse_args()
    print("| piece | case | CPU s without | CPU s with | × | pairs | value | same rows |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for piece in options.pieces.split(","):
        with side(piece, off=True) as plain, side(piece, off=False) as whole:
            for case in PIECES[piece][1]:
                asked = Case(case.method, options.n or case.n, case.d, case.without, case.with_)
                print(f"| {piece} | {_row(asked, plain, whole, options.rounds)} |", flush=True)


@contextmanager
def side(piece: str, *, off: bool) -> Iterator[Ask]:
    """Start a process with the piece, or without it, that runs the cases it is asked for."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, piece, off), daemon=True)
    process.start()

    def ask(case: Case) -> Answer:
        ours.send(case)
        answer: Answer = ours.recv()
        return answer

    yield ask
    ours.send(None)
    process.join()


def _serve(asked: Connection, piece: str, off: bool) -> None:
    if off:
        PIECES[piece][0]()
    while (case := asked.recv()) is not None:
        asked.send(_run(case, case.without if off else case.with_))


def _run(case: Case, given: dict[str, Any]) -> Answer:
    import prune

    material, facts = arrays(case), {}

    def rows() -> np.ndarray:
        count = None if case.method == "semdedup" else case.n // 10
        chosen = prune.select_rows(method=case.method, k=count, **material, **given)
        facts.update({"gains": float(chosen.gains.sum(dtype=np.float64)), **chosen.facts})
        return chosen.rows

    done = once(Program(rows))
    return done, facts.get("objective", facts["gains"])


def _row(case: Case, plain: Ask, whole: Ask, rounds: int) -> str:
    pairs = [(plain(case), whole(case)) for _ in range(rounds + 1)][1:]  # the first compiles
    ratios = [first.cpu / second.cpu for (first, _), (second, _) in pairs]
    less = np.median([first.cpu for (first, _), _ in pairs])
    more = np.median([second.cpu for _, (second, _) in pairs])
    (first, before), (second, after) = pairs[-1]
    same = len(np.intersect1d(first.rows, second.rows)) / max(len(second.rows), 1)
    value = f"{after / before:.6f}" if before else ""
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return (
        f"{case.method}, {case.n:,} × {case.d} | {less:.2f} | {more:.2f} | {np.median(ratios):.2f} | {shown} "
        f"| {value} | {same:.1%}"
    )


if __name__ == "__main__":
    main()
