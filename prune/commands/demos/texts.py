"""The whole chain on snippets of text: of a mixture, those that are like a target; beside random."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shlex import quote
from typing import Any

from prune import pipeline
from prune.commands.demos.snippets import WANTED, domain, write_snippets
from prune.commands.evaluate_report import table_lines
from prune.core.safe_text import duration, number
from prune.steps.settings import Settings
from prune.store import Store, read_selection

_FRACTION, _SEEDS = "0.2", 5


def run(out: Path, store_path: Path, settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Write the snippets, score them, keep the fifth that is most like a target, export and compare it.

    Returns
    -------
    tuple
        The result of each verb by its name, and the lines to show.
    """
    data, store = write_snippets(out), Store(store_path)
    embedded = pipeline.embed(store, str(data.pool), settings=settings)
    scored = pipeline.score(store, types=["el2n", "forgetting"], settings=settings)
    target = str(data.wanted)
    chosen = pipeline.select(store, method="gio", target=target, fraction=_FRACTION, settings=settings)
    exported = pipeline.export(store, format="jsonl", out=out / "smaller", settings=settings)
    compared = pipeline.evaluate(store, test=str(data.test), select=["gio"], seeds=_SEEDS, settings=settings)
    page = pipeline.report(store, out=out / "report.html", settings=settings)
    words = {name: quote(str(place)) for name, place in vars(data).items()}
    smaller, report = quote(str(out / "smaller")), quote(str(out / "report.html"))
    there = f"--store {quote(str(store.path))}"
    lines = [
        f"prune embed {there} {words['pool']}   # {_took(embedded['seconds'])}",
        f"prune score {there} --type el2n,forgetting   # {_took(scored['seconds'])}",
        f"prune select {there} --method gio --target {words['wanted']} --fraction {_FRACTION}"
        f"   # {_took(chosen['seconds']['select'])}",
        f"prune export {there} --format jsonl --out {smaller}   # {_took(exported['seconds'])}",
        f"prune evaluate {there} --test {words['test']} --select gio --seeds {_SEEDS}"
        f"   # {_took(compared['seconds'])}",
        f"prune report {there} --out {report}   # {_took(page['seconds'])}",
        "",
        *_table(store),
        "",
        *table_lines(compared),
        "",
        f"kept {number(chosen['k'])} of {number(compared['usable'])}, to be like the {WANTED} reviews in "
        f"{words['wanted']}; the smaller dataset is in {smaller}, a page to look at is {report}",
    ]
    found = {"embed": embedded, "score": scored, "select": chosen, "export": exported}
    return found | {"evaluate": compared, "report": page}, lines


def _took(seconds: dict[str, float]) -> str:
    return duration(seconds["total"])


def _table(store: Store) -> list[str]:
    """Return what was kept of each domain, and its share before and after."""
    manifest = read_selection(store).manifest
    keys = [domain(key) for key in manifest["key"].to_pylist()]
    all_of = Counter(keys)
    kept = Counter(
        key for key, selected in zip(keys, manifest["selected"].to_pylist(), strict=True) if selected
    )
    lines = [f"{'domain':<10}{'samples':>9}{'kept':>7}{'share before':>15}{'share after':>14}"]
    for name, count in sorted(all_of.items()):
        before, after = count / len(keys), kept[name] / max(kept.total(), 1)
        lines.append(f"{name:<10}{count:>9,}{kept[name]:>7,}{before:>15.0%}{after:>14.0%}")
    return lines
