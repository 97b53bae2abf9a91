"""What evaluations found, as a table: a row a training, and a summary a selection, beside random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from prune.core.notebook import html_table, to_pandas
from prune.core.safe_text import counted
from prune.steps.evaluate.headings import Heading
from prune.steps.evaluate.intervals import Difference, Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRow:
    """One training: a set, a seed, and what the target got right after the last step."""

    cell: str  # its column
    setting: str  # equal for all that can be compared: training, protocol, test set
    spec: str  # a SPEC, the name of a selection, `random` or `everything`
    fraction: float  # kept, of the samples that can be used
    k: int
    seed: int  # 0, 1, …: of weights, order and augmentation, and of the random set
    protocol: str
    steps: int
    model: str
    test: str  # fingerprint of the test set
    label_noise: float
    tested: int
    accuracy: float
    worst_class: str
    worst_accuracy: float
    seconds: float | None  # of training; None where the store was copied without them
    set: str | None = None  # digest of the samples and their weights; None of random, drawn for each seed
    named: str  # what it is shown as: `spec`, marked where one of the store has the words of a SPEC


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSummary:
    """All seeds of one set, beside the random sets of the same size and seeds."""

    setting: str
    spec: str
    fraction: float
    k: int
    protocol: str
    steps: int
    model: str
    seeds: int
    accuracy: Interval
    difference: Difference | None  # to random; None of random itself and of everything
    worst_class: str  # the one that is worst in the mean over seeds
    worst_accuracy: float
    seconds: float | None  # of one training
    cost: float | None  # of one training, with scoring and selecting
    set: str | None = None  # as of the rows
    named: str  # likewise


@dataclass(frozen=True)
class EvaluationTable:
    """Rows and summaries, by size, random first and everything last."""

    rows: tuple[EvaluationRow, ...]
    summaries: tuple[EvaluationSummary, ...]
    headings: Mapping[str, Heading] = field(default_factory=dict)  # by setting

    def heading(self, setting: str) -> str:
        """Return what all trainings of a setting share, in words."""
        if setting in self.headings:
            return str(self.headings[setting])
        first = next(one for one in self.summaries if one.setting == setting)
        return f"{first.model}, {first.protocol}"

    def __len__(self) -> int:
        return len(self.rows)

    def to_arrow(self) -> pa.Table:
        """Return the rows as a table."""
        return pa.Table.from_pylist([asdict(row) for row in self.rows], schema=_SCHEMA)

    def to_pandas(self) -> Any:
        """Return the rows as a pandas DataFrame.

        Raises
        ------
        NoPandasError
            pandas is not installed; it is also an ImportError.
        """
        return to_pandas(self.to_arrow())

    def to_json(self) -> list[dict[str, Any]]:
        """Return the summaries as JSON."""
        return [asdict(summary) for summary in self.summaries]

    def _repr_html_(self) -> str:
        head = ("kept", "selection", "accuracy %", "to random", "verdict", "worst class", "seeds", "trained")
        rows = [_shown(one, self.heading(one.setting)) for one in self.summaries]
        kind = dict.fromkeys(one.bias for one in self.headings.values() if one.bias)
        return html_table(f"{counted(len(self), 'training')}", head, rows, "; ".join(kind))


def _shown(one: EvaluationSummary, heading: str) -> tuple[str, ...]:
    """Return a summary as the words of a row."""
    beside = ("", "")
    if one.difference is not None:
        beside = f"{100 * one.difference.mean:+.2f}", one.difference.verdict
    kept, worst = f"{100 * one.fraction:.3g} %", f"{100 * one.worst_accuracy:.2f} ({one.worst_class})"
    return (kept, one.named, str(one.accuracy), *beside, worst, str(one.seeds), heading)


_SCHEMA = pa.schema(
    [
        pa.field("cell", pa.string()),
        pa.field("setting", pa.string()),
        pa.field("spec", pa.string()),
        pa.field("fraction", pa.float64()),
        pa.field("k", pa.int64()),
        pa.field("seed", pa.int64()),
        pa.field("protocol", pa.string()),
        pa.field("steps", pa.int64()),
        pa.field("model", pa.string()),
        pa.field("test", pa.string()),
        pa.field("label_noise", pa.float64()),
        pa.field("tested", pa.int64()),
        pa.field("accuracy", pa.float64()),
        pa.field("worst_class", pa.string()),
        pa.field("worst_accuracy", pa.float64()),
        pa.field("seconds", pa.float64()),
        pa.field("set", pa.string()),
        pa.field("named", pa.string()),
    ]
)
