"""From the name of an encoder to a column of embeddings."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.column_name import ColumnName
from prune.core.errors import DataError, OptionError
from prune.core.store_option import in_store
from prune.encoders import (
    PRECOMPUTED,
    Encoder,
    PayloadSource,
    learn_once,
    modalities_of,
    open_encoder,
    precomputed_column,
    told_apart,
)
from prune.encoders.clip_retrieval import EmbeddingFolder
from prune.encoders.features import Features
from prune.modalities import MODALITIES
from prune.readers.huggingface import HuggingFace
from prune.steps.dataset_session import Opened
from prune.steps.embedding_units import encode_parts
from prune.steps.expected_modality import require_payloads
from prune.steps.grown_dataset import tell_carried
from prune.steps.recovery import commands_of
from prune.steps.replacement import changed, tell_replaced
from prune.steps.select.target.pool import LEARNT_FROM
from prune.steps.table_features import TableFeatures
from prune.steps.text_payloads import captions_in, tell_captions
from prune.store import CarriedRows, ColumnPart, ColumnWriter, undated
from prune.store.column_files import find_file
from prune.system import files
from prune.system.npy import open_npy


@dataclass(frozen=True, kw_only=True)
class EmbedRequest:
    """What the user asked `embed` for."""

    encoder: str | None = None
    weights: str | None = None
    features: str | None = None
    dtype: str | None = None  # None: as the column is that is there, else float16


@dataclass(frozen=True)
class EncodedColumn:
    """An embedding, for `finish` when its rejects are accepted and no part is missing."""

    writer: ColumnWriter
    read: int = 0  # samples that were read for it now
    kept: int = 0  # rows that were carried over
    missing: Sequence[ColumnPart] = ()  # where several runs make a share each
    encode: Callable[[Sequence[ColumnPart]], int] | None = None  # makes parts, likewise


def embed_column(opened: Opened, asked: EmbedRequest) -> EncodedColumn:
    """Encode what is not encoded yet.

    Raises
    ------
    OptionError
        Options that do not go together, or a dtype that is neither float16 nor float32.
    """
    if asked.dtype not in {None, "float16", "float32"}:
        raise OptionError(f"--dtype {asked.dtype} is not float16 or float32")
    own = _features(opened, asked)
    if own is not None:
        dtype = _dtype(opened, asked, PRECOMPUTED)
        version = 2 if len(opened.dataset.held_out) else 1  # before 2, those held out had no features
        recipe = {"encoder": PRECOMPUTED, **own.identity, "dtype": dtype.name, "version": version}
        writer = _column(opened, ColumnName.embedding(PRECOMPUTED), recipe)
        precomputed_column(own.source, opened.dataset, writer, dtype, opened.settings.reporter)
        return EncodedColumn(writer)
    name = asked.encoder or MODALITIES[opened.dataset.modality].encoder
    _require_fitting(opened, name)
    same = _same_column(opened, asked, name)
    if same is not None:
        return EncodedColumn(same)
    dtype, before = _dtype(opened, asked, name), opened.growth.recipe_of(ColumnName.embedding(name))
    say = opened.settings.reporter.say
    how = _how(opened, asked, before.get(LEARNT_FROM, opened.fingerprint))
    encoder = open_encoder(name, **how, say=say)
    if LEARNT_FROM in before and _carried(opened, encoder, dtype) is None:  # asked for in another way
        how = _how(opened, asked, opened.fingerprint)
        encoder = open_encoder(name, **how, say=say)
    return encoded(opened, encoder, dtype, {"name": name, **how})


def _how(opened: Opened, asked: EmbedRequest, learns_from: str) -> dict[str, Any]:
    """Return the arguments of `open_encoder` but for the name: whoever has them opens the same."""
    device, seed = opened.settings.torch_device, opened.settings.seed
    return {"weights": asked.weights, "device": device, "seed": seed, "learns_from": learns_from}


def encoded(
    opened: Opened, encoder: Encoder, dtype: np.dtype[Any], how: Mapping[str, Any] | None = None
) -> EncodedColumn:
    """Encode the samples that are not encoded yet, into the column `embedding.<encoder>`.

    `how` are the arguments of `open_encoder`, with the name, where others may open it and work side by side.
    """
    settings = opened.settings
    (source, told), name = _source(opened, encoder.name), ColumnName.embedding(encoder.name)
    writer = _column(opened, name, {**encoder.identity, "dtype": dtype.name, **told})
    carried = None if writer.finished else _carried(opened, encoder, dtype)
    kept = 0
    if carried is not None:
        kept = int((carried.rows >= 0).sum())
        counts = len(opened.dataset.usable) - kept, kept
        learnt = LEARNT_FROM in writer.recipe
        tell_carried(opened.store, name, counts, settings.reporter.say, learnt=learnt)
    elif not writer.finished:
        _tell_another(opened, writer)
    before = None if carried is None else carried.column
    learn_once(encoder, source, opened.dataset, writer, settings.reporter, before=before)
    shares = settings.share is not None
    missing = (_absent(writer) if shares else []) or list(writer.missing())
    encode = functools.partial(encode_parts, opened, encoder, source, writer, carried, how)
    if shares:
        return EncodedColumn(writer, missing=missing, encode=encode)
    return EncodedColumn(writer, encode(missing), kept)


def _absent(writer: ColumnWriter) -> list[ColumnPart]:
    """Return the parts that no file has the name of: who makes a share holds the store but for moments."""
    return [part for part in writer.parts if find_file(writer.folder, "part", part.number) is None]


def _carried(opened: Opened, encoder: Encoder, dtype: np.dtype[Any]) -> CarriedRows | None:
    """Return the rows that the column has of an earlier state of the dataset, if it was made just so.

    The digest of an image says nothing of its caption: an embedding of captions has none.
    """
    _, told = _source(opened, encoder.name)
    if "captions" in told:
        return None
    asked = {**encoder.identity, "dtype": dtype.name, **told, "dataset": None}
    name = ColumnName.embedding(encoder.name)
    carried = opened.growth.carried(name, lambda made: {**made, "dataset": None} == asked)
    return None if carried is None else told_apart(carried)


def _tell_another(opened: Opened, writer: ColumnWriter) -> None:
    """Say where a column of the dataset before was made in another way, so that nothing of it is kept."""
    before, made = undated(opened.growth.recipe_of(writer.name)), undated(writer.recipe)
    if before and before != made and "captions" not in made:
        again = commands_of(opened.store)(writer.name)
        opened.settings.reporter.say(
            f"{writer.name} of the dataset before was made in another way, and all is encoded: "
            f"{changed(before, made)}; as before: {again}"
        )


def _source(opened: Opened, encoder: str) -> tuple[PayloadSource, dict[str, Any]]:
    """Return what an encoder reads, and what the recipe says of it: the samples, or captions of images."""
    captions = captions_in(opened) if opened.dataset.modality not in modalities_of(encoder) else None
    if captions is None:
        return opened.payloads, opened.payloads.decoding.recipe
    return captions, {"captions": captions.where}


def _require_fitting(opened: Opened, encoder: str) -> None:
    """Refuse an encoder of other payloads than the dataset has.

    Raises
    ------
    OptionError
        It takes others.
    UnknownNameError
        There is none of this name.
    DataError
        The samples are known by their keys alone.
    """
    require_payloads(opened.reader, opened.dataset)
    kind, takes = MODALITIES[opened.dataset.modality], modalities_of(encoder)
    if kind.name in takes:
        return
    captions = captions_in(opened) if "text" in takes else None
    if captions is not None:
        tell_captions(opened, captions)
        return
    others = " and ".join(MODALITIES[name].plural for name in takes)
    command = shlex.join(["prune", "embed", "--encoder", kind.encoder, *_named_data(opened)])
    raise OptionError(
        f"the encoder {encoder} takes {others}, and the dataset is of {kind.plural}",
        in_store(command, str(opened.store.path)),
    )


def _named_data(opened: Opened) -> list[str]:
    place = opened.location.get("data")
    return [] if place is None else [str(place)]


def _shown(opened: Opened, encoder: str) -> dict[str, Any]:
    """Return how the column of an encoder that is there was made; nothing where there is none."""
    if not opened.store.holds_dataset(opened.fingerprint):
        return {}
    return opened.store.recipe_of(ColumnName.embedding(encoder)) or {}


def _dtype(opened: Opened, asked: EmbedRequest, encoder: str) -> np.dtype[Any]:
    known = _shown(opened, encoder) or opened.growth.recipe_of(ColumnName.embedding(encoder))
    return np.dtype(asked.dtype or known.get("dtype", "float16"))


def _same_column(opened: Opened, asked: EmbedRequest, encoder: str) -> ColumnWriter | None:
    """Return the column that is there and whole, where nothing was said that it might not be."""
    recipe = _shown(opened, encoder)
    if asked.weights is not None or asked.dtype not in {None, recipe.get("dtype")}:
        return None
    if recipe.get("seed", opened.settings.seed) != opened.settings.seed:
        return None
    if recipe.get("dataset") != opened.fingerprint:  # none is there, or it is no encoder's
        return None
    if recipe.get("captions") != _source(opened, encoder)[1].get("captions"):
        return None
    if opened.settings.refresh and recipe.get(LEARNT_FROM, opened.fingerprint) != opened.fingerprint:
        return None
    if (
        opened.decoded_as(recipe).payloads.decoding != opened.payloads.decoding
    ):  # as with another --max-pixels
        return None
    writer = opened.store.write_column(ColumnName.embedding(encoder), recipe, rows=len(opened.dataset))
    return writer if writer.finished else None


@dataclass(frozen=True)
class _Features:
    """Features that were computed elsewhere."""

    source: Path | Features
    identity: dict[str, str]  # what the recipe says of them


def _features(opened: Opened, asked: EmbedRequest) -> _Features | None:
    """Return the features asked for: in a file that was named, or the dataset's own in place of payloads."""
    if asked.encoder not in {None, PRECOMPUTED}:
        if asked.features is not None:
            raise OptionError(f"--features and --encoder {asked.encoder} exclude each other", "leave one out")
        return None
    reader = opened.reader
    if isinstance(reader, HuggingFace) and reader.features_column is not None and asked.features is None:
        column = str(reader.options["features_column"])
        return _Features(TableFeatures(reader, opened.dataset), {"column": column})
    file = _own_features(opened) if asked.features is None else asked.features
    if not file:
        return None
    if Path(file).is_dir():
        folder = EmbeddingFolder(Path(file), opened.dataset)
        return _Features(folder, folder.identity)
    if not Path(file).is_file():
        raise DataError(f"there is no file {file}", "name a .npy or parquet file after --features")
    return _Features(Path(file), {"file": files.sha256(Path(file))})


def _own_features(opened: Opened) -> str | None:
    shards = opened.dataset.sources
    if opened.reader.format != "arrays" or len(shards) == 0:
        return None
    matrix = next((name for name in sorted(shards) if _is_matrix(opened.reader.root / name)), None)
    return None if matrix is None else str(opened.reader.root / matrix)


def _is_matrix(path: Path) -> bool:
    return open_npy(path).ndim == 2


def _column(opened: Opened, name: str, recipe: dict[str, Any]) -> ColumnWriter:
    recipe = {**recipe, "dataset": opened.fingerprint}
    before = _shown(opened, ColumnName(name).of)
    if before and before != recipe:
        opened.settings.reporter.say(f"{name} is there, made in another way: {changed(before, recipe)}")
        tell_replaced(opened.store, [name], opened.settings.reporter.say)
    return opened.store.write_column(name, recipe, rows=len(opened.dataset))
