"""A folder that holds what is known about a dataset; `store.json` says which facts are finished."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from prune.core.column_name import NEIGHBOURS, of_kinds
from prune.core.errors import MissingColumnError, StoreError
from prune.core.store_option import in_store
from prune.store.column import Column, ColumnWriter
from prune.store.column_json import known_recipe
from prune.store.default_place import store_path
from prune.store.earlier_state import EARLIER, EarlierState
from prune.store.hints import listed, to_make
from prune.store.layout import COLUMNS, DATASETS, KNOWN, PART_ROWS, STATE, TIMINGS, identity
from prune.store.samples import Dataset, is_whole, read_dataset, write_dataset
from prune.store.state import going_on, is_begun, nothing_shown, read_state
from prune.store.unfinished import begun, unfinished
from prune.store.write_lock import write_lock
from prune.system import files
from prune.system.checksummed_json import sealed
from prune.system.local_paths import require_local


class StoreFolder:
    """What is known about one dataset, as `Store` without its tables and arrays for people.

    Readers need no lock and see finished facts only. A writer holds `store.writing()` and ends with
    `publish`, one rename that makes all it computed visible at once.
    """

    def __init__(self, path: str | Path = ".prune") -> None:
        require_local(str(path))
        self.path = store_path(Path(path))
        self.made: set[str] = set()  # columns that were finished through this object

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
            There is no store, its first command did not end, it is damaged, or a newer version wrote it.
        """
        return read_state(self.path, self.commands)

    @property
    def state_or_nothing(self) -> dict[str, Any]:
        """What is published: nothing where a first command was begun and did not end.

        Raises
        ------
        StoreError
            As of `state`, where nothing was begun either.
        """
        return nothing_shown() if is_begun(self.path, self.commands) else self.state

    def require(self) -> None:
        """Raise `StoreError` where there is no store: a verb that only goes on must not make an empty one."""
        _ = self.state

    def publish(self, *, without: Collection[str] = (), grown: bool = False, **changes: Any) -> None:
        """Make what was computed visible, in one rename.

        `columns` and `selections` are merged by name, and columns in `without` are no longer shown, nor the
        neighbours in an embedding that is made again; `dataset`, when it changes, hides everything else.

        Parameters
        ----------
        grown
            The dataset that changes is the same one in a later state: what was shown of it stays at hand, to
            be carried over; see `EarlierState`.
        """
        state = self.state if self.exists() else nothing_shown()
        earlier = EarlierState.of(state)
        if changes.get("dataset", state.get("dataset")) != state.get("dataset"):
            earlier = EarlierState.after(state) if grown else EarlierState({}, {})
            state = nothing_shown()
        for name in ("columns", "selections"):
            changes[name] = state[name] | changes.get(name, {})
        shown = {name: id_ for name, id_ in changes["columns"].items() if name not in without}
        for name in _of_another_embedding(state["columns"], shown):
            shown.pop(name, None)
        earlier = earlier.without(shown, changes["selections"])
        kept = {name: value for name, value in state.items() if name != EARLIER}
        new = kept | changes | {"columns": shown} | earlier.described
        if not self.exists() or new != state:
            files.write_json(self.path / STATE, sealed(new))

    @contextlib.contextmanager
    def writing(self, *, wait: bool = False, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Hold the store for writing. The kernel frees it when the process ends, however it ends.

        Parameters
        ----------
        wait
            For another process that writes, instead of failing; `say` is told about it.

        Raises
        ------
        StoreError
            Another process writes (and `wait` is false), the folder is not a store and not empty, or a file
            of the store vanished.
        """
        with write_lock(self.path, self._prepare, say if wait else None):
            yield

    def _prepare(self) -> None:
        if self.path.exists() and not self.exists():
            if not self.path.is_dir():
                raise StoreError(f"{self.path} is a file, not a store", "choose another place with --store")
            foreign = [p.name for p in self.path.iterdir() if p.name not in KNOWN and ".prune-" not in p.name]
            if foreign:
                raise StoreError(
                    f"{self.path} is not a prune store and not empty (it holds {foreign[0]!r})",
                    "choose another place with --store",
                )
        elif self.exists():
            _ = self.state
        self._refuse_links()
        files.make_folder(self.path)

    def _refuse_links(self) -> None:
        for folder, names, _ in os.walk(self.path):
            for name in names:
                if os.path.islink(f"{folder}/{name}"):  # noqa: PTH114 - as walked
                    linked = f"{folder}/{name} is a symbolic link, and nothing is written through one"
                    raise StoreError(linked, "put the folder itself in its place")

    @property
    def timings(self) -> dict[str, dict[str, float]]:
        """Seconds of each stage of the last run of each verb that had something to do."""
        found = {verb: of for verb, of in self._clocked.items() if verb not in {_COSTS, _COMMANDS}}
        return {verb: seconds for verb, seconds in found.items() if isinstance(seconds, dict)}

    @property
    def costs(self) -> dict[str, float]:
        """Seconds that it took to make a column, by identity, over all commands that worked on it."""
        costs: Any = self._clocked.get(_COSTS, {})
        known = costs.items() if isinstance(costs, dict) else ()
        return {of: float(seconds) for of, seconds in known if isinstance(seconds, int | float)}

    @property
    def commands(self) -> dict[str, str]:
        """What was typed to make a column, or `selections/NAME`: to be typed again where that is damaged."""
        commands: Any = self._clocked.get(_COMMANDS, {})
        known = commands.items() if isinstance(commands, dict) else ()
        return {what: words for what, words in known if str(words).startswith("prune ")}

    def remember_timings(
        self,
        verb: str,
        seconds: Mapping[str, float],
        command: str,
        made: Collection[str],
        *,
        idle: bool = False,
    ) -> None:
        """Keep how long a verb took, and what made what; not a part of what must be equal between runs.

        Where it was `idle`, what it took when it last had something to do stays.
        """
        commands = {**self.commands, **dict.fromkeys(made, command)}
        took = {} if idle and verb in self.timings else {verb: dict(seconds)}
        self._remember({**took, _COMMANDS: commands})

    def add_cost(self, identity_: str, seconds: float) -> None:
        """Keep that a column took so much longer to make; as `timings`, a fact of the machine."""
        costs = self.costs
        costs[identity_] = costs.get(identity_, 0.0) + seconds
        self._remember({_COSTS: costs})

    def _remember(self, facts: Mapping[str, Any]) -> None:
        files.write_json(self.path / TIMINGS, sealed({**self._clocked, **facts}))

    @property
    def _clocked(self) -> dict[str, Any]:
        try:
            return files.read_record(self.path / TIMINGS)
        except (OSError, ValueError):
            return {}

    # -- dataset -------------------------------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset:
        """The samples that everything here is about."""
        name = self.state.get("dataset")
        if name is None:
            again = going_on(self.path) or in_store("prune score --type el2n DATA", str(self.path))
            raise StoreError(f"{self.path} knows no dataset yet", again)
        return read_dataset(self.path / DATASETS / name[:16], name)

    def holds_dataset(self, fingerprint: str) -> bool:
        """Whether this dataset is here, published and whole."""
        try:
            shown = self.exists() and self.state.get("dataset") == fingerprint
        except StoreError:
            return False
        return shown and is_whole(self.path / DATASETS / fingerprint[:16], fingerprint)

    @property
    def earlier(self) -> EarlierState:
        """What is still held of the dataset as it was before; nothing where there is no store."""
        return EarlierState.of(self.state if self.exists() else {})

    def earlier_dataset(self, fingerprint: str) -> Dataset | None:
        """Return the dataset as it was, by its fingerprint; None where it is gone or damaged."""
        try:
            return read_dataset(self.path / DATASETS / fingerprint[:16], fingerprint)
        except StoreError:
            return None

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

    @property
    def columns_if_any(self) -> list[str]:
        """Names of the finished columns; none where there is no store yet."""
        return self.columns if self.exists() else []

    @property
    def unfinished(self) -> list[str]:
        """Names of the columns that a command began and did not end, but for those that it left so."""
        return sorted({column.name for column in unfinished(self.path, None)})

    def column(self, name: str) -> Column:
        """Return a finished column.

        Raises
        ------
        MissingColumnError
            No command has finished it.
        """
        columns = self.state["columns"]
        column = columns.get(name)
        if column is None:
            half = name in self.unfinished
            what = f"column {name!r} is not finished" if half else f"there is no column {name!r}"
            if not half and name in self.earlier.columns:
                what = f"stale: the dataset changed since column {name!r} was made"
            near = () if half else columns
            hint = to_make(name, self.path, begun(self.path), self.commands.get(name), near)
            raise MissingColumnError(f"{what} in {self.path} ({listed(name, self.columns)})", hint)
        return self.open_column(name, column)

    def open_column(self, name: str, identity_: str) -> Column:
        """Return a column that is complete, whether published or not."""
        return Column(name, self.path / COLUMNS / name / identity_)

    def whole_column(self, name: str, identity_: str) -> Column | None:
        """Return a column if all of it is there as it was written, published or not; else None."""
        try:
            column = self.open_column(name, identity_)
        except StoreError:
            return None
        return column if column.is_whole() else None

    def recipe_of(self, name: str) -> dict[str, Any] | None:
        """Return how a shown column was made, also where it is damaged; None where nothing tells it."""
        shown = self.state["columns"].get(name) if self.exists() else None
        return None if shown is None else known_recipe(self.path / COLUMNS / name / shown)

    def write_column(
        self, name: str, recipe: Mapping[str, Any], *, rows: int, part_rows: int = PART_ROWS
    ) -> ColumnWriter:
        """Begin a column, or go on with it: the same recipe finds the parts that are there."""
        folder = self.path / COLUMNS / name / identity(recipe)
        return ColumnWriter(name, folder, recipe, rows, part_rows, self.made)


def _of_another_embedding(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the neighbours that were found in an embedding which is another one now."""
    found = of_kinds(before, NEIGHBOURS)
    return [name for name in found if before.get(name.searched) != now.get(name.searched)]


_COSTS, _COMMANDS = "costs", "commands"  # beside the verbs in timings.json
