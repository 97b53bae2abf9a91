"""The kept samples of a selection, where they lie: of a dataset that is still the one it was chosen from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError
from prune.loaders.exported_selection import exported_selection, records_in, scanned_as_recorded
from prune.modalities.image.bit_depth import bits_of
from prune.modalities.image.decode_settings import PLAIN, Decoding, pixels_of
from prune.readers import Reader
from prune.steps.dataset_session import locate, reopened
from prune.steps.expected_modality import require_payloads
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Dataset, Prefix, Store, StoredSelection, prefix, read_selection, require_current

EVERYTHING = "everything"
_PIXELS = "max_pixels"


@dataclass(frozen=True)
class SelectedSamples:
    """Rows of a dataset, with the reader that has their payloads; picklable.

    Attributes
    ----------
    kept
        The dataset, of these rows alone: its sources, its classes, k samples.
    rows, weights
        (k,) where each stands in the whole dataset, ascending; how much it counts.
    """

    name: str  # of the selection
    reader: Reader = field(repr=False)
    kept: Dataset = field(repr=False)
    rows: Rows = field(repr=False)
    weights: Weights = field(repr=False)
    decoding: Decoding = PLAIN

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class SelectionRequest:
    """Which samples are meant.

    Attributes
    ----------
    selection
        Its name; default: the latest.
    fraction, count
        Only the first samples taken: this fraction of all, or so many; of selections that are nested.
    everything
        All samples of the dataset, row by row, instead of a selection.
    data
        The dataset of an exported selection: a manifest says which samples, not where they lie.
    reading
        How that dataset is read, where it was not read by its looks: `label_field`, `labels`, …
    """

    selection: str | None = None
    fraction: str | float | None = None
    count: int | None = None
    everything: bool = False
    data: str | Path | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)


def selected(place: Store | str | Path, wanted: SelectionRequest) -> SelectedSamples:
    """Open the dataset, compare it with what was scanned, and return the samples that are kept of it.

    Parameters
    ----------
    place
        A store, or a folder that `prune export --format manifest` wrote.

    Raises
    ------
    StoreError
        There is no such selection, or the data changed since.
    OptionError
        The selection has no first samples that stand for themselves, or `data` is missing.
    DataError
        The dataset is not where it was.
    """
    if wanted.everything and (wanted.selection or wanted.fraction is not None or wanted.count is not None):
        raise OptionError(
            "everything=True and a selection were asked for", "leave one of them out: all samples, or those"
        )
    settings = Settings(reading=dict(wanted.reading)) if wanted.reading else DEFAULTS
    if not isinstance(place, Store) and (records := records_in(Path(place))) is not None:
        return _of_export(records, wanted, settings)
    store = place if isinstance(place, Store) else Store(place)
    if wanted.data is not None:
        raise OptionError(
            f"the store {store.path} knows where its data is, and data={str(wanted.data)!r} was given",
            "leave data= out, or name the folder of an exported manifest",
        )
    chosen = None if wanted.everything else _chosen(store, wanted)
    reader, dataset = reopened(store, settings)
    limit = locate(store, None, settings)["reading"].get(_PIXELS)
    return _kept(reader, dataset, chosen, limit)


def _chosen(store: Store, wanted: SelectionRequest) -> StoredSelection | Prefix:
    whole = read_selection(store, wanted.selection)
    if wanted.selection is None:
        require_current(store, whole)
    return _first(whole, wanted)


def _first(whole: StoredSelection, wanted: SelectionRequest) -> StoredSelection | Prefix:
    if wanted.fraction is None and wanted.count is None:
        return whole
    return prefix(whole, wanted.fraction, count=wanted.count)


def _of_export(folder: Path, wanted: SelectionRequest, settings: Settings) -> SelectedSamples:
    whole = exported_selection(folder, wanted.selection)
    chosen = None if wanted.everything else _first(whole, wanted)
    reader, dataset = scanned_as_recorded(whole, wanted.data, settings)
    return _kept(reader, dataset, chosen, settings.reading.get(_PIXELS))


def _kept(
    reader: Reader, dataset: Dataset, chosen: StoredSelection | Prefix | None, limit: Any
) -> SelectedSamples:
    require_payloads(reader, dataset)
    rows = np.arange(len(dataset)) if chosen is None else chosen.rows
    weights = None if chosen is None else chosen.weights
    samples = dataset.samples if chosen is None else dataset.samples.take(pa.array(rows))
    return SelectedSamples(
        name=EVERYTHING if chosen is None else chosen.name,
        reader=reader,
        # In one piece: of a thousand, taking the samples of a batch would cost 60 ms and not 0.1.
        kept=replace(dataset, samples=samples.combine_chunks()),
        rows=rows,
        weights=np.ones(len(rows), np.float32) if weights is None else weights,
        decoding=Decoding(pixels_of(limit), bits_of(dataset.depths)),
    )
