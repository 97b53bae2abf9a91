"""Columns of the dataset, read once: those that were asked for, in one pass, and kept in the store."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.column_name import ColumnName
from prune.core.errors import UnknownNameError
from prune.readers.fields.records import field_names, records_of
from prune.readers.imagefolder import ImageFolder
from prune.readers.lines.fields import value_at
from prune.steps.columns.known import (
    OF_SAMPLES,
    is_known,
    own_names,
    payload_names,
    score_names,
)
from prune.steps.dataset_session import Opened, opened_under_lock
from prune.steps.expected_modality import require_payloads
from prune.steps.settings import Settings
from prune.store import Store, identity
from prune.store.column import ColumnWriter
from prune.store.field_column import put_values

VERSION = 1  # raised when the same dataset would give other values
RECORD, PAYLOAD = "record", "payload"  # what a column is read of


@dataclass(frozen=True)
class ReadingPlan:
    """Which columns are read, and of what."""

    fields: Sequence[str] = ()
    facts: Sequence[str] = ()  # of payloads


def read_columns(
    store: Store, names: Iterable[str], settings: Settings, *, in_sql: Collection[str] = ()
) -> None:
    """See to it that the store has the values of these columns; for the holder of its lock.

    Parameters
    ----------
    in_sql
        Names that stand in a condition, where a text in double quotes is a name, too.

    Raises
    ------
    UnknownNameError
        There is no such column; the hint has the nearest, or all.
    OptionError
        One holds too much.
    DataError, StoreError
        The dataset cannot be read, or changed.
    """
    asked = list(dict.fromkeys(names))
    if not asked:
        return
    dataset = store.dataset
    lacking = [name for name in asked if not is_known(store, dataset, name)]
    if not lacking:
        return
    opened = opened_under_lock(store, settings)
    plan = _planned(store, opened, lacking, in_sql)
    made = {
        **_read(opened, plan.fields, RECORD, _of_records(opened, plan.fields)),
        **_read(opened, plan.facts, PAYLOAD, _of_payloads(opened, plan.facts)),
    }
    if made:
        store.publish(columns=made)


def _planned(store: Store, opened: Opened, lacking: Sequence[str], in_sql: Collection[str]) -> ReadingPlan:
    """Say what is read; a name that the first records do not have is looked for in all of them."""
    own, complete = field_names(opened.reader, _readable(opened))
    facts = () if getattr(opened.reader, "holds_features", False) else payload_names(opened.dataset)
    offered = list(dict.fromkeys([*own, *own_names(opened.dataset), *facts, *score_names(store)]))
    fields, of_payloads = [], []
    for name in lacking:
        if name in own or ".".join(name.split(".")[:2]) in own:  # fields are listed two levels deep
            fields.append(name)
        elif name in facts:
            of_payloads.append(name)
        elif name not in OF_SAMPLES or name not in offered:
            if complete or not _is_further_on(opened, name):
                raise _unknown(name, offered, quoted=name in in_sql)
            fields.append(name)
    return ReadingPlan(fields, of_payloads)


def _near(name: str, offered: Sequence[str]) -> list[str]:
    spelled = {one.lower(): one for one in offered}
    return [spelled[one] for one in difflib.get_close_matches(name.lower(), spelled, n=1)]


def _is_further_on(opened: Opened, name: str) -> bool:
    records = records_of(opened.reader, _readable(opened), [name])
    return any(value_at(record, name) is not None for record in records)


def _unknown(name: str, offered: Sequence[str], *, quoted: bool) -> UnknownNameError:
    error = UnknownNameError("column", name, offered)
    near = _near(name, offered)
    more = ", …" if len(offered) > _SHOWN else ""
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(offered[:_SHOWN])}{more}"
    error.hint = f"{hint}; a text stands in single quotes" if quoted else hint
    return error


_SHOWN = 40  # columns in a hint


def _readable(opened: Opened) -> pa.Table:
    return opened.dataset.samples.take(pa.array(_readable_rows(opened)))


def _readable_rows(opened: Opened) -> Any:
    """Return the rows that have something to be read: also those that are held out."""
    reasons = opened.dataset.samples["reason"]
    held_out = np.isin(np.arange(len(opened.dataset)), opened.dataset.held_out)
    return np.flatnonzero(reasons.is_null().to_numpy() | held_out)


def _of_records(opened: Opened, names: Sequence[str]) -> Iterator[list[Any]]:
    if not names:
        return
    for record in records_of(opened.reader, _readable(opened), names):
        yield [value_at(record, name) for name in names]


def _of_payloads(opened: Opened, names: Sequence[str]) -> Iterator[list[Any]]:
    if not names:
        return
    require_payloads(opened.reader, opened.dataset)
    payloads = opened.reader.payloads(_readable(opened))
    if opened.dataset.modality == "text":
        yield from ([len(text)] for text in payloads)
        return
    from prune.modalities.image.decode import dimensions  # loads Pillow's formats

    places = {"width": 0, "height": 1}
    for data in payloads:
        size = dimensions(data)
        yield [None if size is None else size[places[name]] for name in names]


def _read(opened: Opened, names: Sequence[str], source: str, rows: Iterator[list[Any]]) -> dict[str, str]:
    """Write columns from one pass over the samples; return them, name -> identity."""
    if not names:
        return {}
    store, n = opened.store, len(opened.dataset)
    recipes = {
        name: {
            "column": "field",
            "field": name,
            "source": source,
            "dataset": opened.fingerprint,
            "version": VERSION,
        }
        for name in names
    }
    writers = [store.write_column(ColumnName.field(n_), recipes[n_], rows=n) for n_ in names]
    _fill(opened, writers, rows)
    for writer in writers:
        writer.finish()
    return {str(ColumnName.field(name)): identity(recipe) for name, recipe in recipes.items()}


def _fill(opened: Opened, writers: Sequence[ColumnWriter], rows: Iterator[list[Any]]) -> None:
    """Write the parts that are missing, of one pass over the samples."""
    missing = [_missing(writer) for writer in writers]
    if not any(missing):
        return
    readable = np.zeros(len(opened.dataset), bool)
    readable[_readable_rows(opened)] = True
    untyped = _is_untyped(opened)
    with opened.settings.reporter.stage("columns", len(readable)) as advance:
        for part in writers[0].parts:
            span = readable[part.start : part.stop]
            held = list(islice(rows, int(span.sum())))
            for place, writer in enumerate(writers):
                if part.number in missing[place]:
                    values: list[Any] = [None] * len(span)
                    for row, found in zip(np.flatnonzero(span).tolist(), held, strict=True):
                        values[row] = found[place]
                    put_values(writer, part, values, untyped=untyped)
            advance(part.stop - part.start)


def _missing(writer: ColumnWriter) -> set[int]:
    """Return the parts that lack their codes, or the values that these stand for."""
    missing = {part.number for part in writer.missing()}
    if writer.finished:
        return missing
    return missing | {
        part.number for part in writer.parts if writer.attachment("values", part.number) is None
    }


def _is_untyped(opened: Opened) -> bool:
    """Whether the dataset holds words where others have numbers: tables of text."""
    reader = opened.reader
    if isinstance(reader, ImageFolder):
        return any(described.name.endswith(".csv") for described in reader.metadata.values())
    return reader.format == "csv"
