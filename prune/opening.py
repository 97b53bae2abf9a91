"""From the words of a command to an open dataset: found, scanned, the same as last time, rejects counted."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune import files
from prune.errors import DataError, RejectsError, StoreError
from prune.readers import Reader, open_reader
from prune.readers.scan import first_difference, scan
from prune.settings import Settings
from prune.store import Dataset, Store
from prune.store.layout import LOCATION, REJECTS, SCANS


@dataclass(frozen=True)
class Opened:
    """A dataset with the store that knows it."""

    store: Store
    reader: Reader
    dataset: Dataset
    fingerprint: str
    settings: Settings


@contextlib.contextmanager
def opened(store: Store, data: str | None, settings: Settings) -> Iterator[Opened]:
    """Open and scan a dataset, holding the store for writing.

    Raises
    ------
    DataError
        There is no such dataset, or it cannot be read.
    StoreError
        The store is busy, or was made from another dataset or from this one before it changed.
    """
    location = _locate(store, data, settings)
    reader = open_reader(location["data"], **location["reading"])  # before the store is made
    require_apart(store.path, location["data"])
    with store.writing(wait=settings.wait):
        dataset = scan(reader, store.path / SCANS, settings.reporter)
        fingerprint = dataset.fingerprint
        if store.exists() and store.state.get("dataset") not in {None, fingerprint} and not settings.refresh:
            raise _stale(store, dataset)
        if not store.holds_dataset(fingerprint):
            store.write_dataset(dataset)
        yield Opened(store, reader, dataset, fingerprint, settings)
        _remember(store, location)


def reopened(store: Store, settings: Settings) -> tuple[Reader, Dataset]:
    """Open the dataset that the store knows, for reading.

    Raises
    ------
    StoreError
        The store is missing, or the dataset changed since it was scored.
    DataError
        The dataset is not where it was.
    """
    location = _locate(store, None, settings)
    reader = open_reader(location["data"], **location["reading"])
    dataset = scan(reader, store.path / SCANS, settings.reporter, keep=False)
    if dataset.fingerprint != store.state.get("dataset"):
        raise _stale(store, dataset)
    return reader, dataset


def all_rejects(store: Store, dataset: Dataset) -> dict[int, str]:
    """Rows that cannot be used, with reasons: from the scan, passes over the images, a trace of one's own."""
    rejects = dataset.rejects
    for name in store.columns:
        if name.startswith(("images.", "embedding.", "trace.")):
            rejects = store.column(name).rejects | rejects
    return rejects


def check_rejects(opened_: Opened, rejects: Mapping[int, str], what: str = "samples") -> None:
    """Stop when samples were rejected and the user did not say to go on without them.

    Raises
    ------
    RejectsError
        Some samples were rejected and `on_error` is `fail`, more than `max_bad` of them, or all.
    """
    settings, n = opened_.settings, len(opened_.dataset)
    if not rejects:
        return
    keys = opened_.dataset.samples["key"]
    listed = [(keys[row].as_py(), rejects[row]) for row in sorted(rejects)]
    files.write_json(opened_.store.path / REJECTS, [{"key": key, "reason": why} for key, why in listed])
    share = f"{len(rejects)} of {n} {what} ({100 * len(rejects) / n:.2g} %)"
    if len(rejects) == n:
        raise RejectsError(f"none of {n} {what} can be used", listed, "look at the reasons above")
    if settings.on_error == "fail":
        more = "" if len(rejects) <= settings.max_bad * n else f" --max-bad {_round_up(len(rejects) / n)}"
        hint = f"add --on-error skip{more} to go on without them; what was read is kept"
        raise RejectsError(f"{share} cannot be used", listed, hint)
    if len(rejects) > settings.max_bad * n:
        limit = f"{share} cannot be used, the limit is {100 * settings.max_bad:g} %"
        raise RejectsError(
            limit, listed, f"add --max-bad {_round_up(len(rejects) / n)} if that is as it should be"
        )
    settings.reporter.say(
        f"{share} cannot be used and are left out; listed in {opened_.store.path / REJECTS}"
    )


def _round_up(share: float) -> str:
    return f"{min(1.0, share * 1.05 + 0.001):.3f}"


def _locate(store: Store, data: str | None, settings: Settings) -> dict[str, Any]:
    asked = {name: value for name, value in settings.reading.items() if value is not None}
    if data is not None:
        return {"data": os.fspath(data), "reading": asked}
    try:
        kept = files.read_record(store.path / LOCATION)
        near = os.path.normpath(store.path.resolve() / kept["relative"])
        absolute, reading = kept["data"], dict(kept["reading"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{store.path} does not know where its dataset is", "name it: prune score --type el2n DATA"
        ) from error
    place = next((place for place in (near, absolute) if _present(place)), None)
    if place is None:
        raise DataError(f"the dataset is no longer at {absolute}", "name it: prune score --type el2n DATA")
    return {"data": place, "reading": reading | asked}


def _present(place: str) -> bool:
    """Whether the files are there; of a pattern, the folder before its first sign."""
    fixed = place if Path(place).exists() else str(Path(f"{_SIGNS.split(place)[0]}x").parent)
    return bool(fixed) and Path(fixed).exists() and (fixed == place or _SIGNS.search(place) is not None)


_SIGNS = re.compile(r"[*?\[{]")


def _remember(store: Store, location: Mapping[str, Any]) -> None:
    absolute = os.path.abspath(location["data"])  # noqa: PTH100 - `resolve` would follow links and braces
    relative = os.path.relpath(absolute, store.path.resolve())
    reading = dict(location["reading"])
    if "labels" in reading:
        reading["labels"] = os.path.abspath(reading["labels"])  # noqa: PTH100
    new = {"data": absolute, "relative": relative, "reading": reading}
    path = store.path / LOCATION
    if not path.exists() or path.read_bytes() != files.json_bytes(new):
        files.write_json(path, new)


def require_apart(store: Path, data: str) -> None:
    """Refuse a visible store inside the dataset: the next scan would take it for data."""
    place, root = store.resolve(), Path(data).resolve()
    inside = place.is_relative_to(root) and place != root and root.is_dir()
    if inside and not any(part.startswith(".") for part in place.relative_to(root).parts):
        raise StoreError(
            f"the store {store} would lie in the dataset {data}", "choose another place with --store"
        )


def _stale(store: Store, new: Dataset) -> StoreError:
    try:
        old = store.dataset
    except StoreError as damaged:
        return damaged
    if old.split != new.split:
        return StoreError(
            f"{store.path} is about the split {old.split}, not {new.split}",
            "use another --store for another split, or add --refresh to start over in this one",
        )
    shared = set(old.sources) & set(new.sources) or set(old.keys[:1000]) & set(new.keys)
    if not shared:
        return StoreError(
            f"{store.path} holds another dataset of {len(old)} samples",
            "use another --store, or add --refresh to start over in this one",
        )
    return StoreError(
        f"stale: {first_difference(old, new)} since {store.path} was made",
        "add --refresh to embed or score to start over with the data as it is now, or use another --store",
    )
