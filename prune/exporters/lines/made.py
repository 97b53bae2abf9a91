"""Records made of the fields of samples: text, label, key, weight, and what samples carry.

The names are `text`, `label`, `id` (the key) and `weight`, whatever the source calls them; a column that has
one of these names already is `other_text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.exporters.carried_columns import CarriedColumn, carried_columns
from prune.exporters.carried_fields import carried, has_bytes, plain
from prune.exporters.carried_form import BLANK, Carried
from prune.exporters.class_ids import are_numbers
from prune.exporters.job import ExportJob
from prune.exporters.labels import LABEL, is_relabelled
from prune.exporters.lines.form import LineForm
from prune.exporters.lines.plan import LineFile
from prune.exporters.weights import WEIGHT, free_name

_TEXT, _ID = "text", "id"
_SHOWN = 5


@dataclass(frozen=True)
class Fields:
    """The fields of every record of an export, in order."""

    label: bool  # whether samples have labels
    key: str | None  # what the key is called; None: it is not written
    weight: str | None  # what the weight is called; None: there are none, or they do not fit
    columns: list[CarriedColumn]  # what samples carry
    lost: tuple[str, ...]  # what samples carry and no record holds

    @property
    def names(self) -> list[str]:
        """Return what the fields are called."""
        first = [_TEXT, LABEL if self.label else None, self.key, self.weight]
        return [name for name in first if name] + [column.called for column in self.columns]


def fields_of(job: ExportJob, form: LineForm) -> Fields:
    """Return the fields that records of an export have."""
    label = bool(np.any(job.dataset.labels >= 0))
    taken = [_TEXT, _ID, *([LABEL] if label else [])]
    found = carried_columns(job, taken, bytes_too=False)
    if not form.holds_fields:
        return Fields(False, None, None, [], tuple(column.name for column in found))
    columns = [column for column in found if column.called]
    weight = None if job.weights is None else free_name(WEIGHT, [*taken, *(one.called for one in columns)])
    return Fields(label, _ID, weight, columns, tuple(column.name for column in found if not column.called))


def made(job: ExportJob, rows: Rows, form: LineForm, fields: Fields) -> Iterator[bytes]:
    """Yield the record of each row.

    Raises
    ------
    OptionError
        A text cannot be a record of this form.
    """
    names = fields.names
    labels, weights = _labels(job, rows), _weights(job, rows)
    samples = job.samples(rows)
    keys = (key for part in samples.select(["key"]).to_batches(4096) for key in part["key"].to_pylist())
    more = carried(job, rows) if fields.columns else (Carried() for _ in rows)
    for key, label, weight, text, one in zip(keys, labels, weights, job.payloads(rows), more, strict=True):
        values: list[Any] = [text.decode()]
        values += [label] if fields.label else []
        values += [key] if fields.key else []
        values += [weight] if fields.weight else []
        values += [_value(column.of(one)) for column in fields.columns]
        try:
            yield form.record(names, values)
        except ValueError as error:
            raise OptionError(f"{key}: {error}", "prune export --format jsonl") from error


def say_left_out(
    job: ExportJob, form: LineForm, files: Sequence[LineFile], fields: Fields | None, *, single: bool
) -> None:
    """Say what of the samples is not in the files."""
    if not form.holds_fields and (single or is_relabelled(job)) and np.any(job.dataset.labels >= 0):
        copied = not single and all(file.copied for file in files)
        why = "files are those of the source" if copied else "one file of texts has none"
        job.reporter.say(f"labels are left out: {why}; --format jsonl, or csv, has them")
    if fields is not None and not form.holds_fields:
        job.reporter.say(f"{form.name} holds no keys: a sample is called FILE:LINE where it is read again")
    blank = [one.called for one in fields.columns if one.empty and one.missing] if fields else []
    if blank and BLANK in form.kinds.values():
        job.reporter.say(f"{form.name} does not tell an empty text from none: {', '.join(blank[:_SHOWN])}")
    if fields is not None and fields.lost:
        named = ", ".join(fields.lost[:_SHOWN]) + (", …" if len(fields.lost) > _SHOWN else "")
        what = "holds texts alone" if not form.holds_fields else "cannot hold bytes"
        job.reporter.say(f"{form.name} {what}; left out: {named}")


def _labels(job: ExportJob, rows: Rows) -> Iterator[str | int | None]:
    """Yield the label of each row by its name; a whole number where all of them are such."""
    numbers = are_numbers(job.dataset.classes)
    names: list[str | int] = [int(name) if numbers else name for name in job.dataset.classes]
    return (names[label] if label >= 0 else None for label in job.dataset.labels[rows].tolist())


def _weights(job: ExportJob, rows: Rows) -> Iterator[float | None]:
    if job.weights is None:
        return (None for _ in rows)
    return (float(str(weight)) for weight in job.weights[np.searchsorted(job.rows, rows)])


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return None if has_bytes(value) else plain(value)
