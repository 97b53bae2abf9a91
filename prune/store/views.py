"""What a store holds, as arrays and tables: for notebooks and for code of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Rows, Scores, Weights
from prune.core.column_name import SCORE, of_kinds, scores_among
from prune.core.notebook import to_pandas
from prune.store.folder import StoreFolder
from prune.store.selections import StoredSelection, read_selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Chosen:
    """A selection: four aligned arrays in the order of the dataset, and how it was made."""

    name: str
    rows: Rows  # (k,) ascending
    keys: npt.NDArray[np.str_]  # (k,)
    weights: Weights  # (k,) float32; 1 where the method gives none
    ranks: Rows  # (k,) 0 = taken first
    about: Mapping[str, Any]  # selection.json
    stored: StoredSelection = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def to_arrow(self, *, dropped: bool = False) -> pa.Table:
        """Return a row a kept sample, in the order of the dataset; with `dropped`, of every sample.

        The columns are those of the manifest: key, label, rank, weight, gain, reason, scores and more.
        """
        manifest = self.stored.manifest
        return manifest if dropped else manifest.take(pa.array(self.rows))

    def to_pandas(self, *, dropped: bool = False) -> Any:
        """Return `to_arrow` as a pandas DataFrame.

        Raises
        ------
        NoPandasError
            pandas is not installed; it is also an ImportError.
        """
        return to_pandas(self.to_arrow(dropped=dropped))

    def plot(self, score: str | None = None, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
        """Draw kept against dropped: over a score (default: the one that decided), and class by class.

        Parameters
        ----------
        score
            Its name; default: the one that decided, else the first there is.
        axes
            Where to draw; default: a new figure, which a notebook shows.

        Returns
        -------
        tuple
            The axes: of the score, if there is one, and of the classes, if there are labels.
        """
        from prune.store.selection_plot import plot_selection

        return plot_selection(self.stored.manifest, self.about, score, axes)

    def _repr_html_(self) -> str:
        from prune.store.in_notebooks import selection_html

        return selection_html(self.name, self.about, len(self))


def scores(store: StoreFolder) -> dict[str, Scores]:
    """Return every score, without the flags that stand beside it."""
    return {name.of: store.column(name).read() for name in scores_among(store.columns)}


def chosen(store: StoreFolder, name: str | None) -> Chosen:
    """Return a selection as arrays."""
    stored = read_selection(store, name)
    kept = stored.manifest.select(["key", "weight", "rank"]).take(pa.array(stored.rows))
    return Chosen(
        name=stored.name,
        rows=stored.rows,
        keys=np.asarray(kept["key"].to_pylist(), np.str_),
        weights=kept["weight"].to_numpy(),
        ranks=kept["rank"].to_numpy(),
        about=stored.about,
        stored=stored,
    )


def table(store: StoreFolder) -> pa.Table:
    """Return the samples with all that is known of each."""
    dataset = store.dataset
    labels = dataset.samples["label"]
    columns: dict[str, Any] = {
        "row": pa.array(np.arange(len(dataset))),
        "key": dataset.samples["key"],
        "label": labels,
        "label_name": pa.array(dataset.classes, pa.string()).take(labels.combine_chunks()),
        "reason": dataset.samples["reason"],
    }
    for name in of_kinds(store.columns, SCORE):
        columns[name] = pa.array(store.column(name).read())
    for name in store.state["selections"]:
        selected = np.zeros(len(dataset), bool)
        selected[read_selection(store, name).rows] = True
        columns[f"selection.{name}"] = pa.array(selected)
    return pa.table(columns)
