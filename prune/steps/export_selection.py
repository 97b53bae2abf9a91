"""From a selection to a folder: which rows, in which form, with which records beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.errors import OptionError, OutputError, StoreError
from prune.core.methods import find
from prune.core.progress import Reporter
from prune.exporters import EXPORTERS, ExportJob, export
from prune.modalities import MODALITIES
from prune.readers import Reader
from prune.steps.recovery import commands_of
from prune.steps.rejects import all_rejects
from prune.store import Dataset, Prefix, Store, StoredSelection
from prune.store.layout import SELECTIONS
from prune.system.local_paths import real, require_local


def job(
    store: Store,
    reader: Reader,
    dataset: Dataset,
    chosen: StoredSelection | Prefix,
    *,
    rejected: bool,
    reporter: Reporter,
) -> ExportJob:
    """Say what is to be written.

    Raises
    ------
    OptionError
        `rejected`, but everything was selected.
    StoreError
        The store was made again from other data while we looked at it.
    """
    if chosen.about["dataset"]["fingerprint"] != dataset.fingerprint:
        raise StoreError(
            f"the dataset of {store.path} changed since the selection {chosen.name!r} was chosen",
            commands_of(store)(f"{SELECTIONS}/{chosen.name}"),
        )
    rows, weights = chosen.rows, chosen.weights
    if rejected:
        unreadable = np.array(sorted(all_rejects(store, dataset)), np.int64)
        rows, weights = np.setdiff1d(np.setdiff1d(dataset.usable, unreadable), rows), None
    if not len(rows):
        raise OptionError(f"selection {chosen.name} keeps every sample", "leave --rejected out")
    asked = {"selection": chosen.name, "fraction": chosen.about["asked"].get("prefix"), "rejected": rejected}
    return ExportJob(reader, dataset, rows, weights, chosen.records, reporter, asked)


def require_apart(store: Store, out: Path) -> None:
    """Raise `OutputError` if the export would lie in the store."""
    require_local(str(out))
    if real(out).is_relative_to(real(store.path)):
        raise OutputError(f"{out} lies in the store {store.path}", "choose another place with --out")


def write(
    job_: ExportJob,
    format_: str,
    out: Path,
    options: Sequence[str],
    *,
    overwrite: bool,
    with_card: bool = False,
    wait: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write an export, or find that it is there already.

    Raises
    ------
    OptionError
        There is no such format, or it has no such option.
    OutputError
        The place is taken, full or read-only.
    StoreError
        Another process writes there, and there is nobody to be told that we `wait`.
    """
    method = find("export format", format_, EXPORTERS)
    kind = MODALITIES[job_.dataset.modality]
    if method.modalities and kind.name not in method.modalities:
        held = " and ".join(MODALITIES[name].plural for name in method.modalities)
        raise OptionError(
            f"--format {method.name} holds {held}, and the dataset is of {kind.plural}",
            _others(kind.name, job_.reader.format),
        )
    places: dict[str, Any] = {"with_card": with_card, "overwrite": overwrite, "wait": wait}
    done = export(job_, method, out, options=method.parse(options), **places)
    return {
        "format": method.name,
        "out": str(out),
        "samples": done.samples,
        "files": done.files,
        "bytes": done.bytes,
        "complete": not done.new,
    }


def _others(modality: str, source: str) -> str:
    """Return what to type for a form that holds such samples, that of the source before others."""
    held = [name for name, exporter in EXPORTERS.items() if modality in exporter.modalities]
    first, *rest = [*sorted(held, key=lambda name: name != source), "manifest"]
    named = ", ".join(rest) or "only names: rows and keys, for a trainer that reads the dataset itself"
    return f"prune export --format {first}   # or {named}"
