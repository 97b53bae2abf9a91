"""A dataset whose samples come with the weight of their row; and a look whether it is in prune's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.utils.data import Dataset

from prune.core.errors import OptionError

WEIGHT = "weight"  # the entry of a sample that is a mapping
_ORDER = "give it all of the data in the order of the keys: prune.Store('.prune').table()['key']"


class _Weighted(Dataset[Any]):
    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        sample = self.dataset[int(row)]
        weight = torch.tensor(getattr(row, "weight", 1.0))
        if isinstance(sample, Mapping):
            return {**sample, WEIGHT: weight}
        return (*sample, weight)


def weighted(dataset: Any) -> Dataset[Any]:
    """Return a map-style dataset whose samples carry the weight that a sampler gave their row.

    (input, label) becomes (input, label, weight), and a mapping has one more entry, `weight`; 1 where the
    sampler gives none. The loss of a batch is then ``(losses * weight).sum() / weight.sum()``.
    """
    return _Weighted(dataset)


def require_order(dataset: Any, labels: pa.ChunkedArray) -> None:
    """Raise `OptionError` unless a dataset has as many samples, and labels that go with these, row by row.

    Parameters
    ----------
    dataset
        Map-style; its `targets`, as torchvision's datasets have them, are compared if there are such. Ids
        may differ, as long as two samples have one label here and there, or two.
    labels : (n,)
        As prune has them; null where there is none.
    """
    if len(dataset) != len(labels):
        raise OptionError(f"the dataset has {len(dataset)} samples, and prune has read {len(labels)}", _ORDER)
    theirs = getattr(dataset, "targets", None)
    if theirs is None:
        return
    own = pc.fill_null(labels, -1).to_numpy()
    known = np.flatnonzero(own >= 0)
    pairs = np.stack([own[known], np.asarray(theirs, np.int64)[known]])
    met, first = np.unique(pairs, axis=1, return_index=True)
    for side in met:
        ids, counts = np.unique(side, return_counts=True)
        if (counts > 1).any():
            late = int(first[side == ids[counts > 1][0]].max())
            raise OptionError(
                f"the dataset is in another order: the label of its row {known[late]} is another one", _ORDER
            )
