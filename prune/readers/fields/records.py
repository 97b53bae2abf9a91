"""Fields of samples as records, one a sample, from any reader that has some.

Of lines the object or row; of tables the columns; of shards the object in `.json` and the short texts beside
it; of image folders the row of the metadata. A field within another is named by a path: `meta.site`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa

from prune.readers.fields.members import member_records
from prune.readers.folders.metadata import governing
from prune.readers.huggingface import HuggingFace
from prune.readers.imagefolder import ImageFolder
from prune.readers.lines.reader import LineReader
from prune.readers.sample import Reader
from prune.readers.tables.columns import holds_images, is_list
from prune.readers.webdataset import WebDataset

LOOKED = 1000  # records that names of fields are taken from, where nothing lists them
Record = Mapping[str, Any]


def records_of(reader: Reader, samples: pa.Table, names: Collection[str]) -> Iterator[Record]:
    """Yield for each row of `SAMPLES` a record that has these fields, if the dataset does; others may lack.

    Parameters
    ----------
    names
        Fields, or paths to them. Of a table nothing else is read.

    Raises
    ------
    DataError
        A file is gone, or is not the one that was scanned.
    """
    if isinstance(reader, LineReader):
        return _of_lines(reader, samples)
    if isinstance(reader, HuggingFace):
        return _of_tables(reader, samples, names)
    if isinstance(reader, WebDataset):
        return member_records(reader.root, samples)
    if isinstance(reader, ImageFolder):
        return _of_metadata(reader, samples)
    return ({} for _ in range(len(samples)))


def field_names(reader: Reader, samples: pa.Table) -> tuple[list[str], bool]:
    """Return the fields of a dataset, and whether these are all: else those of its first records.

    Parameters
    ----------
    samples
        All that can be read.
    """
    if isinstance(reader, HuggingFace):
        return _columns(reader), True
    if isinstance(reader, ImageFolder):
        found = (name for described in reader.metadata.values() for name in described.columns)
        return list(dict.fromkeys(found)), True
    if not isinstance(reader, LineReader | WebDataset):
        return [], True
    first = itertools.islice(records_of(reader, samples.slice(0, LOOKED), ()), LOOKED)
    return list(dict.fromkeys(name for record in first for name in _paths(record))), False


def _paths(record: Record) -> Iterator[str]:
    for name, value in record.items():
        yield str(name)
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)


def _of_lines(reader: LineReader, samples: pa.Table) -> Iterator[Record]:
    shards = itertools.chain.from_iterable(
        part["shard"].to_pylist() for part in samples.select(["shard"]).to_batches(max_chunksize=LOOKED)
    )
    for shard, record in zip(shards, reader.records(samples), strict=True):
        yield reader.record(shard, record)


def _of_tables(reader: HuggingFace, samples: pa.Table, names: Collection[str]) -> Iterator[Record]:
    known = reader.table.schema.names
    wanted = dict.fromkeys(name if name in known else name.partition(".")[0] for name in names)
    columns = [name for name in wanted if name in known]
    if not columns:
        yield from ({} for _ in range(len(samples)))
        return
    for table in reader.table.taken(samples, columns):
        yield from table.to_pylist()


def _columns(reader: HuggingFace) -> list[str]:
    """Return the columns of a table that hold single values, and those inside of structs."""
    found = []
    for field in reader.table.schema:
        if holds_images(field.type) or is_list(field.type):
            continue
        if pa.types.is_struct(field.type):
            found += [f"{field.name}.{inner.name}" for inner in field.type]
        else:
            found.append(field.name)
    return found


def _of_metadata(reader: ImageFolder, samples: pa.Table) -> Iterator[Record]:
    for key in samples["key"].to_pylist():
        found = governing(reader.metadata, key)
        yield found.by_key.get(key, {}) if found else {}
