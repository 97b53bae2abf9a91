"""Does a part of CIFAR-10 train as well as a random part? The first table of the README.

    python benchmarks/evidence.py --data FOLDER_WITH_PARQUET --store DIR
    python benchmarks/evidence.py --data … --store … --fractions 0.1 --seeds 5   # adds to what is there
    python benchmarks/evidence.py --store DIR --only-table                       # of what was trained so far

Every cell is kept in the store as soon as it is trained: the same command goes on where it was stopped, and
other fractions, seeds or methods add cells without training any again. On a GPU with time for the field's own
recipe: `--model resnet18 --steps 40000`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import prune
from prune.commands.console import reporter
from prune.steps.evaluate.evaluation_table import EvaluationSummary, EvaluationTable
from prune.steps.evaluate.results import evaluations

METHODS = (
    *("beta:dual", "stratified:aum", "kcenter", "facility_location,quota=proportional", "semdedup>random"),
    *("gradmatch", "d2:el2n", "d2:el2n,drop_hardest=0.3", "top:el2n"),
)
FRACTIONS = "0.1,0.2,0.3,0.5,0.7"


def main() -> None:
    """Score, train what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet and test-*.parquet")
    parser.add_argument("--store", type=Path, required=True, help="what is trained is kept here")
    parser.add_argument("--fractions", default=FRACTIONS)
    parser.add_argument("--select", action="append", help="a SPEC; default: those of the README")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1200, help="equal steps of every set")
    parser.add_argument("--epochs", type=int, help="equal epochs instead")
    parser.add_argument("--model", default="resnet8")
    parser.add_argument("--only-table", action="store_true", help="train nothing")
    options = parser.parse_args()
    store = prune.Store(options.store)
    setting = None
    if not options.only_table:
        setting = train(store, options)
    show(evaluations(store, setting))
    explain(store)


def train(store: prune.Store, options: argparse.Namespace) -> str:
    """Train what is missing; return what stands for the setting of all cells."""
    data = None if options.data is None else f"{options.data}"
    settings = prune.Settings(reporter=reporter(quiet=False))
    prune.score(store, data, types=["el2n", "aum", "dual"], settings=settings)
    found = prune.evaluate(
        store,
        test="test",
        select=options.select or METHODS,
        fractions=options.fractions.split(","),
        seeds=options.seeds,
        steps=None if options.epochs else options.steps,
        epochs=options.epochs,
        model=options.model,
        settings=settings,
    )
    return str(found["setting"])


def show(table: EvaluationTable) -> None:
    """Print a table a setting: a row a method, random first, a column a fraction."""
    for setting in dict.fromkeys(one.setting for one in table.summaries):
        found = [one for one in table.summaries if one.setting == setting]
        first = found[0]
        print(f"\n{first.model}, {first.protocol}, tested after the last step\n")
        sizes = sorted({one.fraction for one in found if one.spec != "everything"})
        print(f"| kept | {' | '.join(f'{100 * size:.3g} %' for size in sizes)} |")
        print(f"|---|{'---|' * len(sizes)}")
        for spec in _in_order(found):
            cells = [_cell(found, spec, size) for size in sizes]
            print(f"| {'**random**' if spec == 'random' else f'`{spec}`'} | {' | '.join(cells)} |")
        for one in found:
            if one.spec == "everything":
                print(f"\neverything: {_percent(one)} ({one.seeds} seeds)")


def explain(store: prune.Store) -> None:
    """Print how hard what each kept is, and of how many samples of one weight it is worth."""
    columns = store.columns_if_any
    if "score.el2n" not in columns:
        return
    el2n = store.column("score.el2n").read()
    print(f"\nEL2N in the mean: everything {np.nanmean(el2n):.2f}")
    found = []
    for name in (one for one in columns if one.startswith("choice.")):
        chosen = store.column(name)
        weights = chosen.read()
        rows = np.flatnonzero(weights >= 0)
        held = weights[rows].astype(np.float64)
        worth = held.sum() ** 2 / (held**2).sum()  # Kish, Survey Sampling, 1965
        found.append((float(np.nanmean(el2n[rows])), chosen.recipe, len(rows), worth))
    for hardness, recipe, kept, worth in sorted(found, key=lambda one: (one[1]["fraction"] or "", one[0])):
        size = "its own size" if recipe["fraction"] is None else f"{100 * float(recipe['fraction']):g} %"
        uneven = "" if round(worth) == kept else f", its weights those of {worth:,.0f} alike"
        print(f"{recipe['spec']}, {size}: {hardness:.2f}{uneven}")


def _in_order(found: Sequence[EvaluationSummary]) -> list[str]:
    """Return random first, then methods by their difference at the smallest size."""
    specs = dict.fromkeys(one.spec for one in found if one.spec not in {"random", "everything"})
    smallest = {
        spec: min((one for one in found if one.spec == spec), key=lambda one: one.fraction) for spec in specs
    }
    return ["random", *sorted(specs, key=lambda spec: -smallest[spec].accuracy.mean)]


def _cell(found: Sequence[EvaluationSummary], spec: str, size: float) -> str:
    one = next((one for one in found if one.spec == spec and one.fraction == size), None)
    if one is None:
        return ""
    if one.difference is None:
        return f"{_percent(one)} ({one.seeds} seeds)"
    other = one.difference
    half = "" if other.high is None else f" ± {100 * (other.high - other.mean):.1f}"
    return f"{100 * one.accuracy.mean:.1f}: {100 * other.mean:+.1f}{half}, {other.verdict}"


def _percent(one: EvaluationSummary) -> str:
    high = one.accuracy.high
    half = "" if high is None else f" ± {100 * (high - one.accuracy.mean):.1f}"
    return f"{100 * one.accuracy.mean:.1f}{half}"


if __name__ == "__main__":
    main()
