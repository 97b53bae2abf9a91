"""One pass over a dataset: the sample table, and what changed since the last time."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.errors import DataError
from prune.core.progress import Reporter
from prune.readers.key_clashes import with_clashes
from prune.readers.labels.suspicious import suspicion
from prune.readers.labels.values import settle
from prune.readers.sample import RAW, Reader, Unit, depths_of, number_order, passed_over_of, sources_of
from prune.readers.source_watch import Seen, look_at, rested
from prune.readers.tar.skipped_shards import left_out, name_of
from prune.store import SAMPLES, Dataset, identity
from prune.store.layout import DIGEST_CHARS
from prune.store.tables import from_parquet, to_parquet
from prune.system import files

VERSION = 3  # raised when a reader would find something else in the same files


def scan(reader: Reader, folder: Path, reporter: Reporter, *, keep: bool = True) -> Dataset:
    """Return the samples of a dataset, reading only the pieces that `folder` does not know yet.

    A piece whose files have the names, sizes, times and inodes of an earlier scan is not read again. The
    result does not depend on that: it is made of content only. With `keep`, for the holder of the
    store's lock alone, the pieces that were read are kept in `folder`, but for those that had changed so
    lately that another change could bear the same time.

    Raises
    ------
    DataError
        The dataset has no samples, or a piece of it cannot be read.
    """
    known = _known_to(reader, folder)
    tables: list[pa.Table] = []
    sources: dict[str, str] = {}
    seen: dict[str, Seen] = {}
    failed: dict[str, DataError] = {}
    passed_over: Counter[str] = Counter()
    depths: Counter[int] = Counter()
    with reporter.stage("scan", 0) as advance:
        for unit in reader.units():
            before = look_at(reader.root, unit.sources)
            try:
                table = _scan_once(reader, unit, known, keep=keep)
            except DataError as error:  # the pass is finished, so that one run names all that is wrong
                failed[name_of(unit)] = error
                continue
            sources |= sources_of(table)
            seen |= before
            passed_over.update(unit.passed_over)
            passed_over.update(passed_over_of(table))
            depths.update(depths_of(table))
            tables.append(table.replace_schema_metadata(None))
            advance(table.num_rows)
    skipped = left_out(reader, failed, len(failed) + len(tables), reporter)
    raw = pa.concat_tables(tables) if tables else RAW.empty_table()
    if raw.num_rows == 0:
        place = reader.places[0] if len(reader.places) == 1 else reader.root  # a file, where one was named
        raise DataError(
            f"no samples in {place}", "name the folder or file that holds them, or use --as FORMAT"
        )
    raw = getattr(reader, "told_apart", _as_they_are)(raw)
    say = reporter.say if keep else _quietly
    for remark in getattr(reader, "remarks", ()):
        say(remark)
    raw, own = settle(raw, reader, say)
    labels, classes = _class_ids(raw["label"], reader, own=own)
    if not own and (odd := suspicion(labels, classes)):
        say(odd)
    raw = raw.set_column(RAW.get_field_index("label"), SAMPLES.field("label"), labels)
    raw = raw.set_column(RAW.get_field_index("reason"), SAMPLES.field("reason"), with_clashes(raw))
    found = reader.format, reader.split, classes, sources, raw.cast(SAMPLES)
    layout = getattr(reader, "layout", "")
    return Dataset(*found, skipped, seen, dict(passed_over), dict(depths), reader.modality, layout=layout)


def _known_to(reader: Reader, folder: Path) -> Path:
    return folder / identity([VERSION, reader.format, reader.split, dict(reader.options)])


def scans_of(reader: Reader, folder: Path) -> set[Path]:
    """Return the scans in `folder` that the next `scan` of a dataset takes instead of reading files."""
    known = _known_to(reader, folder)
    tokens = (unit.token(reader.root) for unit in reader.units())
    return {path for token in tokens for path in known.glob(f"unit-{token}-*.parquet")}


def first_difference(old: Dataset, new: Dataset) -> str:
    """Say in a few words what changed from one scan to the next."""
    for name in sorted(old.sources.keys() | new.sources.keys()):
        before, now = old.sources.get(name), new.sources.get(name)
        if before != now:
            return f"{name} {_became(name, old, new)}"
    for name, _ in sorted(dict(old.skipped).items() ^ dict(new.skipped).items()):
        return f"{name}, which cannot be read, changed"
    before_keys, now_keys = old.samples["key"], new.samples["key"]
    missing = pc.filter(before_keys, pc.invert(pc.is_in(before_keys, now_keys)))
    if len(missing):
        return f"{missing[0]} is missing"
    added = pc.filter(now_keys, pc.invert(pc.is_in(now_keys, before_keys)))
    if len(added):
        return f"{added[0]} is new"
    if len(before_keys) != len(now_keys):
        return f"there are {len(now_keys)} samples, not {len(before_keys)},"
    for column, what in (
        ("key", "is in another place"),
        ("digest", "changed"),
        ("label", "has another label"),
    ):
        differs = pc.fill_null(pc.not_equal(old.samples[column], new.samples[column]), True)
        both_null = pc.and_(pc.is_null(old.samples[column]), pc.is_null(new.samples[column]))
        rows = np.flatnonzero(pc.and_not(differs, both_null).to_numpy())
        if len(rows):
            return f"{now_keys[int(rows[0])]} {what}"
    if old.classes != new.classes:
        return _first_class(old.classes, new.classes)
    return f"it is now of format {new.format}, split {new.split}"


def _became(name: str, old: Dataset, new: Dataset) -> str:
    """Say what happened to a file that differs."""
    if name in old.sources and name in new.sources:
        return "changed"
    if name in old.sources:
        return "cannot be read any more" if name in new.skipped else "is missing"
    return "can be read now" if name in old.skipped else "is new"


def _first_class(before: list[str], now: list[str]) -> str:
    """Say which class is the first that differs."""
    for place, (old, new) in enumerate(zip_longest(before, now)):
        if old != new:
            return f"class {place} is {_named(new)}, not {_named(old)},"
    return ""


def _named(name: str | None) -> str:
    return "missing" if name is None else repr(name)


def _scan_once(reader: Reader, unit: Unit, known: Path, *, keep: bool) -> pa.Table:
    began, token = time.time_ns(), unit.token(reader.root)
    for path in sorted(known.glob(f"unit-{token}-*.parquet")):
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest()[:DIGEST_CHARS] in path.name:
            return from_parquet(data)
    table = reader.scan(unit)
    if keep and rested(unit.changed(reader.root), began):
        data = to_parquet(table)
        digest = hashlib.sha256(data).hexdigest()[:DIGEST_CHARS]
        files.write(known / f"unit-{token}-{digest}.parquet", data)
    return table


def _as_they_are(raw: pa.Table) -> pa.Table:
    """Return samples whose keys need no other sample to be known."""
    return raw


def _quietly(message: str) -> None:
    """Say nothing: it was said when the scan was kept."""
    del message


def _class_ids(texts: pa.ChunkedArray, reader: Reader, *, own: bool) -> tuple[pa.ChunkedArray, list[str]]:
    """Return ids and names; `own`: the labels come from a file of their own, not from the reader."""
    distinct = [text for text in pc.unique(texts).to_pylist() if text is not None]
    classes = number_order(sorted(distinct)) if own else reader.classes(sorted(distinct))
    ids = pc.index_in(texts, value_set=pa.array(classes, pa.string()), skip_nulls=True)
    return ids.cast(pa.int32()), classes
