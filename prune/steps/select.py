"""Select: choose rows by what the store has, and publish them as a selection."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prune import selecting
from prune.progress import Clock
from prune.request import Request
from prune.settings import Settings
from prune.store import Store, noted, read_selection, settle_selection, write_selection
from prune.store.layout import SELECTIONS


def select(
    store: Store,
    name: str,
    wanted: Request,
    *,
    dry_run: bool,
    command: str,
    settings: Settings,
    clock: Clock,
) -> dict[str, Any]:
    """Choose, write and publish; `command` is what made the selection, in words."""
    store.require()
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        ready = selecting.prepare(store, wanted, settings)
        if dry_run:
            return {"name": name, "plan": ready.forecast and asdict(ready.forecast)}
        with noted(store.path, "select", command):
            table, about = selecting.run(ready)
            seconds = clock.stop()
            about["seconds"] = {**store.timings, "select": seconds}
            digest = write_selection(store, name, table, about)
            store.publish(selections={name: digest}, latest=name)
            settle_selection(store, name)
            read_selection(store, name)  # where locks do nothing, another command may have been there
            store.remember_timings("select", seconds, command, [f"{SELECTIONS}/{name}"])
    return {"name": name, **about}
