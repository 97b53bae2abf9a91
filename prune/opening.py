"""From the words of a command to an open dataset: found, scanned, the same as last time, rejects counted."""

from __future__ import annotations

import contextlib
import os
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
    with store.writing(wait=settings.wait):
        dataset = scan(reader, store.path / SCANS, settings.reporter)
        fingerprint = dataset.fingerprint
        if store.exists() and store.state.get("dataset") not in {None, fingerprint} and not settings.refresh:
            raise _stale(store, store.dataset, dataset)
        if not store.exists() or store.state.get("dataset") != fingerprint:
            store.write_dataset(dataset)
        _remember(store, location)
        yield Opened(store, reader, dataset, fingerprint, settings)


def reopened(store: Store, settings: Settings) -> tuple[Reader, Dataset]:
    """Open the dataset that the store knows, for reading.

    Raises
    ------
    StoreError
        The store is missing, or the dataset changed since it was scored.
    DataError
        The dataset is not where it was.
    """
    known = store.dataset
    location = _locate(store, None, settings)
    reader = open_reader(location["data"], **location["reading"])
    dataset = scan(reader, store.path / SCANS, settings.reporter)
    if dataset.fingerprint != store.state["dataset"]:
        raise _stale(store, known, dataset)
    return reader, dataset


def all_rejects(store: Store, dataset: Dataset) -> dict[int, str]:
    """Rows that cannot be used, with reasons: from the scan and from every pass over the images."""
    rejects = dataset.rejects
    for name in store.columns:
        if name.startswith(("images.", "embedding.")):
            rejects = store.column(name).rejects | rejects
    return rejects


def check_rejects(opened_: Opened, rejects: Mapping[int, str]) -> None:
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
    share = f"{len(rejects)} of {n} samples ({100 * len(rejects) / n:.2g} %)"
    if len(rejects) == n:
        raise RejectsError(f"no sample of {n} can be used", listed, "look at the reasons above")
    if settings.on_error == "fail":
        hint = "add --on-error skip to go on without them; what was read is kept"
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
    if data is not None:
        return {"data": data, "reading": {k: v for k, v in settings.reading.items() if v is not None}}
    try:
        kept = files.read_json(store.path / LOCATION)
    except (FileNotFoundError, ValueError) as error:
        raise StoreError(
            f"{store.path} does not know where its dataset is", "name it: prune score --type el2n DATA"
        ) from error
    near = os.path.normpath(store.path.resolve() / kept["relative"])
    place = near if _present(near) or not _present(kept["data"]) else kept["data"]
    if not _present(place):
        raise DataError(
            f"the dataset is no longer at {kept['data']}", "name it: prune score --type el2n DATA"
        )
    return {"data": place, "reading": kept["reading"]}


def _present(place: str) -> bool:
    return Path(place).exists() or any(sign in place for sign in "*?[{")


def _remember(store: Store, location: Mapping[str, Any]) -> None:
    absolute = os.path.abspath(location["data"])  # noqa: PTH100 - `resolve` would follow links and braces
    relative = os.path.relpath(absolute, store.path.resolve())
    new = {"data": absolute, "relative": relative, "reading": dict(location["reading"])}
    path = store.path / LOCATION
    if not path.exists() or files.read_json(path) != new:
        files.write_json(path, new)


def _stale(store: Store, old: Dataset, new: Dataset) -> StoreError:
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
