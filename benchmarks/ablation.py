"""What optional pieces earn: CPU seconds without each and with it, in alternating runs of one process.

    OMP_NUM_THREADS=1 python benchmarks/ablation.py
    OMP_NUM_THREADS=1 python benchmarks/ablation.py --pieces approximate --n 3000

A piece stays while some case that users have is 1.5 times as fast with it. `value` is that of the selection
with it as a share of that without, where the method tells its objective; `same rows` is the share that both
take. Points lie around 200 centres; 10 % are kept.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
from measure import Program, once

import prune
from prune.optimizers import batched_greedy


@dataclass(frozen=True)
class Case:
    """One method on n points of d numbers, with options that turn a piece on and off."""

    method: str
    n: int
    d: int
    without: dict[str, Any] = field(default_factory=dict)
    with_: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextlib.contextmanager
def _unscreened() -> Iterator[None]:
    with mock.patch.object(batched_greedy, "codes_fit", return_value=False):
        yield


NEAR = {"greedy": "approximate"}
PIECES: dict[str, tuple[Callable[[], contextlib.AbstractContextManager[None]], list[Case]]] = {
    "approximate": (
        _as_it_is,
        [
            *(Case(name, 6_000, 64, {}, NEAR) for name in ("saturated_coverage", "log_det", "feature_based")),
            Case("saturated_coverage", 20_000, 64, {}, NEAR),
        ],
    ),
    "mode=partitioned": (
        _as_it_is,
        [Case("facility_location", n, 64, {}, {"mode": "partitioned"}) for n in (6_000, 30_000)],
    ),
    "int8_screening": (
        _unscreened,
        [
            Case(name, n, d)
            for n, d in ((8_000, 128), (20_000, 64), (20_000, 512))
            for name in ("sum_redundancy", "disparity_sum")
        ],
    ),
}


def points(n: int, d: int) -> np.ndarray:
    """Return points around 200 centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((200, d))[rng.integers(0, 200, n)]
    return (centres + 0.6 * rng.standard_normal((n, d))).astype(np.float32)


def main() -> None:
    """Print one row a case."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pieces", default=",".join(PIECES), help="default: %(default)s")
    parser.add_argument("--n", type=int, help="points of every case, instead of its own")
    parser.add_argument("--rounds", type=int, default=2, help="pairs of runs, after one that compiles")
    options = parser.parse_args()
    print("| piece | case | CPU s without | CPU s with | × | pairs | value | same rows |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for piece in options.pieces.split(","):
        off, cases = PIECES[piece]
        for case in cases:
            print(f"| {piece} | {_row(case, off, options.n or case.n, options.rounds)} |", flush=True)


def _row(case: Case, off: Callable[[], contextlib.AbstractContextManager[None]], n: int, rounds: int) -> str:
    x, k, facts = points(n, case.d), n // 10, {}
    values = np.abs(x) if case.method == "feature_based" else x

    def run(given: dict[str, Any]) -> np.ndarray:
        chosen = prune.select_rows(values, method=case.method, k=k, **given)
        facts.update({"gains": float(chosen.gains.sum(dtype=np.float64)), **chosen.facts})
        return chosen.rows

    def one(given: dict[str, Any], scope: contextlib.AbstractContextManager[None]) -> tuple[Any, float]:
        with scope:
            done = once(Program(lambda: run(given)))
        return done, facts.get("objective", facts["gains"])

    pairs = []
    for number in range(rounds + 1):
        pair = one(case.without, off()), one(case.with_, _as_it_is())
        pairs += [pair] if number else []  # the first compiles
    less = min(first.cpu for (first, _), _ in pairs)
    more = min(second.cpu for _, (second, _) in pairs)
    ratios = ", ".join(f"{first.cpu / second.cpu:.2f}" for (first, _), (second, _) in pairs)
    (first, before), (second, after) = pairs[-1]
    same = len(np.intersect1d(first.rows, second.rows)) / k
    what = f"{case.method}, {n:,} × {case.d}"
    return (
        f"{what} | {less:.2f} | {more:.2f} | {less / more:.2f} | {ratios} | {after / before:.6f} | {same:.1%}"
    )


if __name__ == "__main__":
    main()
