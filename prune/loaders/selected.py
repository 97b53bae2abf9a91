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
from prune.store.layout import STATE

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


def selected(
    place: Store | str | Path,
    selection: str | None,
    *,
    fraction: str | float | None,
    count: int | None,
    everything: bool = False,
    data: str | Path | None,
    reading: Mapping[str, Any] | None,
) -> SelectedSamples:
    """Open the dataset, compare it with what was scanned, and return the samples that are kept of it.

    Parameters
    ----------
    place, selection, fraction, count
        See `home_of`, `whole_selection` and `first_of`.
    everything
        All samples instead.
    data, reading
        The dataset of an exported selection: a manifest says which samples, not where they lie. And how it is
        read, where it was not read by its looks: `label_field`, `labels`, …

    Raises
    ------
    StoreError
        There is no such selection, or the data changed since.
    OptionError
        The selection has no first samples that stand for themselves, or `data` is missing.
    DataError
        The dataset is not where it was.
    """
    if everything and (selection or fraction is not None or count is not None):
        raise OptionError(
            "everything=True and a selection were asked for", "leave one of them out: all samples, or those"
        )
    settings = Settings(reading=dict(reading)) if reading else DEFAULTS
    home = home_of(place)
    if isinstance(home, Path):
        whole = whole_selection(home, selection)
        chosen = None if everything else first_of(whole, fraction, count)
        reader, dataset = scanned_as_recorded(whole, data, settings)
        return _kept(reader, dataset, chosen, settings.reading.get(_PIXELS))
    if data is not None:
        raise OptionError(
            f"the store {home.path} knows where its data is, and data={str(data)!r} was given",
            "leave data= out, or name the folder of an exported manifest",
        )
    chosen = None if everything else first_of(whole_selection(home, selection), fraction, count)
    reader, dataset = reopened(home, settings)
    return _kept(reader, dataset, chosen, locate(home, None, settings)["reading"].get(_PIXELS))


def home_of(place: Store | str | Path) -> Store | Path:
    """Return a store, or where the records of a selection lie that was exported, in whatever form."""
    if isinstance(place, Store):
        return place
    is_store = (Path(place) / STATE).exists()
    records = None if is_store else records_in(Path(place))
    return Store(place) if records is None else records


def whole_selection(home: Store | Path, name: str | None) -> StoredSelection:
    """Return a selection of a store, by default the latest, which must be current; or the exported one."""
    if isinstance(home, Path):
        return exported_selection(home, name)
    found = read_selection(home, name)
    if name is None:
        require_current(home, found)
    return found


def first_of(
    whole: StoredSelection, fraction: str | float | None, count: int | None
) -> StoredSelection | Prefix:
    """Return the first samples taken, this fraction of all or so many; or all of them."""
    if fraction is None and count is None:
        return whole
    return prefix(whole, fraction, count=count)


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
