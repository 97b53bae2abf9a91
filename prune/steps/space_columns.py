"""From columns of the store to the space that `--on` names: an embedding, the proxy's features, gradients."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from prune.core.arrays import Embeddings, Rows
from prune.core.column_name import EMBEDDING, FEATURES, PROBS, ColumnName, of_kinds
from prune.core.errors import OptionError
from prune.core.method_names import caption_tower
from prune.index.kept_neighbours import NeighbourKeeper
from prune.index.resource_plan import Size
from prune.store import Column, Dataset, Store
from prune.store.column_rows import rows_of
from prune.system.rows_on_disk import RowsOnDisk

if TYPE_CHECKING:
    from prune.index.space import Space

GRADIENTS = "gradients"
HELD = 4  # an embedding is read into memory where it takes no more than this part of what a search may use


class SeveralEmbeddingsError(OptionError):
    """Several embeddings, and none named; `first` is one of them."""

    def __init__(self, names: Sequence[str], first: str) -> None:
        self.first = first
        super().__init__(f"there are several embeddings: {', '.join(names)}", f"--on {first}   # or another")


class SpaceSource:
    """The columns behind a space, read when they are first needed; `keeper` keeps neighbours of all samples.

    Equal images are equal rows: rounding must not tell duplicates apart. Of gradients, the label is the
    sample's own.
    """

    def __init__(
        self,
        store: Store,
        dataset: Dataset,
        name: str,
        *,
        device: str,
        memory: int,
        keeper: NeighbourKeeper | None = None,
    ) -> None:
        self.name, self.device, self.memory = name, device, memory
        self._dataset, self._keeper = dataset, keeper
        self._features = store.column(FEATURES if name == GRADIENTS else name)
        self._probs = store.column(PROBS) if name == GRADIENTS else None

    @property
    def like(self) -> Size:
        """Width, memory and device of the space."""
        width = self._features.shape[1] + (0 if self._probs is None else self._probs.shape[1])
        classes = 0 if self._probs is None else self._probs.shape[1]
        return Size(0, width, self.memory, self.device, gradients=classes > 0, classes=classes)

    @functools.cached_property
    def vectors(self) -> Embeddings | RowsOnDisk:
        """(n, d) the embedding; the features, of gradients. Left on the disk where it is large."""
        column = self._features
        if (
            self._probs is None
            and len(column) * column.shape[1] * column.dtype.itemsize > self.memory // HELD
        ):
            which = _originals(column, self._dataset)
            return rows_of(column, which)
        return of_originals(column, self._dataset)

    @functools.cached_property
    def errors(self) -> Embeddings:
        """(n, c) p − onehot(y), of gradients."""
        from prune.index.gradients import errors_of

        assert self._probs is not None
        labels = self._dataset.labels
        probs = of_originals(self._probs, self._dataset)
        ours = probs.flags.owndata and probs.flags.writeable  # not the file itself
        errors = errors_of(probs, np.maximum(labels, 0), overwrite=ours)
        errors[labels < 0] = np.nan
        return errors

    def space(self, rows: Rows) -> Space:
        """Return the space of these samples, in this order.

        Raises
        ------
        DataError
            Some of them have no finite numbers.
        """
        n = len(self._features)
        which = None if len(rows) == n and np.array_equal(rows, np.arange(n)) else rows
        if self._probs is None:
            from prune.index.space import EmbeddingSpace

            space = EmbeddingSpace(self.vectors, device=self.device, rows=which, memory=self.memory)
            space.keeper = self._keeper if which is None else None
            few = which is not None and isinstance(self.vectors, RowsOnDisk)
            return space.subset(np.arange(space.n)) if few else space  # a class, say, in memory
        from prune.index.gradients import GradientSpace

        features = self.vectors
        assert isinstance(features, np.ndarray), "gradients are held"
        return GradientSpace(self.errors, features, device=self.device, rows=which, memory=self.memory)


def space_name(store: Store, on: str | None) -> str:
    """Return the column that `--on` names, or `gradients`; see `embedding_name`."""
    if on == GRADIENTS:
        for needed in (PROBS, FEATURES):
            store.column(needed)
        return GRADIENTS
    return embedding_name(store, on)


def embedding_name(store: Store, on: str | None) -> str:
    """Return the embedding of a name; by default the only one that `embed` wrote, else the proxy's features.

    That of captions by the other tower of a model does not count, where that of the images is there.

    Raises
    ------
    SeveralEmbeddingsError
        None was named.
    MissingColumnError
        There is no such column.
    """
    if on is not None:
        return store.column(on if ColumnName(on).kind == EMBEDDING else ColumnName.embedding(on)).name
    encoded = encoded_names(store.columns)
    if len(encoded) > 1:
        names = [name.of for name in of_kinds(store.columns, EMBEDDING)]
        raise SeveralEmbeddingsError(names, encoded[0])
    return store.column(ColumnName.embedding(encoded[0]) if encoded else FEATURES).name


def encoded_names(columns: Iterable[str]) -> list[str]:
    """Return which of these columns are embeddings that `embed` wrote, by their names."""
    names = [name.of for name in of_kinds(columns, EMBEDDING)]
    beside = {"proxy", *map(caption_tower, names)}
    return [name for name in names if name not in beside]


def kcenter_line(columns: Iterable[str], made: str | None = None) -> str:
    """Return a selection that works on these columns; on the embedding that was made, of several."""
    encoded = encoded_names(columns)
    on = f" --on {ColumnName(made).of if made else encoded[0]}" if len(encoded) > 1 else ""
    return f"prune select --method kcenter --fraction 0.3{on}"


def of_originals(column: Column, dataset: Dataset) -> Embeddings:
    """Return a column with the rows of duplicates replaced by those of the first of them that has any.

    Of captions as they are: equal images may have different ones.
    """
    values, originals = column.read(), _originals(column, dataset)
    return values if originals is None else values[originals]


def _originals(column: Column, dataset: Dataset) -> Rows | None:
    """Return the row that each row is read from; None where that is its own."""
    if "captions" in column.recipe:
        return None
    originals = dataset.originals_without(column.rejects)
    return None if np.array_equal(originals, np.arange(len(originals))) else originals
