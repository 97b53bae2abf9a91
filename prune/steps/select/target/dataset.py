"""A target that is a dataset: scanned and looked at as the pool was, in a store inside that of the pool."""

from __future__ import annotations

import contextlib
import itertools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune.core.column_name import OF_PAYLOADS, RESULTS, ColumnName
from prune.core.errors import DataError, OptionError, StoreError
from prune.modalities import MODALITIES
from prune.readers import Reader, open_reader
from prune.readers.scan import scan
from prune.steps.dataset_session import Opened
from prune.steps.proxy_inputs import seen_as
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.select.target.pool import LEARNT_FROM, TargetPool, essence
from prune.steps.settings import Settings
from prune.steps.store_place import require_apart
from prune.store import Column, Dataset, Store, identity
from prune.store.layout import LOCATION, SCANS, TARGETS
from prune.system import files

if TYPE_CHECKING:
    from prune.encoders import Encoder


@dataclass(frozen=True)
class TargetDataset:
    """A dataset to match, before anything is computed about it."""

    source: str
    reader: Reader
    dataset: Dataset


def find_dataset(pool: TargetPool, source: str, split: str | None, settings: Settings) -> TargetDataset:
    """Open and scan a dataset; the pieces that were scanned are kept with those of the pool.

    What the pool's reader had to be told (its format, the field of labels) is tried on this dataset first.

    Raises
    ------
    DataError, OptionError
        There is no such dataset or split, it cannot be read, or its samples are of another kind.
    StoreError
        The store lies in it.
    """
    require_apart(pool.store.path, source)
    reader = _open(source, split, _told(pool.store))
    dataset = scan(reader, pool.store.path / SCANS, settings.reporter)
    if not pool.is_of_texts:  # what has no texts is told apart later
        require_same_kind(pool, source, dataset)
    return TargetDataset(source, reader, dataset)


def require_same_kind(pool: TargetPool, source: str, dataset: Dataset) -> None:
    """Refuse a dataset whose samples are of another kind than those of the pool.

    Raises
    ------
    OptionError
        They are.
    """
    ours, theirs = (MODALITIES[one.modality].plural for one in (pool.dataset, dataset))
    if ours != theirs:
        raise OptionError(
            f"{source} is of {theirs}, and the dataset of {pool.store.path} is of {ours}",
            "name data of the same kind",
        )


def look_at(
    pool: TargetPool, target: TargetDataset, settings: Settings, device: str
) -> tuple[Store, dict[int, str]]:
    """Return a store that has the columns of the pool's space for this dataset, and the rows left out.

    The store lies in that of the pool, under the fingerprint of the dataset. Columns that it has are not
    computed again; an interruption costs what was not finished.

    Raises
    ------
    OptionError
        The encoder cannot be made again: its weights are gone, or its features came from a file.
    RejectsError
        Samples cannot be used, and `settings` do not say to go on without them.
    """
    dataset, fingerprint = target.dataset, target.dataset.fingerprint
    if fingerprint == pool.store.state.get("dataset"):
        return pool.store, all_rejects(pool.store, dataset)
    store = Store(pool.store.path / TARGETS / fingerprint[:16])
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        if not store.holds_dataset(fingerprint):
            store.write_dataset(dataset)
        ready = Opened(store, target.reader, dataset, fingerprint, settings)
        columns = (
            by_proxy(pool, ready, target.source, device)
            if pool.is_of_proxy
            else [by_encoder(pool.store, pool.store.column(pool.space), ready, target.source, device)]
        )
        rejects = dict(dataset.rejects)
        for column in columns:
            rejects |= column.rejects
        check_rejects(ready, rejects, "target samples")
        store.publish(dataset=fingerprint, columns={c.name: identity(c.recipe) for c in columns})
    return store, rejects


def _told(store: Store) -> dict[str, Any]:
    """Return what the pool's reader was told, but for the split and the labels, which are the pool's own."""
    try:
        reading = files.read_record(store.path / LOCATION)["reading"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: reading[name] for name in _TOLD if name in reading}


_TOLD = ("as_", "label_field", "image_column", "text_field", "template", "no_labels")


def _open(source: str, split: str | None, told: dict[str, Any]) -> Reader:
    if told:
        with contextlib.suppress(DataError, OptionError):
            return open_reader(source, split=split, **told)
    return open_reader(source, split=split)


def by_proxy(pool: TargetPool, ready: Opened, source: str, device: str) -> list[Column]:
    """Return what the trained proxy of a pool sees of another dataset, and what comes of that."""
    from prune.proxy import TrainedProxy, apply_proxy

    trained = TrainedProxy.of(pool.store)
    ready, settings = ready.decoded_as(trained.inputs.recipe), ready.settings
    if ColumnName(trained.inputs.name).kind in OF_PAYLOADS:
        inputs = seen_as(ready, trained.inputs)
    else:
        inputs = by_encoder(pool.store, trained.inputs, ready, source, device)
    made = apply_proxy(trained, ready.store, ready.dataset, inputs, device=device, reporter=settings.reporter)
    return [inputs, *(ready.store.open_column(name, made[name]) for name in RESULTS)]


def by_encoder(pool: Store, wanted: Column, ready: Opened, source: str, device: str) -> Column:
    """Return the embedding of another dataset that is made as `wanted` was, a column of the pool.

    Raises
    ------
    OptionError
        The encoder cannot be made again.
    """
    same = _same_column(wanted, ready.store)
    if same is not None:
        return same
    from prune.steps.embedding_column import encoded

    ready = ready.decoded_as(wanted.recipe)
    encoder = _encoder(wanted, ready, pool, source, device)
    return encoded(ready, encoder, wanted.dtype).writer.finish()


def _same_column(wanted: Column, store: Store) -> Column | None:
    """Return the column of the target that is there already and whole, without a look at the encoder."""
    if wanted.name not in store.columns_if_any:
        return None
    try:
        column = store.column(wanted.name)
    except StoreError:  # damaged: it is made again
        return None
    if (essence(column.recipe), column.dtype) != (essence(wanted.recipe), wanted.dtype):
        return None
    writer = store.write_column(column.name, column.recipe, rows=len(column), part_rows=column.part_rows)
    return column if writer.finished else None


def _encoder(wanted: Column, ready: Opened, pool: Store, source: str, device: str) -> Encoder:
    """Return the encoder that made a column of the pool, with what it learnt."""
    from prune.encoders import PRECOMPUTED, open_encoder, restore_from

    name = wanted.recipe["encoder"]
    if name == PRECOMPUTED:
        raise OptionError(
            f"{wanted.name} was computed elsewhere, so prune cannot look at {source} in the same way",
            "save the target's features, computed as those of the pool: --target FEATURES.npy",
        )
    for weights in (None, _weights_typed(pool, wanted.name), "random"):
        with contextlib.suppress(OptionError):
            encoder = open_encoder(
                name,
                weights=weights,
                device=device,
                seed=wanted.recipe.get("seed", ready.settings.seed),
                learns_from=wanted.recipe.get(LEARNT_FROM, ""),
                say=ready.settings.reporter.say,
            )
            if essence(encoder.identity) == essence(wanted.recipe):
                restore_from(encoder, wanted)
                return encoder
    other = f"{Path(source).name or 'target'}.prune"
    raise OptionError(
        f"{wanted.name} was made with weights that are not at hand, so {source} cannot be encoded",
        f"prune embed --encoder {name} --weights FILE --store {other} {source}   # then --target {other}",
    )


def _weights_typed(pool: Store, column: str) -> str | None:
    """Return the weights that were named when a column was made, if the store remembers them."""
    try:
        words = shlex.split(pool.commands.get(column, ""))
    except ValueError:
        return None
    return dict(itertools.pairwise(words)).get("--weights")
