"""A dataset whose samples come with the weight of their row; and where prune's rows are in a dataset."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.utils.data import Dataset

from prune.core.arrays import Rows
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


def positions_in(dataset: Any, manifest: pa.Table) -> Rows | None:
    """Return where each row of prune's stands in a dataset; None where it stands at its own number.

    Datasets that know files, as torchvision's do by `samples`, are asked for them: `ImageFolder` reads the
    files of a folder before those of the folders in it, and prune goes by the whole name. Of others the
    length is compared, and `targets`, if there are such. Ids may differ there, as long as two samples have
    one label here and there, or two.

    Parameters
    ----------
    dataset
        Map-style, with all of the data.
    manifest
        Of the selection: a row a sample, with `key` and `label`.

    Raises
    ------
    OptionError
        It has other samples, or the same in another order without saying which.
    """
    if len(dataset) != len(manifest):
        raise OptionError(
            f"the dataset has {len(dataset)} samples, and prune has read {len(manifest)}", _ORDER
        )
    files = getattr(dataset, "samples", None)
    if hasattr(dataset, "root") and isinstance(files, list):  # as `DatasetFolder` has them: (path, label)
        return _by_file([Path(one[0]) for one in files], dataset, manifest["key"].to_pylist())
    _require_same_labels(getattr(dataset, "targets", None), manifest["label"])
    return None


def _by_file(paths: Sequence[Path], dataset: Any, keys: Sequence[str]) -> Rows | None:
    if all(f"/{path.as_posix()}".endswith(f"/{key}") for path, key in zip(paths, keys, strict=True)):
        return None
    root = Path(dataset.root)
    places = {(os.path.relpath(path, root)).replace(os.sep, "/"): at for at, path in enumerate(paths)}
    missing = next((key for key in keys if key not in places), None)
    if missing is not None:
        raise OptionError(f"the dataset has no {missing!r}", _ORDER)
    return np.array([places[key] for key in keys], np.int64)


def _require_same_labels(theirs: Any, labels: pa.ChunkedArray) -> None:
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
