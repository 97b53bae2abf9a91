"""Labels in a file of their own: which column names the samples, which holds the label, who has none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array
from prune.core.errors import DataError, OptionError
from prune.readers.labels import names
from prune.readers.labels.key_match import places_of
from prune.readers.labels.table import LabelTable, read_table
from prune.store.join import count
from prune.system import contents

_KEYS = """
    key __key__ id image_id img_id file_name filename file image path file_path filepath image_path img_path
    image_name img_name image_file name img fname uid sample sample_id index
"""
_LABELS = """
    label labels fine_label class classes class_label class_id class_name target category category_id
    category_name label_id label_name cls y
"""
KEYS = tuple(_KEYS.split())  # names of columns, the likeliest first
LABELS = tuple(dict.fromkeys([*_LABELS.split(), *names.LABELS]))


_LIST = r"^\s*[\[({].*[\])}]\s*$"


@dataclass(frozen=True)
class Labelled:
    """The labels of all samples, and what to say about them."""

    texts: pa.ChunkedArray
    said: str


@dataclass(frozen=True)
class LabelFile:
    """A file of labels."""

    path: Path
    field: str | None = None  # the column, where it was chosen

    def labels(self, keys: pa.ChunkedArray, *, numbered: bool = False) -> Labelled:
        """Return the label text of every key; null where the file has none.

        Parameters
        ----------
        numbered
            Whether keys are the numbers of rows, so that a file of one column is matched by row.

        Raises
        ------
        DataError
            The file cannot be read, no row of it names a sample, or two rows of one sample differ.
        OptionError
            It has no such column, or several that may hold the label.
        """
        table = read_table(self.path)
        if len(table.columns) == 1:
            return self._by_row(table, keys, numbered=numbered)
        found = self._keyed(table, keys)
        columns = found.columns
        label = self._label_column(found.names, found.key)
        texts = columns[label]
        self._refuse_lists(texts, found.names[label])
        self._refuse_two(columns[found.key], texts, found.places)
        texts = texts.take(pa.array(found.places, mask=found.places < 0))
        return Labelled(texts, self._said(found, found.names[label]))

    def _by_row(self, table: LabelTable, keys: pa.ChunkedArray, *, numbered: bool) -> Labelled:
        texts = table.columns[0]
        if len(texts) == len(keys) + 1:  # a header
            texts = texts.slice(1)
        if not numbered or len(texts) != len(keys):
            what = f"{self.path} has one column of {len(texts)} rows, and there are {len(keys)} samples"
            raise DataError(what, f"a column of keys, such as {keys[0].as_py()!r}, and one of labels")
        return Labelled(texts, f"labels of {self.path.name}, row by row")

    def _keyed(self, table: LabelTable, keys: pa.ChunkedArray) -> _Keyed:
        """Find the column that names the samples: by its own name, else the one with the most of them."""
        header = table.header or _known_header(table.columns)
        columns = _below(table.columns) if header and table.header is None else list(table.columns)
        named = sorted(
            (KEYS.index(_word(name)), place) for place, name in enumerate(header or ()) if _word(name) in KEYS
        )
        rest = [place for place in range(len(columns)) if place not in {place for _, place in named}]
        best: tuple[int, Array] = (0, np.full(len(keys), -1))
        for place in [place for _, place in named] + rest:
            found = places_of(columns[place], keys)
            if (found >= 0).sum() > (best[1] >= 0).sum():
                best = place, found
            if place not in rest and (found >= 0).sum() * 2 > min(len(keys), len(columns[place])):
                break
        place, places = best
        if not (places >= 0).any():
            theirs = columns[named[0][1] if named else 0]
            raise DataError(
                f"no row of {self.path} names a sample: it has {_shown(theirs)}, the dataset "
                f"{keys[0].as_py()!r}",
                f"a column of {self.path.name} must hold keys or file names, such as {keys[0].as_py()}",
            )
        if header is None and not (places == 0).any():  # the first row names no sample: it names the columns
            header = [str(column[0].as_py() or "") for column in columns]
            columns, places = _below(columns), np.where(places > 0, places - 1, places)
        return _Keyed(
            columns, header or [str(p + 1) for p in range(len(columns))], place, places, bool(header)
        )

    def _label_column(self, names: Sequence[str], key: int) -> int:
        others = [place for place in range(len(names)) if place != key]
        if self.field is not None:
            chosen = [place for place in others if names[place] == self.field]
            if not chosen:
                raise OptionError(
                    f"{self.path} has no column {self.field!r}",
                    f"choose: {' or '.join(f'--label-field {_quoted(names[p])}' for p in others[:6])}",
                )
            return chosen[0]
        words = [_word(names[place]) for place in others]
        named = sorted(
            (LABELS.index(word), p) for word, p in zip(words, others, strict=True) if word in LABELS
        )
        if named:
            return named[0][1]
        likely = [place for place in others if not _word(names[place]).startswith(("unnamed", "f_"))]
        held = [place for place in likely if names[place]] or others
        if len(held) == 1 or names == [str(place + 1) for place in range(len(names))]:
            return held[0]
        raise OptionError(
            f"several columns of {self.path} may hold the label: {', '.join(names[p] for p in held[:12])}",
            f"choose: --label-field {_quoted(names[held[0]])}",
        )

    def _refuse_lists(self, texts: pa.ChunkedArray, column: str) -> None:
        """Raise `DataError` where all values are lists: several labels a sample."""
        known = texts.drop_null()
        if len(known) and pc.all(pc.match_substring_regex(known, _LIST)).as_py():
            raise DataError(
                f"column {column} of {self.path} holds lists, such as {known[0].as_py()[:40]!r}",
                "prune reads one class a sample: choose another column with --label-field, or --no-labels",
            )

    def _refuse_two(self, names: pa.ChunkedArray, texts: pa.ChunkedArray, places: Array) -> None:
        """Raise `DataError` where a sample stands twice, with two labels."""
        used = names.take(pa.array(places[places >= 0]))
        repeated = pc.is_in(names, value_set=used)
        pairs = pa.table({"name": names.filter(repeated), "label": texts.filter(repeated)})
        distinct = pairs.group_by(["name", "label"]).aggregate([])
        counts = pc.value_counts(distinct["name"])
        two = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        if len(two):
            raise DataError(
                f"{self.path} has more than one label for {count('sample', two)}",
                "keep one row for each; prune reads one class a sample",
            )

    def _said(self, found: _Keyed, label: str) -> str:
        hits = found.places >= 0
        by = f", by {found.names[found.key]!r}" if found.named else ""
        told = f"labels of {self.path.name}, column {label!r}{by}: {hits.sum():,} of {len(hits):,} samples"
        lacking = int((~hits).sum())
        strangers = len(found.columns[found.key]) - len(np.unique(found.places[hits]))
        told += f"; {lacking:,} samples are not in it" if lacking else ""
        return told + (f"; {strangers:,} of its rows name no sample" if strangers else "")


@dataclass(frozen=True)
class _Keyed:
    columns: Sequence[pa.ChunkedArray]
    names: Sequence[str]
    key: int  # the column that names the samples
    places: Array  # where each sample stands; −1 where it does not
    named: bool  # there is a header


def open_labels(path: str, field: str | None) -> LabelFile:
    """Return a file of labels that is there.

    Raises
    ------
    OptionError
        There is no such file.
    """
    place = contents.file_at(path)
    if not place.is_file():
        raise OptionError(
            f"--labels {path} is not a file", "name a .csv, .tsv, .jsonl or .parquet file, or a .npy"
        )
    return LabelFile(place, field)


def _known_header(columns: Sequence[pa.ChunkedArray]) -> Sequence[str] | None:
    """Return the first row where it names a column in a way that is known."""
    first = [str(column[0].as_py() or "") for column in columns]
    return first if any(_word(name) in {*KEYS, *LABELS} for name in first) else None


def _below(columns: Sequence[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
    return [column.slice(1) for column in columns]


def _word(name: str) -> str:
    """Return a name of a column in one spelling: `Image Id`, `imageID` and `image-id` are `image_id`."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip().lstrip("\ufeff"))
    return re.sub(r"[\s.\-]+", "_", parted).lower()


def _shown(column: pa.ChunkedArray) -> str:
    return repr(next((text.as_py() for text in column if text.is_valid), None))


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
