"""`prune why`: why samples were kept or dropped, in words."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_ENDS = {  # what a high value means, and then which end is which
    "hard": "high is hard",
    "easy": "low is hard",
    "typical": "high is typical",
    "atypical": "high is atypical",
    "redundant": "high is redundant",
    "uncertain": "high is uncertain",
    "contrastive": "high is contrastive",
    "long": "high is long",
    "matching": "high is matching",
}


def why(
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY...", help="Of samples.", show_default=False, rich_help_panel=o.READ),
    ] = None,
    selection: Annotated[
        str | None, o.option("NAME", "Which selection; default: the latest.", o.READ, complete=c.selections)
    ] = None,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say why samples were kept or dropped: scores, rank, the rule that decided, the nearest kept one."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.why(store, keys or [], selection=selection, settings=settings)
    lines = [line for one in result["samples"] for line in _about(one, result)]
    finish(result, lines, as_json=json, quiet=quiet)


def _about(one: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Return a line of what became of a sample, and indented ones of what is known of it."""
    texts = result["texts"]
    known = [
        *_text(one["key"], texts),
        *([f"in {one['place']}"] if one["place"] != one["key"] else []),
        one["why"],
        *_rank(one, result["k"]),
        *_class(one),
        *(_score(name, found) for name, found in one["scores"].items()),
        *_duplicates(one, texts),
        *_nearest(one, texts),
    ]
    return [f"{one['key']}: {one['verdict']} by {result['selection']}", *(f"  {line}" for line in known)]


def _rank(one: dict[str, Any], k: int) -> list[str]:
    from prune.core.safe_text import number

    if one["rank"] is None:
        return []
    found = [f"number {number(one['rank'] + 1)} of {number(k)} taken, with a gain of {one['gain']:.4g}"]
    return [f"{found[0]} and a weight of {one['weight']:.4g}"]


def _class(one: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import number

    cluster = [] if one["cluster"] is None else [f"cluster {one['cluster']}"]
    if one["class"] is None:
        return ["no label", *cluster]
    kept, of = number(one["class"]["kept"]), number(one["class"]["of"])
    return [f"class {one['label']}: {kept} of {of} kept", *cluster]


def _score(name: str, found: dict[str, Any]) -> str:
    if found["value"] is None:
        return f"{name}: none"
    ends = "; ".join(_ENDS.get(word, word) for word in found["high"].split(" and ")) or "nobody said of what"
    doubted = "; the label is in doubt" if found["suspect"] else ""
    return f"{name} {found['value']:.4g}: above {found['percentile']:.3g} % of samples ({ends}){doubted}"


def _text(key: str, texts: dict[str, str], *, unlike: str | None = None) -> list[str]:
    """Return how the text of a sample begins, where it is one, and another than that of a second sample."""
    if key not in texts or (unlike is not None and texts.get(unlike) == texts[key]):
        return []
    return [f"text: {texts[key]}" if unlike is None else f"  text: {texts[key]}"]


def _duplicates(one: dict[str, Any], texts: dict[str, str]) -> list[str]:
    from prune.core.safe_text import counted

    original = one["duplicate_of"]
    lines = [] if original is None or original in one["why"] else [f"the same bytes as {original}"]
    if count := one["copies"]["count"]:
        named = ", ".join([*one["copies"]["keys"], *(["…"] if count > len(one["copies"]["keys"]) else [])])
        lines.append(f"{counted(count, 'sample')} that it stands for: {named}")
    for key in [*([original] if original else []), *one["copies"]["keys"]]:
        lines += [f"  {key}: {line.strip()}" for line in _text(key, texts, unlike=one["key"])]
    return lines


def _nearest(one: dict[str, Any], texts: dict[str, str]) -> list[str]:
    near = one["nearest_kept"]
    if near is None:
        return []
    label = "" if near["label"] is None else f" ({near['label']})"
    far = (
        f"{near['distance']:.4g} away" if near["metric"] == "euclidean" else f"1 − cos {near['distance']:.4g}"
    )
    other = "nearest other kept" if one["verdict"] == "kept" else "nearest kept"
    line = f"{other}: {near['key']}{label}, {far} in {near['in']}"
    return [line, *_text(near["key"], texts, unlike=one["key"])]
