"""Facts of a selection in sentences: what a method found while it chose, as far as a user has to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.safe_text import counted, number


def sentences(facts: Mapping[str, Any], k: int) -> list[str]:
    """Return one line a fact; nothing of those that are as they should be, or of interest to nobody.

    Parameters
    ----------
    facts
        As in `selection.json`: of several classes the value where all agree, else `least`, `mean`, `most`.
    k
        Samples kept.
    """
    return [
        *_recall(facts),
        *_duplicates(facts),
        *_residual(facts),
        *_cutoff(facts),
        *_tied(facts),
        *_filled(facts, k),
        *_targets(facts),
        *_too_short(facts),
    ]


def tied(count: int) -> str:
    """Say that a cut went through samples that are equal to it."""
    which = "which of them are kept is drawn by seed and key"
    return f"{counted(count, 'sample')} tied at the cut; {which}"


def _recall(facts: Mapping[str, Any]) -> list[str]:
    least, mean, _ = _range(facts.get("recall"))
    if least is None or least >= 1:
        return []
    worst = "" if least == mean else f", {percent(least)} % in one class"
    return [f"the graph of neighbours holds {percent(mean)} % of the true ones{worst}"]


def _duplicates(facts: Mapping[str, Any]) -> list[str]:
    found = facts.get("duplicates", 0)
    if not found:
        return []
    eps, threshold = facts.get("eps"), facts.get("threshold")
    near = "" if eps is None else f", with a cosine of {1 - eps:.6g} or more"
    if threshold is not None:
        least = (
            "" if threshold == 1 else f", or {percent(threshold)} % or more of their runs of words in common"
        )
        near = f": the same words{least}"
    who = "sample is a duplicate of another" if found == 1 else "samples are duplicates of others"
    return [f"{number(found)} {who}{near}"]


def _residual(facts: Mapping[str, Any]) -> list[str]:
    least, mean, most = _range(facts.get("residual"))
    if least is None:
        return []
    if "groups" not in facts:
        return [f"the weighted sum of the kept differs by {percent(mean)} % from the sum to match"]
    spread = "" if least == most else f", from {percent(least)} to {percent(most)} %"
    of_all = facts.get("residual_of_all")
    whole = "" if of_all is None else f"; by {percent(of_all)} % over all classes together"
    each = f"differs by {percent(mean)} % from the sum to match in a class, on average"
    return [f"the weighted sum of the kept {each}{spread}{whole}"]


def _cutoff(facts: Mapping[str, Any]) -> list[str]:
    _, mean, most = _range(facts.get("cutoff"))
    if not most:
        return []
    return [f"the hardest {percent(mean)} % were left out by the method; --set cutoff=none leaves out none"]


def _tied(facts: Mapping[str, Any]) -> list[str]:
    count = facts.get("tied_at_cut", 0)
    return [tied(count)] if count else []


def _filled(facts: Mapping[str, Any], k: int) -> list[str]:
    count = facts.get("filled", 0)
    if not count:
        return []
    rule = facts.get("rule", facts.get("filled_by"))
    adds, was = ("adds", "was") if count == 1 else ("add", "were")
    drawn = rule is None or rule == "drawn by seed and key"
    how = "drawn by seed and key" if drawn else f"filled in by the {rule}"
    return [
        f"{number(count)} of {counted(k, 'sample')} {adds} nothing by this method any more and {was} {how}"
    ]


def _targets(facts: Mapping[str, Any]) -> list[str]:
    count = facts.get("groups_without_target")
    if not count:
        return []
    return [f"{counted(count, 'class')} without a sample in the target: all of it is what they match"]


def _too_short(facts: Mapping[str, Any]) -> list[str]:
    count = facts.get("too_short")
    return [f"{counted(count, 'text')} too short to be judged left out"] if count else []


def _range(value: Any) -> tuple[float | None, float, float]:
    """Return the least, mean and most of a fact; None, 0, 0 where there is none."""
    if isinstance(value, Mapping):
        return value["least"], value["mean"], value["most"]
    return (None, 0.0, 0.0) if value is None else (value, value, value)


def percent(share: float) -> str:
    """Write a share in per cent; one that is nearly all is not rounded to all."""
    text = f"{100 * share:.3g}"
    return f"{100 * share:.4f}" if text == "100" and share < 1 else text
