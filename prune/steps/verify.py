"""Verification of a store or an export: every file as it was written, and its dataset once more."""

from __future__ import annotations

import contextlib
import shlex
import time
from pathlib import Path
from typing import Any

from prune.core.errors import DataError, OptionError, StoreError
from prune.core.findings import Findings
from prune.core.object_names import address, as_addresses
from prune.core.store_option import in_store
from prune.exporters.place import is_described
from prune.exporters.verify import check_export, export_command, selection_of
from prune.steps.dataset_session import reopened
from prune.steps.keywords import named
from prune.steps.recovery import commands_of
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store, read_selection
from prune.store.layout import DATASETS, STATE
from prune.store.state import is_store
from prune.store.verify import check_store
from prune.system import contents, locks

_UNREADABLE = 3  # exit code where all is whole, but the dataset cannot be read
_NOT_WHOLE = 4
_NAME = "prune verify PATH   # a store, or an export"


@named
def verify(
    store: Store | str | Path = ".prune",
    place: str | Path | None = None,
    *,
    source: bool = True,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Check every file of a store or an export against its checksum, and the dataset against both.

    Nothing is written, and nothing but reading is needed. Memory: what the sample table and the list of an
    export's files take.

    Parameters
    ----------
    store
        The store to check; of an export, the store that it was made from, if it is at hand.
    place
        Another store, or an export, to check instead.
    source
        Also read the whole dataset again, and compare it with what was scanned.

    Returns
    -------
    dict
        place, kind (store or export), whole, source (whether the dataset was compared), files, bytes, counts
        of each kind of finding, the first thousand findings of each kind, and exit_code: 0 whole, 4 damaged,
        missing, stale or strange, 3 the dataset cannot be read.

    Raises
    ------
    StoreError
        There is neither a store nor an export, a newer version wrote it, or a command was at work on it.
    """
    held = store if isinstance(store, Store) else Store(store)
    where = held.path if place is None else _place(place)
    began = time.perf_counter()
    with settings.reporter.stage("verify", 0, "files") as advance:
        read = _digest_and_size if contents.is_remote(where) else None
        findings = Findings(advance, as_addresses(str(where)), digest_of=read)
        if is_store(where):
            held, kind = Store(where), "store"
            before = _state(held)
            check_store(held, findings, commands_of(held))
            compare = source and findings.counts.get("damaged", 0) + findings.counts.get("missing", 0) == 0
        elif is_described(where):
            kind, before = "export", b""
            compare = _check_export(where, held, findings) and source
        else:
            raise _nothing(where, held)
    compared = compare and _compare(held, findings, settings)
    if kind == "store" and _state(held) != before:
        again = in_store("prune verify", str(where))
        raise StoreError(f"a command was at work on {where} meanwhile", f"{again}   # when it is done")
    code = 0 if findings.whole else _NOT_WHOLE
    return {
        "place": as_addresses(str(where)),
        "kind": kind,
        "source": compared,
        **findings.described(),
        "exit_code": code or (_UNREADABLE if findings.counts.get("unreadable") else 0),
        "seconds": time.perf_counter() - began,
    }


def _place(place: str | Path) -> Path:
    """Return a path; of an export in a bucket, the name that it has on this machine."""
    there = address(place)
    if there is None:
        return Path(place)
    from prune.system.object_stores.listing import is_unfinished, mirrored

    mirrored(f"{there.rstrip('/')}.prune/")  # what describes a class root from beside
    path = mirrored(there.rstrip("/"))
    if is_unfinished(path):
        raise StoreError(f"{there} is an export that is not finished", "run the same prune export again")
    return path


def _digest_and_size(path: Path) -> tuple[str, int]:
    return contents.sha256(path), path.stat().st_size


def _state(store: Store) -> bytes:
    path = store.path / STATE
    with contextlib.suppress(PermissionError):  # which the check finds
        return path.read_bytes() if path.is_file() else b""
    return b""


def _nothing(place: Path, store: Store) -> StoreError:
    partial = place.with_name(f".{place.name}.partial")
    if locks.is_held(partial):
        again = f"prune verify {shlex.quote(str(place))}   # when it is done"
        return StoreError(f"the export {place} is being written by another process", again)
    if partial.exists():
        return StoreError(f"the export {place} is not finished", "run the same prune export again")
    if place.suffix == ".prune" and is_described(place.with_suffix("")):
        export = place.with_suffix("")
        return StoreError(f"{place} only describes an export", f"prune verify {shlex.quote(str(export))}")
    if place == store.path:
        first = in_store("prune score --type el2n DATA", str(place))
        hint = f"{first}   # or name a store or an export: prune verify PATH"
        return StoreError(f"there is no store at {place}", hint)
    what = "is neither a store nor an export of prune" if place.exists() else "does not exist"
    return StoreError(f"{place} {what}", _NAME)


def _check_export(place: Path, store: Store, findings: Findings) -> bool:
    """Check an export; return whether its dataset is the one that the store knows, to be compared."""

    def again(command: str) -> str:
        return in_store(command, str(store.path)) if store.exists() else command

    export = check_export(place, findings, again)
    if export is None:
        return False
    try:
        ours = store.exists() and store.state.get("dataset") == export["dataset"]
    except StoreError:
        ours = False
    if not ours:
        known = (
            f"{store.path} is about another dataset"
            if store.exists()
            else f"there is no store at {store.path}"
        )
        findings.add("note", str(place), f"was looked at alone: {known}")
        return False
    about = selection_of(place, export)
    if about is None:
        return True
    try:
        now = read_selection(store, about.get("name")).about
    except StoreError:
        return True
    if "prefix_of" not in about and now["keys_sha256"] != about.get("keys_sha256"):
        why = f"is stale: the selection {now['name']!r} of {store.path} is another one now"
        findings.add("stale", str(place), why, again(export_command(place, export)))
    return True


def _compare(store: Store, findings: Findings, settings: Settings) -> bool:
    """Read the dataset again; return whether it could be compared."""
    again = commands_of(store)(DATASETS)
    try:
        reopened(store, settings, fresh=True)
    except StoreError as error:
        findings.add("stale", str(store.path), f"is {error}", f"{again} --refresh")
    except (DataError, OptionError) as error:
        findings.add("unreadable", str(store.path), f"cannot be compared: {error}", error.hint)
        return False
    return True
