"""How a selection trains beside random sets of its size, from the evaluations of the store."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from prune.core.option_words import without_option
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.steps.check.conditions import CheckedSelection, Outcome
from prune.steps.evaluate.evaluation_table import EvaluationSummary, EvaluationTable
from prune.steps.evaluate.headings import PROBES
from prune.steps.evaluate.intervals import Difference, seeds_above
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.test_advice import naming_a_test
from prune.steps.evaluate.training_sets import digests_of_kept, name_in_cells

FEWEST = 5  # random sets: of fewer, the interval is too wide to be of use, and its width hardly known


@dataclass(frozen=True)
class _Seen:
    """An evaluation of the selection: what it came to, and a cell of it."""

    summary: EvaluationSummary
    cell: str

    @property
    def difference(self) -> Difference | None:
        """To random sets of the same seeds; None where there are none."""
        return self.summary.difference

    @property
    def seeds(self) -> int:
        """How many random sets it was compared with."""
        return 0 if self.difference is None else self.difference.seeds


def against_random(checked: CheckedSelection, least: float, *, probe: bool = False) -> Outcome:
    """Compare the lower end of the interval of the difference to random, in points, with a limit.

    Of several evaluations (models, protocols, test sets) with seeds enough, all have to hold, so that the one
    with the lowest end is told. Evaluations with wrong labels on purpose do not count.

    Parameters
    ----------
    probe
        Whether an evaluation by a linear probe counts.
    """
    table = evaluations(checked.store)
    seen = _seen(checked, table)
    counted_ = [one for one in seen if probe or one.summary.model not in PROBES]
    told = [one for one in counted_ if one.seeds >= FEWEST and one.difference is not None]
    if not told:
        detail, advice = _missing(checked, seen, counted_, least, _not_yet(checked, table, probe=probe))
        return _outcome(None, least, detail, advice)
    ends = {id(one): one.difference.low for one in told if one.difference is not None}
    worst = min(told, key=lambda one: _points(ends[id(one)]))
    value = _points(ends[id(worst)])
    return _outcome(value, least, _in_words(worst, len(told)), _instead(checked, worst, least / 100))


def _outcome(value: float | None, least: float, detail: str, advice: str) -> Outcome:
    return Outcome(
        condition="--min-delta",
        value=value,
        limit=least,
        passed=value is not None and value >= least,
        detail=detail,
        advice=advice,
    )


def _points(share: float | None) -> float:
    assert share is not None, "an interval of several seeds has ends"
    return 100 * share


def _in_words(one: _Seen, of: int) -> str:
    found, summary = one.difference, one.summary
    assert found is not None
    ends = f"{100 * found.mean:+.2f} points, from {_points(found.low):+.2f} to {_points(found.high):+.2f}"
    how = f"{summary.model}, {summary.protocol}, {found.seeds} seeds"
    more = f"; the lowest of {counted(of, 'evaluation')}" if of > 1 else ""
    return f"{ends} against random: {found.verdict} ({how}){more}"


def _missing(
    checked: CheckedSelection,
    seen: list[_Seen],
    counted_: list[_Seen],
    least: float,
    not_yet: tuple[str, str],
) -> tuple[str, str]:
    """Say what is lacking, and the command that adds it."""
    store, name = checked.store, checked.stored.name
    if counted_:
        most = max(counted_, key=lambda one: one.seeds)
        detail = f"{counted(most.seeds, 'random set')} of the {FEWEST} that it takes"
        return detail, _again(checked, most, FEWEST)
    if seen:
        detail = "evaluated by a linear probe alone, which favours what was chosen by distances"
        again = f"prune check --selection {shlex.quote(name)} --min-delta {least:.15g} --probe"
        return f"{detail}: --probe lets it count", in_store(again, str(store.path))
    return not_yet


def _not_yet(checked: CheckedSelection, table: EvaluationTable, *, probe: bool) -> tuple[str, str]:
    """Say that a selection was not evaluated, and how: as an earlier one of its name was, if one was."""
    store, name = checked.store, checked.stored.name
    made = [
        store.commands[row.cell]
        for row in table.rows
        if row.spec == name_in_cells(name)
        and not row.label_noise
        and (probe or row.model not in PROBES)
        and row.cell in store.commands
    ]
    if made:
        words = f"{_as_trained(made[-1])} --select {shlex.quote(name)} --seeds {FEWEST}"
        return f"{name} was not evaluated since it was chosen anew", in_store(words, str(store.path))
    remark = "   # DATA: what to test on" if naming_a_test(store) is None else ""
    words = in_store(f"{_first(checked)} --seeds {FEWEST}{' --probe' if probe else ''}", str(store.path))
    return f"{name} was not evaluated", f"{words}{remark}"


def _instead(checked: CheckedSelection, worst: _Seen, least: float) -> str:
    """Return what may help one that is too low: seeds, where its mean is high enough, or another method."""
    found, store = worst.difference, checked.store
    assert found is not None
    if more := seeds_above(found, least):
        return _again(checked, worst, found.seeds + more)
    made = _as_trained(store.commands.get(worst.cell, _first(checked)))
    return in_store(f"{made} --choose --fraction {worst.summary.fraction:.4g}", str(store.path))


def _again(checked: CheckedSelection, one: _Seen, seeds: int) -> str:
    """Return the command that trained the cells of an evaluation, for this selection alone and more seeds."""
    store = checked.store
    column = store.column(one.cell)
    asked, words = column.recipe["set"], ["--select", checked.stored.name]
    if "choice" in json.loads(column.attachment("outcome", 0))["set"]:  # not by its name, but by a SPEC
        words = ["--select", asked["spec"], *(["--fraction", asked["asked"]] if asked["asked"] else [])]
    made = _as_trained(store.commands.get(one.cell, _first(checked)))
    return in_store(f"{made} {shlex.join([*words, '--seeds', str(seeds)])}", str(store.path))


def _as_trained(made: str) -> str:
    """Return the command of an evaluation without what was compared: its test set, model and protocol."""
    words = [word for word in shlex.split(made) if word != "--choose"]
    for option in ("--select", "--fraction", "--seeds"):
        words = without_option(words, option)
    return shlex.join(words)


def _first(checked: CheckedSelection) -> str:
    """Return the command that evaluates the selection, on what is held out where something is."""
    test = naming_a_test(checked.store)
    words = " --test DATA" if test is None else test
    return f"prune evaluate{words} --select {shlex.quote(checked.stored.name)}"


def _seen(checked: CheckedSelection, table: EvaluationTable) -> list[_Seen]:
    """Return the evaluations of the very samples that are kept, whatever they were called then."""
    sets = digests_of_kept(checked.store, checked.dataset, checked.stored)
    cells = {(row.setting, row.spec, row.set): row.cell for row in table.rows if row.label_noise == 0}
    return [
        _Seen(summary, cells[key])
        for summary in table.summaries
        if summary.set in sets
        and summary.difference is not None
        and (key := (summary.setting, summary.spec, summary.set)) in cells
    ]
