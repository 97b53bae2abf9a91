"""Hugging Face datasets: folders from `save_to_disk`, and parquet files, of encoded images or of texts.

A table without images is one of texts where a column holds some; see `prune.modalities.text.fields`.

The key of a sample is the first of these that the whole split has:

- a text column `__key__`
- the path that stands beside the image's bytes, if all of them differ, also but for case, and can be keys
- of texts, a column `id` whose values tell all rows apart
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

from prune.core.errors import DataError
from prune.modalities.text.fields import LABELS
from prune.readers.folders.first_entries import glance
from prune.readers.foreign.leftover import Counted, leftover
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, ReaderBase, Unit, depths_of, number_order, with_sources
from prune.readers.tables import columns, hf_layout
from prune.readers.tables.files import TableFiles
from prune.readers.tables.keys import external, key_rule
from prune.readers.tables.rows import DAMAGED, Rows, open_rows, reading
from prune.readers.tables.sample import KEY, Layout, image_bytes, row_bytes
from prune.readers.tables.texts import IDS, TextColumns, remark_on, text_columns, without
from prune.system import contents


def looks_like(path: Path) -> bool:
    """Say whether this is a saved or cached dataset, a `.parquet` file, or a folder with one; cheap."""
    if path.is_file():
        return path.suffix == ".parquet" or hf_layout.is_stream(path)
    return hf_layout.is_saved(path) or any(
        (name.endswith(".parquet") and name != "metadata.parquet")  # that one describes a folder of images
        or (name.endswith(".arrow") and hf_layout.is_cache(path))
        for name in glance(path)
    )


def open_huggingface(  # noqa: PLR0913 - all that can be said of a table
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    image_column: str | None = None,
    features_column: str | None = None,
    text_field: str | None = None,
    template: str | None = None,
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
    text_field, template
        Columns of texts, also of a table with images; see `TextFields`. Beside an `image_column`: captions.
    no_labels
        Whether no column is read as a label.
    skip_shards
        Whether a scan leaves damaged files out, instead of failing.

    Raises
    ------
    DataError
        There is no such dataset, it is damaged, or it has neither images nor texts.
    OptionError
        There is no such split or column, or there are several and none was chosen.
    """
    found = hf_layout.find(Path(data), split)
    schema = _first_schema(found, skip=skip_shards)
    known = columns.features_of(schema)
    columns.refuse_two(features_column=features_column, image_column=image_column, template=template)
    columns.refuse_two(features_column=features_column, text_field=text_field)
    texts = captions = None
    if features_column is None and (image_column is None or text_field is not None):
        where = found.files[0]
        texts = text_columns(schema, known, text_field=text_field, template=template, where=where)
    if image_column is not None:  # the sample is the image, and the text goes with it
        texts, captions = None, texts
    if texts is not None:
        content, schema = texts.names[0], without(schema, texts)
    elif features_column is not None:
        content = columns.features_column(schema, features_column)
    else:
        content = columns.image_column(schema, known, image_column)
        if found.cached:
            hf_layout.refuse_pictures_elsewhere(found, content)
    labels = (
        None if no_labels else columns.label_column(schema, known, label_field, also=LABELS if texts else ())
    )
    reader = HuggingFace(found.root, found.files, found.kind, content, labels, found.split)
    guessed = label_field is None
    remarks = columns.remarks(schema, known, labels) if guessed and not no_labels else []
    return replace(
        reader,
        named=not Path(data).is_dir(),
        skip_shards=skip_shards,
        guesses_labels=guessed,
        remarks=(*(remark_on(texts) if texts else ()), *remarks),
        features_column=features_column,
        texts=texts,
        captions=captions,
        template=template,
        modality="image" if texts is None else "text",
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
    image_column: str  # of texts, the first column of the text
    label_column: str | None = None
    split: str | None = None
    named: bool = False  # one file, not its folder
    skip_shards: bool = False  # damaged files are left out
    label_file: LabelFile | None = None
    guesses_labels: bool = False  # nobody said which column holds the labels
    remarks: tuple[str, ...] = ()  # what to know about that guess
    features_column: str | None = None  # the image column, where it holds features and there are no images
    texts: TextColumns | None = None  # of a table of texts
    captions: TextColumns | None = None  # where the user said which texts go with the images
    template: str | None = None  # how the user said to make a text
    modality: str = "image"
    passed_over: Counted = ()  # data of other forms beside the files
    held: int = 0  # bytes of row groups that are held for payloads in any order; see `TableFiles`
    format: str = field(default="huggingface", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Which columns are read."""
        if self.texts is not None:
            told = {"template": self.template} if self.template is not None else {}
            return {"label_field": self.label_column, "text_columns": list(self.texts.fields.paths), **told}
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
            start = self.table.starts.get(file)
            name = f"{file}, from row {start}, keys {self._keys}, classes {self._names}"
            beside = {} if file != self.files[0] else dict(self.passed_over)
            yield Unit(name, (file,), () if start is None or self.texts else self._external(file), beside)

    def scan(self, unit: Unit) -> pa.Table:
        """Digest every image or text and read its label, a few rows at a time.

        Raises
        ------
        DataError
            The file is damaged, or a column is missing or of another type than in the first file.
        """
        file = unit.files[0]
        rows = self.table.rows(file)
        self._check_columns(rows)
        layout = Layout(self.root, self.image_column, self.label_column, self._keys, self._names, self.texts)
        first = self.table.starts[file]
        with reading(rows.path):
            tables = [
                layout.samples(file, at, first + at, batch) for at, batch in rows.batches(layout.columns)
            ]
        depths: Counter[int] = Counter()
        for part in tables:
            depths.update(depths_of(part))
        table = pa.concat_tables(tables) if tables else RAW.empty_table()
        return with_sources(table, {file: contents.sha256(rows.path)}, depths=depths)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return all names of a ClassLabel, else the labels: by value if all are numbers, else as text."""
        return list(self._names) if self._names is not None else number_order(labels)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of a ClassLabel by id; None where labels stand for themselves."""
        return self._names

    def payloads(self, samples: pa.Table) -> Iterator[bytes | str]:
        """Yield the bytes of each image, or each text; fast for rows that ascend, right for any.

        Raises
        ------
        DataError
            A file is gone or shorter than it was, or the table has neither.
        """
        if self.features_column is not None:
            raise DataError(
                f"{self.root} is a table of features, not of images",
                "prune embed takes them; export it with --format parquet, huggingface or manifest",
            )
        done = 0
        for table in self.table.taken(samples, self.payload_columns):
            for data in self.contents(table):
                if isinstance(data, str):
                    at = samples["shard"][done].as_py(), samples["index"][done].as_py()
                    raise DataError(f"row {at[1]} of {self.root / at[0]}: {data}", "scan the dataset again")
                yield data if self.texts is None else data.decode()
                done += 1

    @property
    def payload_columns(self) -> Sequence[str]:
        """What is read of the table for the payloads."""
        return (self.image_column,) if self.texts is None else self.texts.names

    def contents(self, table: pa.Table) -> Iterator[bytes | str]:
        """Yield what the digest of each row is of: bytes, or why there are none."""
        if self.texts is not None:
            return iter(self.texts.contents(table))
        if self.features_column is not None:
            return (data or "has no features" for data in row_bytes(table[self.features_column]))
        images = table[self.image_column]
        return (image_bytes(self.root, image.as_py()) for image in images)

    def numbers(self, samples: pa.Table) -> Iterator[pa.Array]:
        """Yield the lists of numbers of the rows of `SAMPLES`, some hundred at a time."""
        column = str(self.features_column)
        for table in self.table.taken(samples, [column]):
            yield table[column].combine_chunks()

    @cached_property
    def table(self) -> TableFiles:
        """The files as one table."""
        return TableFiles(self.root, self.files, self.kind, lenient=self.skip_shards, held=self.held)

    @cached_property
    def _names(self) -> tuple[str, ...] | None:
        known = columns.features_of(self.table.schema)
        return columns.class_names(known, self.label_column)

    @cached_property
    def _keys(self) -> str:
        """Which rule makes the keys: `__key__`, `path`, `row`, or a column of a table of features."""
        images = self.features_column is None
        ids = None if self.texts is None else IDS
        return key_rule(self.table, self.image_column if images else None, self._check_columns, ids)

    def _external(self, file: str) -> list[str]:
        return external(self.table, file, self.image_column, self._check_columns)

    @property
    def key_column(self) -> str | None:
        """The column of keys of a table of features or texts."""
        own = self.features_column is not None or self.texts is not None
        return self._keys if own and self._keys != "row" else None

    def _check_columns(self, rows: Rows) -> None:
        """Raise `DataError` unless the columns hold what those of the first file do, in whatever width."""
        expected = self.table.schema
        content = [self.image_column] if self.texts is None else self.texts.names
        for name in filter(
            None, [*content, self.label_column, KEY if KEY in expected.names else None, self.key_column]
        ):
            kind = rows.schema.field(name).type if name in rows.schema.names else "missing"
            if kind == "missing" or not columns.alike(kind, expected.field(name).type):
                what = f"column {name} of {rows.path} is {kind}"
                raise DataError(
                    f"{what}, but {expected.field(name).type} in {next(iter(self.table.starts))}", DAMAGED
                )
