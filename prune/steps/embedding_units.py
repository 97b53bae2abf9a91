"""Parts of an embedding as units of work: who sees the store and the dataset can make any of them."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.column_name import ColumnName
from prune.core.errors import StoreError
from prune.core.option_words import whole_path
from prune.encoders import Encoder, PayloadSource, encode_dataset, learn_once, open_encoder
from prune.modalities.image.decode_settings import Decoding
from prune.readers.captions import Captions
from prune.readers.scanned import Scanned
from prune.readers.source_watch import Sources
from prune.steps.dataset_session import Opened
from prune.steps.located_reader import reader_at
from prune.steps.text_payloads import CountedCaptions
from prune.steps.unit_executor import (
    SHARED,
    dataset_of,
    executor_for,
    part_made,
    part_there,
    require_here,
    run_units,
)
from prune.store import CarriedRows, ColumnPart, ColumnWriter, Dataset, Store
from prune.system.cores import thread_count
from prune.system.memory import resident

_ROW_BYTES = 4 * 2048  # of a part in the making: of the widest networks


def encode_parts(
    opened: Opened,
    encoder: Encoder,
    source: PayloadSource,
    writer: ColumnWriter,
    carried: CarriedRows | None,
    how: Mapping[str, Any] | None,
    parts: Sequence[ColumnPart],
) -> int:
    """Make parts of a column, here or elsewhere; return how many samples were read.

    `how` are the arguments of `open_encoder`, where others may open it; `carried` are rows that hold still.
    """
    settings, dtype = opened.settings, np.dtype(writer.recipe["dtype"])
    captions = None
    if isinstance(source, Captions):
        captions = CountedCaptions(source, Sources(opened.reader.root, opened.dataset))
    if how is not None and captions is None and carried is None:
        read = _encode_apart(opened, writer, parts, how, dtype)
        if read is not None:
            return read
    elif parts and settings.executor == "ray":
        made = f"{writer.name} is made by this process"
        settings.reporter.say(f"{made}: captions, and data that grew, are not spread")
    read = encode_dataset(
        encoder,
        captions or source,
        opened.dataset,
        writer,
        workers=settings.workers,
        threads=thread_count() if settings.torch_device == "cpu" else 1,
        dtype=dtype,
        carried=carried,
        parts=parts,
        reporter=settings.reporter,
    )
    if captions is not None:
        captions.tell(settings.reporter.say)
    return read


def _encode_apart(
    opened: Opened,
    writer: ColumnWriter,
    missing: Sequence[ColumnPart],
    how: Mapping[str, Any],
    dtype: np.dtype[Any],
) -> int | None:
    """Make the missing parts of a column beside this process; return how many samples were read.

    None: not here. Images are decoded by processes in any case, and all of these have work until the end; so
    they make parts where there are two for each. Texts are read by one process alone.

    Parameters
    ----------
    how
        Arguments of `open_encoder`.

    Raises
    ------
    StoreError
        A part was made, and does not lie in this store: its folder is not that of the other machines.
    """
    settings, spread = opened.settings, opened.settings.executor == "ray"
    enough = 2 * settings.workers if opened.dataset.modality == "image" else 2
    if not spread and (len(missing) < enough or how["device"] != "cpu"):
        return None
    memory = resident() + _ROW_BYTES * max((part.stop - part.start for part in missing), default=0)
    executor = executor_for(settings, "encode", len(missing), memory=memory, gpu=how["device"] == "cuda")
    if executor is None:
        return None
    spec = json.dumps(_described(opened, writer, how, dtype))
    total = sum(part.stop - part.start for part in missing)
    with settings.reporter.stage(f"embed with {ColumnName(writer.name).of}", total) as advance:
        numbers = [part.number for part in missing]
        found = run_units(executor, encode_part, spec, numbers, name=f"part {{}} of {writer.name}".format)
        with contextlib.closing(found):  # type: ignore[type-var]
            for part, file in zip(missing, found, strict=True):
                require_here(writer, file)
                advance(part.stop - part.start)
    return total


def encode_part(spec: str, number: int) -> str:
    """Make one part, unless it is there; return the name of its file."""
    session = _session(spec)
    there = part_there(session.writer, number)
    if there is not None:
        return there
    session.encode(session.writer.parts[number])
    return part_made(session.writer, number)


def _described(
    opened: Opened, writer: ColumnWriter, how: Mapping[str, Any], dtype: np.dtype[Any]
) -> dict[str, Any]:
    """Return all that decides a part, as plain values; places from the root, for who works elsewhere."""
    reading, decoding = dict(opened.location["reading"]), opened.payloads.decoding
    if "labels" in reading:
        reading["labels"] = whole_path(reading["labels"])
    how = {**how, "weights": _weights(how["weights"])}
    return {
        "store": str(opened.store.path.absolute()),
        "dataset": opened.fingerprint,
        "location": {**opened.location, "data": whole_path(opened.location["data"]), "reading": reading},
        "decoding": [decoding.max_pixels, decoding.bits],
        "encoder": how,
        "dtype": dtype.name,
        "column": writer.name,
        "recipe": writer.recipe,
        "part_rows": writer.part_rows,
    }


def _weights(weights: str | None) -> str | None:
    """Return a file of weights by its whole path; other words as they are."""
    return whole_path(weights) if weights is not None and Path(weights).exists() else weights


@dataclass(frozen=True)
class _Session:
    """What a process keeps from one part to the next: the encoder, and the table of samples."""

    encoder: Encoder
    source: Scanned
    dataset: Dataset
    writer: ColumnWriter
    dtype: np.dtype[Any]

    def encode(self, part: ColumnPart) -> None:
        encode_dataset(self.encoder, self.source, self.dataset, self.writer, dtype=self.dtype, parts=[part])


@functools.lru_cache(maxsize=1)
def _session(spec: str) -> _Session:
    """Open what the parts of a column are made of.

    Raises
    ------
    StoreError
        The store does not lie here, or the encoder is another one here.
    """
    asked = json.loads(spec)
    store = Store(asked["store"])
    dataset = dataset_of(store, asked["dataset"])
    source = Scanned(reader_at(asked["location"]), Decoding(*asked["decoding"]))
    how = dict(asked["encoder"])
    encoder = open_encoder(how.pop("name"), **how)
    other = [name for name, value in _plain(encoder.identity) if asked["recipe"].get(name) != value]
    if other:
        raise StoreError(f"{other[0]} of the encoder {encoder.name} is not the same on all machines", SHARED)
    rows = len(dataset)
    writer = store.write_column(asked["column"], asked["recipe"], rows=rows, part_rows=asked["part_rows"])
    writer.swept = True  # where several runs make a share each, another one takes the store for moments
    learn_once(encoder, source, dataset, writer)
    return _Session(encoder, source, dataset, writer, np.dtype(asked["dtype"]))


def _plain(identity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what an encoder says of itself, as it is when it comes out of a file."""
    yield from json.loads(json.dumps(dict(identity))).items()
