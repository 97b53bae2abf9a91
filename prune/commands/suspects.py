"""`prune suspects`: labels in doubt, to the terminal, a table or a folder of images."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.aligned import aligned
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_SHOWN = 20  # labels that are listed on the terminal; --json has all
_TEXT = 60  # characters of a text in a column


def suspects(
    by: Annotated[
        str | None,
        o.option(
            "RULE",
            "confident (learning), or a score whose two normals tell; default: the first there is.",
            o.HOW,
            complete=c.scores,
        ),
    ] = None,
    first: Annotated[
        int | None, o.option("N", "How many are listed; default: 20, and all with --json.", o.WRITE, min=0)
    ] = None,
    out: Annotated[
        Path | None,
        o.option("PLACE", "Write all: a .csv, .parquet or .jsonl file, or a folder of the images.", o.OUT),
    ] = None,
    overwrite: Annotated[
        bool, o.option(None, "Replace an earlier list at PLACE.", o.OUT, "--overwrite")
    ] = False,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """List labels that are in doubt, the most doubtful first, with what is likelier."""
    from prune import pipeline

    settings = run_settings(locals())
    shown = first if first is not None or json else _SHOWN
    result = pipeline.suspects(store, by=by, first=shown, out=out, overwrite=overwrite, settings=settings)
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, number
    from prune.core.store_option import in_store

    listed, found = result["list"], result["found"]
    on = {True: "held-out predictions", False: "predictions, not held out", None: "no predictions"}
    doubted = f"{counted(found, 'label')} in doubt of {number(result['n'])}"
    lines = [f"{doubted}, on {on[result['held_out']]}; {result['rule']}", *_table(listed)]
    if len(listed) < found:
        lines.append(f"… and {number(found - len(listed))} more: --first {found}")
    if "out" in result:
        where = shlex.quote(result["out"])
        lines.append(f"{'unchanged: ' if result['unchanged'] else ''}in {where}")
        if not found:
            return lines
        # random needs no embedding, which a store of labels in doubt need not have
        select = in_store("prune select --method random --fraction 0.3", result["store"])
        lines.append(f"next: take out what is right, then {select} --drop-suspects {where}")
    elif found:
        lines.append(f"next: {in_store('prune suspects --out suspects.csv', result['store'])}")
    return lines


def _table(listed: list[dict[str, Any]]) -> list[str]:
    """Return rows under a head, in columns as wide as their widest word."""
    from prune.core.safe_text import shortened

    if not listed:
        return []
    texts = ("text",) if "text" in listed[0] else ()
    rows: list[tuple[str, ...]] = [("rank", "key", "given", "likely", "confidence", "by", *texts)]
    for one in listed:
        sure = "" if one["confidence"] is None else f"{one['confidence']:.3f}"
        known = [str(one["rank"]), one["key"], one["given"], one["likely"] or "", sure, one["by"]]
        rows.append((*known, *(shortened(one[name] or "", _TEXT) for name in texts)))
    return aligned(rows)
