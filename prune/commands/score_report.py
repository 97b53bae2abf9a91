"""What `prune score` prints: the range of each score, its cost, labels in doubt, what to type next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.core.column_name import EXTRAPOLATED, LATER, SUSPECT_RANK, ColumnName
from prune.core.safe_text import counted, duration, number, printable
from prune.core.store_option import in_store


def summary(result: dict[str, Any], store: Path) -> list[str]:
    """Return the lines to print."""
    from prune.steps.space_columns import kcenter_line

    took = duration(result["seconds"]["total"])
    lines = [f"{counted(result['n'], 'sample')}, {counted(result['classes'], 'class')}, in {took}"]
    grown = result["growth"]
    lines += [f"{grown['read']:,} samples read, {grown['kept']:,} rows kept"] if grown else []
    for name, about in result["scores"].items():
        numbers = "  ".join(f"{key} {number(about[key])}" for key in ("min", "median", "max") if key in about)
        high = f"  (high: {about['high']})" if about["high"] else ""
        lines.append(f"{ColumnName.score(name)}: {numbers}{high}")
        lines += _trust(name, about)
    lines += [*_stability(result.get("stable")), *_cost(result.get("cost", {})), *_suspect(result["scores"])]
    following = kcenter_line(result["embeddings"]) if result["embeddings"] else "prune embed"
    return [*lines, f"next: {in_store(following, str(store))}"]


def _suspect(scores: dict[str, dict[str, Any]]) -> list[str]:
    """Name the labels to look at first, by the score that tells wrong ones best, and where all are."""
    from prune.scorers import SCORERS

    known = [name for name in SCORERS if scores.get(name, {}).get("most_suspect")]
    if not known:
        return []
    name = max(known, key=lambda name: SCORERS[name].by_wrong_labels)
    keys = ", ".join(printable(key) for key in scores[name]["most_suspect"])
    column = ColumnName.score(name, SUSPECT_RANK)
    return [f"labels to look at first, by {name}: {keys}; all in order: the column {column}"]


def _trust(name: str, about: dict[str, Any]) -> list[str]:
    lines = []
    if about.get("between_runs") is not None:
        lines.append(f"  runs agree by {about['between_runs']:.2f} (Spearman){_of_mean(about)}")
    if about.get("constant_runs"):
        lines.append(
            f"  runs cannot be compared: {about['constant_runs']} of them gave all samples the same number"
        )
    if "fold_shift" in about and about["fold_shift"] is None:
        lines.append("  medians of folds cannot be compared: half of the samples have the same score")
    elif "fold_shift" in about:
        share = f"{number(round(about['fold_shift'], 3))} of the quartile range"
        lines.append(f"  medians of folds differ from that of all by {share} at most")
    if about.get("extrapolated"):
        flag = f"see the column {ColumnName.score(name, EXTRAPOLATED)}"
        lines.append(f"  {counted(about['extrapolated'], 'sample')} filled in from neighbours; {flag}")
    return [*lines, *later_lines(name, about)]


def later_lines(name: str, about: Mapping[str, Any]) -> list[str]:
    """Say how many samples came after the training, and how far their scores may lie from others."""
    lines, learnt = [], about.get("trained_on", 0)
    flag = f"see the column {ColumnName.score(name, LATER)}"
    if held_out := about.get("later", 0) - learnt:
        told = f"{counted(held_out, 'new sample')} held out: the proxy never trained on them"
        lines.append(f"  {told}; {flag}")
    if learnt:
        told = f"{counted(learnt, 'new sample')} not held out: the proxy trained on the same bytes before"
        lines.append(f"  {told}, removed since or with another label; {flag}")
    return [*lines, *_measured(about.get("measured"))]


def _measured(found: dict[str, Any] | None) -> list[str]:
    """Say how far scores of new samples may lie from those of a run from zero."""
    if found is None:
        return []
    old = counted(found["samples"], "old sample")
    how = {
        "control": f"by a proxy that trained on {number(found.get('learnt', 0))} others",
        "neighbours": "by their neighbours",
    }[found["by"]]
    rank = "no rank correlation" if found["spearman"] is None else f"rank correlation {found['spearman']:.2f}"
    shift = f"median difference {found['shift']:+.3g}"
    return [f"  how far that may be: {old} scored so, {how}: {rank} to what they have, {shift}"]


def _of_mean(about: dict[str, Any]) -> str:
    if about["of_mean"] is None:
        return ""
    enough = f"; 0.95 takes {counted(about['enough'], 'run')}" if about["enough"] else ""
    return f"; their mean would agree by {about['of_mean']:.2f} with that of as many other runs{enough}"


def _stability(stable: dict[str, Any] | None) -> list[str]:
    if stable is None:
        return []
    kind = "runs" if "runs" in stable else "epochs"
    after = f"after {stable[kind]} of {stable['of']} {kind}"
    if kind == "epochs":
        end = "the ranking stands" if stable["stands"] else "the ranking still moves"
        return [f"{end} {after}, by a Spearman correlation of {stable['rho']:g}"]
    said = "is expected" if stable["stands"] else "cannot be expected yet"
    return [f"{after}, their mean {said} to correlate by {stable['rho']:g} with that of as many other runs"]


def _cost(cost: dict[str, Any]) -> list[str]:
    def took(seconds: float | None) -> str:
        return "unknown" if seconds is None else duration(seconds)

    if "proxy" not in cost:
        return []
    proxy, after = cost["proxy"], cost["next"]
    networks = f", gradients {took(proxy['networks'])}" if proxy["networks"] else ""
    spent = f"proxy {took(proxy['seconds'])}{networks} on {cost['device']}, {duration(proxy['now'])} now"
    scores = f"scores {duration(sum(cost['scores'].values()))}"
    more = f"another run: {took(after['run'])}; another score from the same trace: {took(after['score'])}"
    return [f"cost: {spent}, {scores}", more]
