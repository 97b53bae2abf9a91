"""A list of labels in doubt on disk: a table, or the samples themselves, named by what they are taken for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError
from prune.core.safe_text import readable
from prune.exporters.file_names import safe_name, without_suffix
from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder, open_folder
from prune.exporters.verify import SUSPECTS
from prune.modalities import MODALITIES
from prune.steps.dataset_session import reopened
from prune.steps.explain.doubted_labels import DoubtedLabels
from prune.steps.explain.table_file import CSV, csv_bytes, is_table, write_table
from prune.steps.export_selection import require_apart
from prune.steps.sample_words import SampleWords
from prune.steps.settings import Settings
from prune.store import Dataset, Store

LISTED = "suspects.csv"  # in a folder of samples: the list, with the file of each
FILE = "file"
_PART = 1000  # samples
_TEXT = 10_000  # characters of a text in the list
_WORD, _STEM = 40, 80  # characters of a class and of a key in the name of a file


def write_suspects(
    store: Store, doubted: DoubtedLabels, out: Path, *, overwrite: bool, settings: Settings
) -> dict[str, Any]:
    """Write the list to a table or a folder; return where, and whether it was there already.

    Raises
    ------
    OptionError
        No label is in doubt, or the name of a file is of no table.
    OutputError
        Something else stands there.
    """
    require_apart(store, out)
    if is_table(out):
        new = write_table(_listed(store, doubted, out, settings), out, overwrite=overwrite)
    elif out.suffix.lower() in {".json", ".txt", ".tsv", ".xlsx", ".npy"}:
        raise OptionError(f"--out {out} is no table that is written here", f"--out {out.with_suffix('.csv')}")
    elif not len(doubted.rows):
        raise OptionError("no label is in doubt, and a folder would be empty", "--out suspects.csv")
    else:
        new = _write_folder(store, doubted, out, overwrite=overwrite, settings=settings)
    return {"out": str(out), "unchanged": not new}


def _write_folder(
    store: Store, doubted: DoubtedLabels, out: Path, *, overwrite: bool, settings: Settings
) -> bool:
    """Write the samples to a folder of our own, as the dataset has them, and the list beside them."""
    kind = MODALITIES[store.dataset.modality]
    if kind.suffix is None:
        raise DataError(f"{kind.plural} are no files to lay in a folder", f"--out {quote(str(out))}.csv")
    reader, dataset = reopened(store, settings)
    table = doubted.table(dataset)
    listed = csv_bytes(table)
    job = ExportJob(reader, dataset, np.sort(doubted.rows), None, {LISTED: listed}, settings.reporter)
    wait = settings.reporter.say if settings.wait else None
    identity = job.identity(SUSPECTS, {})
    place = open_folder(out, identity, sources=reader.places, overwrite=overwrite, wait=wait)
    with place as folder:
        if folder.complete:
            return False
        folder.need(job.size())
        with settings.reporter.stage("writing suspects", len(job)) as advance:
            named = []
            for number, start in enumerate(range(0, len(table), _PART)):
                stems = _stems(dataset, table.slice(start, _PART))
                rows = doubted.rows[start : start + _PART]
                named += _write_samples(job, folder, f"samples-{number:06d}", rows, stems, kind.suffix)
                advance(len(rows))
        if not folder.done("list"):
            with folder.part("list") as part:
                part.write(LISTED, csv_bytes(table.append_column(FILE, pa.array(named, pa.string()))))
        job.sources.require()
        described: dict[str, Any] = {"exporter": SUSPECTS, "options": {}, "n": len(job)}
        described |= {"asked": {"by": doubted.by}, "dataset": dataset.fingerprint}
        folder.finish(described, overwrite=overwrite)
    return True


def _stems(dataset: Dataset, table: pa.Table) -> list[str]:
    """Return names that show rank, given and likely class: `0001_given-8_likely-3_0852`."""
    wide = len(str(max(len(dataset), 1)))
    return [
        safe_name(
            f"{one['rank']:0{wide}d}_given-{_word(one['given'])}_likely-{_word(one['likely'])}_{_stem(one)}"
        )
        for one in table.to_pylist()
    ]


def _word(name: str | None) -> str:
    return safe_name((name or "unknown")[:_WORD])


def _stem(one: dict[str, Any]) -> str:
    return safe_name(without_suffix(one["key"]).rpartition("/")[2][:_STEM])


def _listed(store: Store, doubted: DoubtedLabels, out: Path, settings: Settings) -> pa.Table:
    """Return the list as a table: of texts with the text, on one line, so that a line is a label."""
    table = doubted.table(store.dataset)
    words = SampleWords(store, store.dataset, settings)
    if not words.any:
        return table
    texts = [None if text is None else readable(text) for text in words.of(doubted.rows, _TEXT)]
    if out.suffix.lower() == CSV:  # which spreadsheets take for a formula
        texts = [f"'{text}" if text and text[0] in "=+-@" else text for text in texts]
    return table.append_column("text", pa.array(texts, pa.string()))


def _write_samples(
    job: ExportJob,
    folder: StagingFolder,
    name: str,
    rows: Rows,
    stems: list[str],
    suffix: Callable[[bytes], str],
) -> list[str]:
    """Write some samples, their bytes as they are; return the names of the files, aligned with the rows."""
    order = np.argsort(rows)  # as they lie in the dataset
    if not folder.done(name):
        with folder.part(name) as part, job.steady(rows):
            for place, data in zip(order.tolist(), job.payloads(rows[order]), strict=True):
                part.write(f"{stems[place]}.{suffix(data)}", data)
    known = {written.rpartition(".")[0]: written for written in folder.files}
    return [known[stem] for stem in stems]
