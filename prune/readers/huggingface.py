"""Hugging Face datasets: folders from `save_to_disk`, and parquet files with a column of encoded images.

The key of a sample is the first of these that the whole split has:

- a text column `__key__`
- the path that stands beside the image's bytes, if all of them differ, also but for case, and can be keys
- the row's number in the split, eight digits: `00000123`
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError, OptionError
from prune.readers.folders.first_entries import glance
from prune.readers.foreign.leftover import Counted, leftover
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, ReaderBase, Unit, depths_of, number_order, with_sources
from prune.readers.tables import columns, hf_layout
from prune.readers.tables.files import TableFiles
from prune.readers.tables.keys import external, key_rule
from prune.readers.tables.rows import DAMAGED, Rows, open_rows, reading
from prune.readers.tables.sample import KEY, Layout, image_bytes
from prune.system import files


def looks_like(path: Path) -> bool:
    """Say whether this is a saved or cached dataset, a `.parquet` file, or a folder with one; cheap."""
    if path.is_file():
        return path.suffix == ".parquet" or hf_layout.is_stream(path)
    return hf_layout.is_saved(path) or any(
        (name.endswith(".parquet") and name != "metadata.parquet")  # that one describes a folder of images
        or (name.endswith(".arrow") and hf_layout.is_cache(path))
        for name in glance(path)
    )


def open_huggingface(
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    image_column: str | None = None,
    features_column: str | None = None,
    no_labels: bool = False,
    skip_shards: bool = False,
) -> HuggingFace:
    """Open a folder that `save_to_disk` wrote, one of the cache of `datasets`, or parquet files.

    Parameters
    ----------
    data
        The folder, a file, or a pattern of parquet files.
    split
        Which split; `train`, or the only one, if not given.
    label_field
        Column of labels, if not the ClassLabel or one called `label`, `labels`, `fine_label`, …
    image_column
        Column of images, if there are several.
    features_column
        Column of lists of numbers, of a table without images; see `Features`.
    no_labels
        Whether no column is read as a label.
    skip_shards
        Whether a scan leaves damaged files out, instead of failing.

    Raises
    ------
    DataError
        There is no such dataset, it is damaged, or it has no images.
    OptionError
        There is no such split or column, or there are several and none was chosen.
    """
    found = hf_layout.find(Path(data), split)
    schema = _first_schema(found, skip=skip_shards)
    known = columns.features_of(schema)
    if features_column is not None and image_column is not None:
        raise OptionError("--features-column is for tables without images", "leave --image-column out")
    images = (
        columns.image_column(schema, known, image_column)
        if features_column is None
        else columns.features_column(schema, features_column)
    )
    if found.cached:
        hf_layout.refuse_pictures_elsewhere(found, images)
    labels = None if no_labels else columns.label_column(schema, known, label_field)
    named = not Path(data).is_dir()
    reader = HuggingFace(found.root, found.files, found.kind, images, labels, found.split)
    remarks = tuple(columns.remarks(schema, known, labels)) if label_field is None and not no_labels else ()
    guessed = label_field is None
    return replace(
        reader,
        named=named,
        skip_shards=skip_shards,
        guesses_labels=guessed,
        remarks=remarks,
        features_column=features_column,
        passed_over=leftover(data, f".{found.kind}", [found.root / file for file in found.files]),
    )


def _first_schema(found: hf_layout.SplitFiles, *, skip: bool) -> pa.Schema:
    """Return the columns of the first file, or of the first that can be opened."""
    for file in found.files[:-1] if skip else ():
        with contextlib.suppress(DataError):
            return open_rows(found.root / file, found.kind).schema
    return open_rows(found.root / found.files[-1 if skip else 0], found.kind).schema


@dataclass(frozen=True)
class HuggingFace(ReaderBase):
    """The files of one split, in order; a sample is a row."""

    root: Path
    files: Sequence[str]
    kind: str  # parquet or arrow
    image_column: str
    label_column: str | None = None
    split: str | None = None
    named: bool = False  # one file, not its folder
    skip_shards: bool = False  # damaged files are left out
    label_file: LabelFile | None = None
    guesses_labels: bool = False  # nobody said which column holds the labels
    remarks: tuple[str, ...] = ()  # what to know about that guess
    features_column: str | None = None  # the image column, where it holds features and there are no images
    passed_over: Counted = ()  # data of other forms beside the files
    format: str = field(default="huggingface", init=False)
    modality: str = field(default="image", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Which columns are read."""
        found = {"label_field": self.label_column, "image_column": self.image_column}
        return found | ({"features_column": self.features_column} if self.features_column else {})

    @property
    def places(self) -> Sequence[Path]:
        """The folder, or the file that was named."""
        return [self.root / file for file in self.files] if self.named else (self.root,)

    def units(self) -> Iterator[Unit]:
        """Yield one unit a file; its name says what the rows take from the other files.

        The files that rows without bytes point to belong to it, too.
        """
        for file in self.files:
            start = self._table.starts.get(file)
            name = f"{file}, from row {start}, keys {self._keys}, classes {self._names}"
            beside = {} if file != self.files[0] else dict(self.passed_over)
            yield Unit(name, (file,), () if start is None else self._external(file), beside)

    def scan(self, unit: Unit) -> pa.Table:
        """Digest every image and read its label, a few rows at a time.

        Raises
        ------
        DataError
            The file is damaged, or a column is missing or of another type than in the first file.
        """
        file = unit.files[0]
        rows = self._table.rows(file)
        self._check_columns(rows)
        layout = Layout(self.root, self.image_column, self.label_column, self._keys, self._names)
        first = self._table.starts[file]
        with reading(rows.path):
            tables = [
                layout.samples(file, at, first + at, batch) for at, batch in rows.batches(layout.columns)
            ]
        depths: Counter[int] = Counter()
        for part in tables:
            depths.update(depths_of(part))
        table = pa.concat_tables(tables) if tables else RAW.empty_table()
        return with_sources(table, {file: files.sha256(rows.path)}, depths=depths)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return all names of a ClassLabel, else the labels: by value if all are numbers, else as text."""
        return list(self._names) if self._names is not None else number_order(labels)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of a ClassLabel by id; None where labels stand for themselves."""
        return self._names

    def payloads(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each image; fast for rows that ascend, right for any.

        Raises
        ------
        DataError
            A file is gone or shorter than it was, or the table has no images.
        """
        if self.features_column is not None:
            raise DataError(
                f"{self.root} is a table of features, not of images",
                "prune embed takes them; export it with --format parquet, huggingface or manifest",
            )
        for part in samples.select(["shard", "index"]).to_batches(max_chunksize=4096):
            for file, row in zip(part["shard"].to_pylist(), part["index"].to_pylist(), strict=True):
                rows = self._table.rows(file)
                if row >= rows.rows:
                    raise DataError(f"{rows.path} ends before row {row}", "scan the dataset again")
                start, batch = rows.around(row, [self.image_column])
                data = image_bytes(self.root, batch[self.image_column][row - start].as_py())
                if not isinstance(data, bytes):
                    raise DataError(f"row {row} of {rows.path}: {data}", "scan the dataset again")
                yield data

    def numbers(self, samples: pa.Table) -> Iterator[pa.Array]:
        """Yield the lists of numbers of the rows of `SAMPLES`, which ascend, some hundred at a time."""
        column = str(self.features_column)
        shards, places = samples["shard"].to_pylist(), samples["index"].to_numpy()
        at = 0
        while at < len(places):
            rows = self._table.rows(shards[at])
            start, batch = rows.around(int(places[at]), [column])
            stop = at + 1
            while stop < len(places) and shards[stop] == shards[at] and places[stop] < start + batch.num_rows:
                stop += 1
            yield batch[column].combine_chunks().take(pa.array(places[at:stop] - start))
            at = stop

    @cached_property
    def _table(self) -> TableFiles:
        return TableFiles(self.root, self.files, self.kind, lenient=self.skip_shards)

    @cached_property
    def _names(self) -> tuple[str, ...] | None:
        known = columns.features_of(self._table.schema)
        return columns.class_names(known, self.label_column)

    @cached_property
    def _keys(self) -> str:
        """Which rule makes the keys: `__key__`, `path`, `row`, or a column of a table of features."""
        features = self.features_column is not None
        return key_rule(self._table, None if features else self.image_column, self._check_columns)

    def _external(self, file: str) -> list[str]:
        return external(self._table, file, self.image_column, self._check_columns)

    @property
    def _key(self) -> str | None:
        """The column of keys of a table of features."""
        return self._keys if self.features_column is not None and self._keys != "row" else None

    def _check_columns(self, rows: Rows) -> None:
        """Raise `DataError` unless the columns hold what those of the first file do, in whatever width."""
        expected = self._table.schema
        for name in filter(
            None, [self.image_column, self.label_column, KEY if KEY in expected.names else None, self._key]
        ):
            kind = rows.schema.field(name).type if name in rows.schema.names else "missing"
            if kind == "missing" or not columns.alike(kind, expected.field(name).type):
                what = f"column {name} of {rows.path} is {kind}"
                raise DataError(
                    f"{what}, but {expected.field(name).type} in {next(iter(self._table.starts))}", DAMAGED
                )
