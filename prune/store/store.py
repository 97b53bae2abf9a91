"""A folder that holds what is known about a dataset; `store.json` says which facts are finished."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prune import files
from prune.errors import MissingColumnError, StoreError
from prune.store.column import Column, ColumnWriter
from prune.store.layout import (
    COLUMN,
    COLUMNS,
    DATASETS,
    FORMAT,
    LOCATION,
    LOCK,
    PART_ROWS,
    REJECTS,
    SCANS,
    SELECTIONS,
    STATE,
    TIMINGS,
    identity,
)
from prune.store.samples import Dataset, read_dataset, write_dataset


class Store:
    """What is known about one dataset.

    Readers need no lock and see finished facts only. A writer holds `store.writing()` and ends with
    `publish`, one rename that makes all it computed visible at once.
    """

    def __init__(self, path: str | Path = ".prune") -> None:
        self.path = Path(path)

    # -- state ---------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is a store here."""
        return (self.path / STATE).exists()

    @property
    def state(self) -> dict[str, Any]:
        """What is published: dataset, columns, selections, the latest selection.

        Raises
        ------
        StoreError
            There is no store, it is damaged, or a newer version wrote it.
        """
        path = self.path / STATE
        try:
            state: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            hint = "prune score --type el2n DATA   # or: prune embed DATA"
            raise StoreError(f"there is no store at {self.path}", hint) from error
        except ValueError as error:
            raise StoreError(
                f"{path} is damaged", "move the store away and run the commands again"
            ) from error
        if state.get("format", 0) > FORMAT:
            newer = f"{self.path} has format {state['format']}, this prune reads up to {FORMAT}"
            raise StoreError(newer, "pip install --upgrade dataset-prune")
        return state

    def publish(self, **changes: Any) -> None:
        """Make what was computed visible, in one rename.

        `columns` and `selections` are merged by name; `dataset`, when it changes, hides everything else.
        """
        state = self.state if self.exists() else {"format": FORMAT, "columns": {}, "selections": {}}
        if changes.get("dataset", state.get("dataset")) != state.get("dataset"):
            state = {"format": FORMAT, "columns": {}, "selections": {}}
        for name in ("columns", "selections"):
            changes[name] = state[name] | changes.get(name, {})
        new = state | changes
        if not self.exists() or new != state:
            files.write_json(self.path / STATE, new)

    @contextlib.contextmanager
    def writing(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the store for writing. The kernel frees it when the process ends, however it ends.

        Raises
        ------
        StoreError
            Another process writes (and `wait` is false), or the folder is not a store and not empty.
        """
        self._prepare()
        with files.writing(self.path):
            fd = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            self._lock(fd, wait)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
            files.sweep(self.path)
            yield
        finally:
            os.close(fd)

    def _prepare(self) -> None:
        if self.path.exists() and not self.exists():
            if not self.path.is_dir():
                raise StoreError(f"{self.path} is a file, not a store", "choose another place with --store")
            known = {LOCK, LOCATION, DATASETS, COLUMNS, SELECTIONS, SCANS, REJECTS, TIMINGS}
            foreign = [p.name for p in self.path.iterdir() if p.name not in known and ".prune-" not in p.name]
            if foreign:
                raise StoreError(
                    f"{self.path} is not a prune store and not empty (it holds {foreign[0]!r})",
                    "choose another place with --store",
                )
        elif self.exists():
            _ = self.state
        files.make_folder(self.path)

    def _lock(self, fd: int, wait: bool) -> None:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if not wait:
                    holder = os.pread(fd, 256, 0).decode(errors="replace").split()
                    who = f"pid {holder[1]} on {holder[0]}" if len(holder) == 2 else "another process"
                    raise StoreError(
                        f"{self.path} is in use by {who}", "wait for it, or add --wait"
                    ) from error
                time.sleep(0.2)
            except OSError:
                return  # no locks on this file system: two runs waste work but never mix

    @property
    def timings(self) -> dict[str, dict[str, float]]:
        """Seconds of each stage of the last run of each verb that had something to do."""
        path = self.path / TIMINGS
        timings: dict[str, dict[str, float]] = files.read_json(path) if path.exists() else {}
        return timings

    def remember_timings(self, verb: str, seconds: Mapping[str, float]) -> None:
        """Keep how long a verb took; not a part of what must be equal between runs."""
        files.write_json(self.path / TIMINGS, {**self.timings, verb: dict(seconds)})

    # -- dataset -------------------------------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset:
        """The samples that everything here is about."""
        name = self.state.get("dataset")
        if name is None:
            raise StoreError(f"{self.path} knows no dataset yet", "prune score --type el2n DATA")
        return read_dataset(self.path / DATASETS / name[:16])

    def write_dataset(self, dataset: Dataset) -> str:
        """Keep a dataset; return its fingerprint, for `publish(dataset=…)`."""
        fingerprint = dataset.fingerprint
        folder = self.path / DATASETS / fingerprint[:16]
        write_dataset(folder, dataset)
        return fingerprint

    # -- columns -------------------------------------------------------------------------------------------

    @property
    def columns(self) -> list[str]:
        """Names of the finished columns."""
        return sorted(self.state["columns"])

    def column(self, name: str) -> Column:
        """Return a finished column.

        Raises
        ------
        MissingColumnError
            No command has finished it.
        """
        column = self.state["columns"].get(name)
        if column is None:
            has = f"it has: {', '.join(self.columns)}" if self.columns else "it has none"
            started = " is not finished" if (self.path / COLUMNS / name).exists() else ""
            what = f"column {name!r}{started}" if started else f"there is no column {name!r}"
            raise MissingColumnError(f"{what} in {self.path} ({has})", writer_of(name))
        return self.open_column(name, column)

    def open_column(self, name: str, identity_: str) -> Column:
        """Return a column that is complete, whether published or not."""
        return Column(name, self.path / COLUMNS / name / identity_)

    def write_column(
        self, name: str, recipe: Mapping[str, Any], *, rows: int, part_rows: int = PART_ROWS
    ) -> ColumnWriter:
        """Begin a column, or go on with it: the same recipe finds the parts that are there."""
        folder = self.path / COLUMNS / name / identity(recipe)
        return ColumnWriter(name, folder, recipe, rows, part_rows)

    def finished(self, name: str, recipe: Mapping[str, Any]) -> bool:
        """Whether a column of this recipe is complete, published or not."""
        return (self.path / COLUMNS / name / identity(recipe) / COLUMN).exists()


def writer_of(column: str) -> str:
    """Return the command that writes a column."""
    kind, _, name = column.partition(".")
    if kind == "embedding" and name != "proxy":
        return f"prune embed --encoder {name} DATA   # writes {column}"
    if kind == "score":
        return f"prune score --type {name} DATA   # writes {column}"
    return f"prune score --type el2n DATA   # writes {column}"
