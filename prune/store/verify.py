"""Every file of a store against its checksum, and what is published against what is there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.core.findings import Findings, Kind, why
from prune.core.store_option import in_store
from prune.store.check_column import check_column, digest_in
from prune.store.check_selections import check_selections
from prune.store.current_writer import current_writer
from prune.store.folder import StoreFolder
from prune.store.hints import makes
from prune.store.layout import (
    ASIDE,
    COLUMNS,
    DATASET,
    DATASETS,
    KNOWN,
    LOCATION,
    PLAN,
    SCANS,
    STATE,
    TARGETS,
    TIMINGS,
    removal,
)
from prune.store.samples import read_dataset
from prune.store.state import is_begun
from prune.store.unfinished import begun
from prune.system import files
from prune.system.checksummed_json import sealed

Command = Callable[[str], str]  # column, `selections/NAME` or DATASETS -> what makes it again

_STATE_FIELDS = {"format", "dataset", "columns", "selections", "latest", "chosen", "earlier"}
_DESCRIBED = {"format", "split", "classes", "sources", "n", "samples"}
# Where shards or samples were left out, samples are no images, or they are rows of an array.
_MAYBE = {"skipped", "modality", "holdout", "layout"}
_NOTES = {
    LOCATION: {"data", "relative", "reading"},
    TIMINGS: {"embed", "score", "select", "evaluate", "costs", "commands"},
    PLAN: {"samples", "steps", "taken"},
}


def check_store(store: StoreFolder, found: Findings, command: Command, *, inner: bool = False) -> None:
    """Look at every file of a store; what is wrong goes to `found`.

    Parameters
    ----------
    command
        Says what to type for a column, for `selections/NAME`, and for the sample table.
    inner
        It lies in another store, as a target: it does not know where its dataset is.

    Raises
    ------
    StoreError
        A newer version wrote it.
    """
    state = _checked_state(store, found, command)
    _check_top(store, found, command, needs_place=bool(state.get("dataset")) and not inner)
    _check_datasets(store, state, found, command)
    _check_columns(store, state.get("columns", {}), found, command)
    check_selections(store, state, found, command)
    for path in _below(store.path / SCANS, 2, found):
        _check_named(path, found, f"{removal(path)}   # it is made again when it is needed")
    for path in _below(store.path / TARGETS, 1, found):
        again = command(f"{TARGETS}/{path.name}")
        with found.past_denied():
            if (path / STATE).exists():
                check_store(StoreFolder(path), found, functools.partial(_whatever, again), inner=True)
            else:
                found.add("note", str(path), "is not finished; this goes on with it", again)


def _whatever(again: str, what: str) -> str:  # noqa: ARG001 - the same for every part of a target
    return again


def _checked_state(store: StoreFolder, found: Findings, command: Command) -> dict[str, Any]:
    path = store.path / STATE
    found.files += 1
    try:
        state = store.state
        if not set(state) <= _STATE_FIELDS or not _is_as_written(path, state):
            found.add("damaged", str(path), "is damaged", removal(path))
        return state
    except PermissionError as error:
        found.add("damaged", str(path), why(error))
        return {}
    except StoreError as error:
        if path.exists() and "format" in str(error):
            raise
        if is_begun(store.path, store.commands):
            _add_begun(store, found, error.hint)
            return {}
        kind: Kind = "damaged" if path.exists() else "missing"
        if path.exists():
            found.add(kind, str(path), "is damaged", removal(path))
        for again in _all_commands(store, command):
            found.add(kind, str(path), f"is {kind}: this shows again what is there", again)
        return {}


def _add_begun(store: StoreFolder, found: Findings, again: str) -> None:
    """Say of a store that shows nothing yet which commands go on with it."""
    writer, path = current_writer(store.path), str(store.path / STATE)
    if writer is not None:
        found.add("missing", path, f"is not there yet: {writer} is at work", again)
        return
    for verb, words in sorted(begun(store.path).items()):
        told = f"is not there yet: prune {verb} did not end, and the same command goes on"
        found.add("missing", path, told, in_store(words, str(store.path)))
    if not begun(store.path):
        found.add("missing", path, "is not there yet: nothing was finished", again.partition("   #")[0])


def _all_commands(store: StoreFolder, command: Command) -> list[str]:
    """Return every command that the store remembers, in the order of the verbs."""
    verbs = ["embed", "score", "select", "evaluate"]
    made = sorted(store.commands.items(), key=lambda item: (verbs.index(item[1].split(" ")[1]), item[1]))
    known = [command(what) for what, _ in made]
    known += [in_store(words, str(store.path)) for words in begun(store.path).values()]
    return list(dict.fromkeys(known)) or [command(DATASETS)]


def _check_top(store: StoreFolder, found: Findings, command: Command, *, needs_place: bool) -> None:
    for path in sorted(store.path.iterdir()):
        if path.name == ASIDE:
            found.add("note", str(path), "holds what stood in the place of files of prune's")
        elif path.name not in KNOWN:
            found.strange(path)
    for name, fields in _NOTES.items():
        path = store.path / name
        again = f"{command(DATASETS)} DATA" if name == LOCATION else removal(path)
        if path.exists():
            found.read(path, functools.partial(_read_notes, path, fields), again)
        elif name == LOCATION and needs_place:
            found.add("missing", str(path), "is missing", again)


def _read_notes(path: Path, fields: Collection[str]) -> None:
    """Read a file of notes, which holds nothing but what is written there."""
    record = files.read_record(path)
    if not (set(record) <= set(fields) and _is_as_written(path, record)):
        raise ValueError(f"{path} is not what was written")


def _is_as_written(path: Path, record: dict[str, Any]) -> bool:
    """Whether a sealed file has every byte of its record: two texts may be one number, and fit the seal."""
    data = path.read_bytes()
    return b'"seal"' not in data or data == files.json_bytes(sealed(record))


def _check_datasets(store: StoreFolder, state: dict[str, Any], found: Findings, command: Command) -> None:
    published: str = state.get("dataset", "")
    folders = _below(store.path / DATASETS, 1, found)
    shown = store.path / DATASETS / published[:16]
    with found.past_denied():
        if published and not shown.exists():
            found.add("missing", str(shown), "is missing", command(DATASETS))
    for folder in folders:
        with found.past_denied("damaged" if folder == shown else "note"):
            if folder == shown:
                _check_dataset(folder, published, found, command(DATASETS))
                continue
            for path in sorted(folder.iterdir()):
                if path.name != DATASET:
                    _check_named(path, found, "", current=False)


def _check_dataset(folder: Path, fingerprint: str, found: Findings, again: str) -> None:
    """Check what describes the sample table, and the table, against each other and against their names."""
    path = folder / DATASET

    def table_named() -> str:
        described = files.read_record(path)
        samples = folder / described["samples"]
        if not samples.exists() and any(folder.glob("samples-*")):
            raise ValueError("it names another table than there is")
        if found.check(samples, digest_in(samples.name), again) and (
            described.keys() - _MAYBE != _DESCRIBED
            or described["n"] != len(read_dataset(folder, fingerprint))
        ):
            raise ValueError("it says something else of the table")
        return samples.name

    table = found.read(path, table_named, again)
    for other in sorted(folder.iterdir()):
        if other.name not in {DATASET, table} and (table or not digest_in(other.name)):
            found.strange(other)


def _check_columns(store: StoreFolder, published: dict[str, str], found: Findings, command: Command) -> None:
    for name, identity in sorted(published.items()):
        folder = store.path / COLUMNS / name / identity
        with found.past_denied():
            if not folder.is_dir():
                found.add("missing", str(folder), "is missing", command(name))
    for folder in _below(store.path / COLUMNS, 2, found):
        name = folder.parent.name
        current = published.get(name) == folder.name
        going = next((words for words in begun(store.path).values() if makes(words, name)), "")
        again = command(name) if current else in_store(going, str(store.path))
        with found.past_denied("damaged" if current else "note"):
            if not folder.is_dir():
                found.strange(folder)
                continue
            check_column(name, folder, found, again, current=current)


def _check_named(path: Path, found: Findings, again: str, *, current: bool = True) -> None:
    """Check a file that has its checksum in its name."""
    digest = digest_in(path.name)
    if digest:
        found.check(path, digest, again, noted=not current)
    else:
        found.strange(path)


def _below(folder: Path, levels: int, found: Findings) -> list[Path]:
    """Return what lies so many levels below a folder, in order."""
    inner: list[Path] = []
    with found.past_denied():
        inner = sorted(folder.iterdir()) if folder.is_dir() else []
    return inner if levels == 1 else [path for one in inner for path in _below(one, levels - 1, found)]
