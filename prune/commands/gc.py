"""`prune gc`: what nothing shows any more is removed."""

from __future__ import annotations

from typing import Annotated, Any

from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_SHOWN = 20  # pieces that are listed on the terminal; --json has all


def gc(
    dry_run: Annotated[
        bool, o.option(None, "Say what would be removed, and stop.", o.RUN, "--dry-run")
    ] = False,
    unfinished: Annotated[
        bool,
        o.option(
            None,
            "Also remove what a command began and did not end; it then starts anew.",
            o.HOW,
            "--unfinished",
        ),
    ] = False,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Remove from a store what nothing shows any more; what it shows, and what is not finished, stays."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.gc(store, unfinished=unfinished, dry_run=dry_run, settings=settings)
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, size
    from prune.core.store_option import in_store

    verb = "would be removed" if result["dry_run"] else "removed"
    lines = _listed(result["removed"], verb)
    lines += _listed(result["kept"], "kept")
    freed = f"{size(result['bytes'])} in {counted(len(result['removed']), 'piece')} {verb}"
    lines.append(freed if result["removed"] else f"nothing to remove in {result['store']}")
    if result["running"]:
        lines.append(f"{result['running']['what']} is at work, and what it writes stays")
    elif result["begun"] or any("finish" in piece["why"] for piece in result["kept"]):
        lines += [
            f"unfinished: prune {verb} goes on with what is kept   # {in_store(command, result['store'])}"
            for verb, command in result["begun"].items()
        ] or ["the command that was interrupted goes on with what is kept"]
        lines.append(f"to remove it: {in_store('prune gc --unfinished', result['store'])}")
    return lines


def _listed(pieces: list[dict[str, Any]], verb: str) -> list[str]:
    from prune.core.safe_text import size

    lines = [f"{verb}: {one['path']}, {size(one['bytes'])}: {one['why']}" for one in pieces[:_SHOWN]]
    more = len(pieces) - _SHOWN
    return [*lines, f"… and {more} more, see --json"] if more > 0 else lines
