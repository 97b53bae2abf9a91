"""What `prune select` prints: how many of each class are kept, where, what to type next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune.commands.select_facts import percent, sentences, tied
from prune.core.safe_text import counted, duration, number
from prune.core.store_option import in_store


def summary(result: dict[str, Any], store: Path, form: str) -> list[str]:
    """Return the lines to print; `form` is the format that an export takes where nobody names one."""
    from prune.store.default_place import store_path

    k, n = result["k"], result["usable"]
    took = duration(result["seconds"]["select"]["total"])
    beside = result["report"].get("given")
    given = f", beside {number(beside)} given" if beside else ""
    lines = [
        f"{result['name']}: {number(k)} of {number(n)} samples kept ({100 * k / n:.3g} %){given}, in {took}"
    ]
    lines += _churn(result.get("churn"))
    lines += _narrowed(result)
    lines += _left_out(result["drop_hardest"])
    if by := result.get("by"):
        lines += _groups(by)
    else:
        lines += _classes(result["report"].get("classes"), result["classes"])
    lines += sentences(result["facts"], k)
    return [
        *lines,
        f"in {store_path(store) / 'selections' / result['name']}",
        f"next: {in_store(f'prune export --format {form}', str(store))}",
    ]


def _churn(churn: dict[str, Any] | None) -> list[str]:
    """What became of the selection that this one goes on from."""
    if churn is None:
        return []
    gone = f"; {number(churn['gone'])} are not in the dataset any more" if churn["gone"] else ""
    return [
        f"of the {number(churn['k'])} that {churn['given']} kept: {number(churn['kept'])} kept, "
        f"{number(churn['evicted'])} evicted{gone}; {number(churn['added'])} added"
    ]


def _classes(found: dict[str, Any] | None, names: list[str]) -> list[str]:
    """How much the classes keep: one share if it is one for all, else the least and the most."""
    if not found:
        return []
    least, most = found["least_kept"], found["most_kept"]
    low, high = percent(least["fraction"]), percent(most["fraction"])
    if low == high:
        about = "" if least["fraction"] == most["fraction"] else "about "
        who = "every class" if found["present"] > 1 else repr(names[least["class"]])
        return [f"{who} keeps {about}{low} %"]
    lost = f"; {counted(found['lost'], 'class')} lost" if found["lost"] else ""
    ends = f"from {low} % ({names[least['class']]!r}) to {high} % ({names[most['class']]!r})"
    return [f"classes keep {ends}{lost}"]


def _groups(by: dict[str, Any]) -> list[str]:
    """How much the groups of a column keep, and how many samples are of none."""
    what = f"{counted(by['groups'], 'group')} of {','.join(by['columns'])}"
    least, most = (_share(by[end]) for end in ("least_kept", "most_kept"))
    ends = f"keep {least[0]} % each" if least[0] == most[0] else f"keep from {least[1]} to {most[1]}"
    lines = [f"{what} {ends if by['groups'] > 1 else f'keeps {least[0]} %'}"]
    if count := by["without_value"]:
        lines.append(f"{counted(count, 'sample')} without a value: {'a group' if count else ''} of their own")
    return lines


def _share(one: dict[str, Any]) -> tuple[str, str]:
    share = percent(one["kept"] / one["of"])
    return share, f"{share} % ({one['group']!r})"


def _narrowed(result: dict[str, Any]) -> list[str]:
    """What the samples were chosen within, and how many were left out as leaks and suspects."""
    lines = []
    if within := result.get("within"):
        held = counted(within["k"], "sample")
        lines.append(
            f"chosen within {within['name']}, which keeps {held}; the fraction is one of all samples"
        )
    if where := result.get("where"):
        lacking = f", {number(where['unknown'])} of them without a value" if where["unknown"] else ""
        gone = where["not_met"] + where["unknown"]
        lines.append(f"left out by --where: {counted(gone, 'sample')}{lacking}; the fraction is one of all")
    for leaks in result.get("leaks", ()):
        kinds = ", ".join(f"{number(count)} {kind}" for kind, count in leaks["kinds"].items())
        what = f"{counted(leaks['samples'], 'sample')} of {leaks['source']}"
        lines.append(f"left out as leaks: {what}" + (f" ({kinds})" if kinds else ""))
    if copies := result.get("copies"):
        lines.append(f"left out as copies: {counted(copies['samples'], 'sample')}; {copies['rule']}")
    if suspects := result.get("suspects"):
        rule = f"; {suspects['rule']}" if "rule" in suspects else ", as listed"
        lines.append(f"left out as suspects: {counted(suspects['samples'], 'sample')}{rule}")
    return lines


def _left_out(cut: dict[str, Any] | None) -> list[str]:
    """How many of the hardest were left out, and how they were found."""
    if cut is None:
        return []
    share = f"{number(cut['samples'])} of {number(cut['of'])} ({100 * cut['share']:.3g} %)"
    line = f"left out as hardest by {cut['by']}: {share}; {cut['rule']}"
    return [f"{line}; {tied(cut['tied_at_cut'])}" if cut.get("tied_at_cut") else line]
