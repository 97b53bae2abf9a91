"""A selection that was exported: a manifest in a folder, and the dataset that it is about."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from prune.core.errors import OptionError, StoreError
from prune.readers import Reader, open_reader
from prune.readers.scan import scan
from prune.steps.holdout import Holdout, set_aside
from prune.steps.located_reader import reader_words
from prune.steps.settings import Settings
from prune.store import Dataset, StoredSelection
from prune.store.layout import SELECTION
from prune.system import files

_MANIFEST = "manifest.parquet"
_INSIDE = ".prune-export"  # of an export of samples: its description holds the records, too
_PLACES = ["shard", "offset", "size", "label"]


def records_in(folder: Path) -> Path | None:
    """Return where the records of a selection lie in a folder, or beside it, as an export leaves them."""
    named = folder if folder.name else folder.absolute()  # "." has no name
    for place in (folder, folder / _INSIDE, named.parent / f"{named.name}.prune"):
        if (place / SELECTION).is_file() and (place / _MANIFEST).is_file():
            return place
    return None


def exported_selection(folder: Path, name: str | None) -> StoredSelection:
    """Read the records in a folder.

    Raises
    ------
    OptionError
        Another name was asked for than that of the selection.
    StoreError
        They are damaged.
    """
    again = f"prune export --format manifest --out {shlex.quote(str(folder))} --overwrite"
    try:
        about = files.read_record(folder / SELECTION)
        found = StoredSelection(str(about["name"]), folder, about, again)
        _ = about["files"][_MANIFEST], about["dataset"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the record of the selection in {folder} is damaged", again) from error
    if name not in (None, found.name):
        raise OptionError(f"{folder} holds the selection {found.name!r}, not {name!r}", "leave the name out")
    return found


def scanned_as_recorded(
    chosen: StoredSelection, data: str | Path | None, settings: Settings
) -> tuple[Reader, Dataset]:
    """Open the dataset of an exported selection, if it is still the one that was chosen from.

    Raises
    ------
    OptionError
        `data` is missing.
    StoreError
        It is another dataset, or changed.
    """
    if data is None:
        raise OptionError(
            f"{chosen.folder} says which samples are kept, not where they lie",
            f"name the dataset, too: prune.loaders.dataset({str(chosen.folder)!r}, data='DATA')",
        )
    about, reading = chosen.about["dataset"], dict(settings.reading)
    words = {"split": about.get("split"), **reader_words(reading)}
    reader = open_reader(str(data), settled=True, **words)
    dataset = scan(reader, chosen.folder / "no scans", settings.reporter, keep=False)
    dataset = set_aside(dataset, Holdout.read(reading))
    if dataset.fingerprint != about["fingerprint"] and not _is_alike(chosen, dataset):
        raise StoreError(
            f"stale: {data} is not the dataset that {chosen.name!r} was chosen from, or it changed since",
            "name that dataset, read as it was: reading={'holdout': '0.1'}, say; or select again",
        )
    return reader, dataset


def _is_alike(chosen: StoredSelection, dataset: Dataset) -> bool:
    """Whether all source files have the bytes of then, and samples stand where they stood.

    The fingerprint also tells what was held out, and how the dataset was read.
    """
    sources: dict[str, Any] = chosen.about.get("shards") or {}
    if not sources or dict(dataset.sources) != sources:
        return False
    manifest = chosen.manifest_columns("key", *_PLACES)
    then, now = (_keys(table) for table in (manifest, dataset.samples))
    return bool(
        then.equals(now)
        and all(
            pc.all(pc.fill_null(pc.equal(manifest[name], dataset.samples[name]), True)).as_py()
            for name in _PLACES
        )
    )


def _keys(table: Any) -> Any:
    return table["key"].combine_chunks()
