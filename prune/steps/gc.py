"""Garbage collection: what a store holds and nothing shows is removed, since no cache may grow for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune.core.errors import DataError, OptionError, StoreError
from prune.readers.scan import scans_of
from prune.steps.dataset_session import reopened
from prune.steps.keywords import named
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store
from prune.store.current_writer import CurrentWriter, current_writer
from prune.store.layout import ASIDE, BEGUN, COLUMNS, SCANS
from prune.store.removal import left_in, remove_empty, retire
from prune.store.unfinished import begun
from prune.store.unused import Unused, broken_neighbours, size_of, unused
from prune.store.write_lock import tell_holder
from prune.system import files


@named
def gc(
    store: Store | str | Path = ".prune",
    *,
    unfinished: bool = False,
    dry_run: bool = False,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Remove what nothing shows any more: never what a verb would read, nor the work of a command that runs.

    What is removed is first moved out of sight as a whole, so that a kill at any time leaves a whole store.
    Kept neighbours that are damaged go too: whatever needs them finds them again.

    Parameters
    ----------
    unfinished
        Also remove what a command began and did not end: the same command then starts from nothing.
    dry_run
        Only say what would be removed.

    Returns
    -------
    dict
        store, removed and kept (each with path, why and bytes), bytes (of what is removed), begun (commands
        that go on with what is kept, by verb), running (another command that is at work), dry_run.

    Raises
    ------
    StoreError
        There is no store, or another command writes to it.
    """
    held = store if isinstance(store, Store) else Store(store)
    _ = held.state_or_nothing  # or there is no store
    writer = current_writer(held.path)
    if dry_run:
        gone, kept = _unshown(held, settings, unfinished=unfinished, writer=writer)
        return _described(held, gone, kept, writer=writer, dry_run=True)
    left = _left(held) if writer is None else []
    with held.writing(wait=settings.wait, say=settings.reporter.say):
        tell_holder(held.path, "gc")
        gone, kept = _unshown(held, settings, unfinished=unfinished)
        if broken := broken_neighbours(held):
            held.publish(without=broken)
        with settings.reporter.stage("removing", len(gone), "pieces") as advance:
            for piece in gone:
                retire(held.path, piece.path)
                advance(1)
        remove_empty(held.path / COLUMNS)
        if unfinished:
            files.remove(held.path / BEGUN)
    return _described(held, [*left, *gone], kept, writer=None, dry_run=False)


def _unshown(
    store: Store, settings: Settings, *, unfinished: bool, writer: CurrentWriter | None = None
) -> tuple[list[Unused], list[Unused]]:
    """Return what is to go, and what stays though nothing shows it: of another writer, whatever was asked."""
    broken = broken_neighbours(store) if writer is None else []
    pieces = [*unused(store, None if writer is None else str(writer), broken), *_old_scans(store, settings)]
    gone = [piece for piece in pieces if not piece.unfinished or (unfinished and writer is None)]
    kept = [piece for piece in pieces if piece not in gone]
    aside = store.path / ASIDE
    if aside.exists():
        kept.append(Unused(aside, "stood where files of prune's belong; it may be yours", size_of(aside)))
    return gone, kept


def _left(store: Store) -> list[Unused]:
    """Return what killed writers left: whoever holds the lock removes it first of all."""
    return [
        Unused(path, "was left by a command that was stopped", size_of(path)) for path in left_in(store.path)
    ]


def _old_scans(store: Store, settings: Settings) -> list[Unused]:
    """Return scans of files that are gone or have changed; nothing where the dataset is out of reach."""
    home = store.path / SCANS
    if not home.is_dir():
        return []
    if not store.exists():  # they save the scan of the command that did not end
        return [Unused(home, "belongs to what is not finished", size_of(home), unfinished=True)]
    try:
        known = scans_of(reopened(store, settings)[0], home)
    except (DataError, OptionError, StoreError) as error:
        settings.reporter.say(f"{error}; its scans are left as they are")
        return []
    scans = [path for path in sorted(home.rglob("*")) if path.is_file() and path not in known]
    going, why = bool(begun(store.path)), "a scan of a file that is gone or changed"
    return [Unused(path, why, size_of(path), unfinished=going) for path in scans]  # it may be of other data


def _described(
    store: Store, gone: list[Unused], kept: list[Unused], *, writer: CurrentWriter | None, dry_run: bool
) -> dict[str, Any]:
    def told(piece: Unused) -> dict[str, Any]:
        return {"path": str(piece.path), "why": piece.why, "bytes": piece.bytes}

    return {
        "store": str(store.path),
        "removed": [told(piece) for piece in gone],
        "kept": [told(piece) for piece in kept],
        "bytes": sum(piece.bytes for piece in gone),
        "kept_bytes": sum(piece.bytes for piece in kept),
        "begun": {} if writer is not None else begun(store.path),
        "running": None if writer is None else writer.described(),
        "dry_run": dry_run,
    }
