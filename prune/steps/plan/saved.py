"""The plan that a store keeps, and beside each step what it took in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from prune.core.errors import StoreError
from prune.store import Store, read_selection
from prune.store.layout import PLAN
from prune.system import files
from prune.system.checksummed_json import sealed
from prune.system.os_errors import writing

_KEPT = ("step", "verb", "seconds", "low", "high")


def save(store: Store, plan: Mapping[str, Any]) -> None:
    """Keep what a plan says of each step; an earlier plan goes."""
    steps = [{name: step[name] for name in _KEPT} for step in plan["steps"]]
    with writing(store.path):
        files.make_folder(store.path)
        files.write_json(store.path / PLAN, sealed({"samples": plan["samples"], "steps": steps}))


def note_taken(store: Store, step: str, result: dict[str, Any]) -> dict[str, Any]:
    """Keep beside a plan how long a step took that leaves nothing in the store; return its result."""
    saved = _read(store)
    if saved and not result["unchanged"]:
        taken = {**saved.get("taken", {}), step: result["seconds"]["total"]}
        with contextlib.suppress(OSError):  # a store that cannot be written to is exported from all the same
            files.write_json(store.path / PLAN, sealed({**saved, "taken": taken}))
    return result


def beside(store: Store) -> list[dict[str, Any]]:
    """Return every step of the plan with what it took, None where it did not run; nothing without a plan."""
    saved = _read(store)
    return [{**step, "took": _took(store, step, saved)} for step in saved.get("steps", [])]


def _took(store: Store, step: Mapping[str, Any], saved: Mapping[str, Any]) -> float | None:
    verb, name = step["verb"], step["step"]
    if verb == "scan":
        looks = [of["scan"] for of in store.timings.values() if "scan" in of]
        return max(looks, default=None)
    if verb in {"embed", "score"}:
        spent = store.timings.get(verb, {})
        return spent["total"] - spent.get("scan", 0.0) if "total" in spent else None
    if verb == "select":
        return _selecting(store, name.removeprefix("select."))
    found: float | None = saved.get("taken", {}).get(name)
    return found


def _selecting(store: Store, name: str) -> float | None:
    try:
        seconds: dict[str, float] = read_selection(store, name).about["seconds"]["select"]
    except (StoreError, ValueError, KeyError):
        return None
    return seconds["total"] - seconds.get("scan", 0.0)


def _read(store: Store) -> dict[str, Any]:
    try:
        found: dict[str, Any] = files.read_record(store.path / PLAN)
    except (OSError, ValueError):
        return {}
    return found
