"""The choice among a few selections: the one that is better than random, or random where none is told to be.

Several selections are compared, and the best of six by its 95 % interval is above random by luck in more than
one case in twenty. So the level is shared: of m selections each interval is one of 1 - 0.05 / m (Bonferroni),
and the chance that one is chosen at a size where none is better is at most 2.5 %. That does not cover several
sizes together, nor seeds that are added until something is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prune.core.safe_text import counted, printable
from prune.steps.evaluate.evaluation_table import EvaluationRow, EvaluationTable
from prune.steps.evaluate.intervals import BETTER, Difference, paired_difference
from prune.steps.evaluate.training_sets import RANDOM

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What was chosen at one size, of what, and how sure that is."""

    fraction: str  # as it was asked for
    k: int
    spec: str  # what to take: a SPEC, or `random`
    compared: tuple[str, ...]  # best first
    level: float  # of each interval
    difference: Difference | None  # of the one that was taken, to random; None of random
    nearest: Difference | None  # of random: the difference of the best one that was not told apart from it
    setting: str
    model: str
    protocol: str

    def to_json(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return asdict(self)


def choices(table: EvaluationTable, sizes: Mapping[str, Mapping[str, int]]) -> list[Choice]:
    """Return the choice at every fraction.

    Parameters
    ----------
    table
        Of one setting.
    sizes
        Fraction → the selections compared there, with the samples that each keeps.
    """
    return [_choice(table, fraction, kept) for fraction, kept in sizes.items()]


def _choice(table: EvaluationTable, fraction: str, kept: Mapping[str, int]) -> Choice:
    level = 1 - (1 - LEVEL) / max(len(kept), 1)
    told = {spec: _told(_seeds(table, spec, k), _seeds(table, RANDOM, k), level) for spec, k in kept.items()}
    ranked = sorted(told, key=lambda spec: -told[spec].mean)
    best = next((spec for spec in ranked if told[spec].verdict == BETTER), RANDOM)
    first = table.rows[0]
    return Choice(
        fraction=fraction,
        k=kept.get(best, min(kept.values(), default=0)),
        spec=best,
        compared=tuple(ranked),
        level=level,
        difference=told.get(best),
        nearest=told[ranked[0]] if best == RANDOM and ranked else None,
        setting=first.setting,
        model=first.model,
        protocol=first.protocol,
    )


def _seeds(table: EvaluationTable, spec: str, k: int) -> dict[int, EvaluationRow]:
    return {row.seed: row for row in table.rows if row.spec == spec and row.k == k}


def _told(
    method: Mapping[int, EvaluationRow], random: Mapping[int, EvaluationRow], level: float
) -> Difference:
    seeds = sorted(method.keys() & random.keys())
    ours, theirs = ([of[seed].accuracy for seed in seeds] for of in (method, random))
    return paired_difference(ours, theirs, level, resolution=1 / method[seeds[0]].tested)


def in_words(choice: Choice) -> str:
    """Say what was chosen at a size and why, in a line."""
    kept, among = f"{100 * float(choice.fraction):.3g} %", counted(len(choice.compared), "selection")
    told = choice.difference or choice.nearest
    if told is None:
        return f"{kept}: random; nothing was compared with it"
    points, low, high = f"{100 * told.mean:+.2f}", told.low, told.high
    if low is not None and high is not None:
        points += f" [{100 * low:+.2f}, {100 * high:+.2f}]"
    at = (
        f"intervals of {100 * choice.level:.4g} %, as {among} share 95 %"
        if len(choice.compared) > 1
        else "95 %"
    )
    if choice.difference is not None:
        return f"{kept}: {printable(choice.spec)}, {points} points to random ({at})"
    more = told.more_seeds
    hope = f"; {counted(more, 'more seed')} would tell" if more else ""
    best = printable(choice.compared[0])
    return f"{kept}: random; none of {among} is told to be better; {best}: {points} ({at}){hope}"
