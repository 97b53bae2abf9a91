"""One epoch in the making: samples come in any order, and every one of them once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from prune.core.arrays import Array, Probs, Rows
from prune.core.column_name import FEATURES, PROBS
from prune.core.errors import DataError, OptionError
from prune.proxy.trace import FACTS, facts, log_probabilities
from prune.store import Dataset
from prune.store.join import count

ABSENT = "not in the trace of your own training"
_LARGEST = 65_504.0  # of float16


class Epoch:
    """The facts of an epoch, float16 (9, n), and the predictions and features after it.

    Memory: 2·n·(9 + 2·c + d) bytes.

    Parameters
    ----------
    number
        From 1.
    classes
        c: how many logits a sample has.
    previous
        Log-probabilities after the epoch before, (n, c); None at the first.
    """

    def __init__(self, dataset: Dataset, number: int, classes: int, previous: Probs | None) -> None:
        n = len(dataset)
        self.dataset, self.number, self.classes = dataset, number, classes
        self.previous = previous
        self.labels = torch.from_numpy(dataset.labels.astype(np.int64))
        self.facts = np.full((len(FACTS), n), np.nan, np.float16)
        self.logs = np.zeros((n, classes), np.float16)
        self.probs = np.full((n, classes), np.nan, np.float16)
        self.features: Array | None = None  # (n, d), where they are given
        self.times = np.zeros(n, np.int64)  # how often each sample was seen
        self._bare = False  # some batch came without features

    def add(self, rows: Rows, logits: Tensor, features: Tensor | None) -> None:
        """Take a batch: logits (b, c) in the order of the dataset's classes, features (b, d).

        Raises
        ------
        OptionError
            They have another shape, or logits that are not finite.
        """
        self._check(rows, logits, features)
        np.add.at(self.times, rows, 1)
        place = torch.from_numpy(rows)
        labels = self.labels[place].to(logits.device)
        before = None if self.previous is None else torch.from_numpy(self.previous[rows]).to(logits.device)
        seen = logits.new_full((len(rows), 1), torch.nan) if features is None else features.flatten(1)
        self.facts[:, rows] = facts(logits, labels, seen, before).cpu().numpy()
        self.logs[rows] = log_probabilities(logits).cpu().numpy()
        self.probs[rows] = logits.float().softmax(1).half().cpu().numpy()
        if features is None:
            self._bare = True
        else:
            self._keep(rows, seen)

    def check(self, *, partial: bool) -> dict[int, str]:
        """Return the rows that the epoch lacks, with the reason.

        Raises
        ------
        DataError
            A sample came twice; or did not come, and the trace is not `partial`.
        """
        usable = self.dataset.usable
        often, lacking = np.flatnonzero(self.times > 1), usable[self.times[usable] == 0]
        if len(often):
            raise DataError(
                f"epoch {self.number} has {count('sample', self._keys(often))} more than once",
                "let the loader give every sample once an epoch",
            )
        if len(lacking) == len(usable):
            raise DataError(f"epoch {self.number} has no sample", "call record for every batch")
        if len(lacking) and not partial:
            raise DataError(
                f"epoch {self.number} lacks {count('sample', self._keys(lacking))} of {len(usable)}",
                "let the loader give every sample (no drop_last), or say TraceWriter(…, partial=True)",
            )
        return dict.fromkeys(lacking.tolist(), ABSENT)

    def results(self) -> dict[str, Array | None]:
        """Return `embedding.proxy`, None where some batch came without features, and `probs`."""
        return {FEATURES: None if self._bare else self.features, PROBS: self.probs}

    def _check(self, rows: Rows, logits: Tensor, features: Tensor | None) -> None:
        if tuple(logits.shape) != (len(rows), self.classes):
            known = len(self.dataset.classes)
            raise OptionError(
                f"the logits of {len(rows)} samples have the shape {tuple(logits.shape)}; the dataset has "
                f"{known} classes: want ({len(rows)}, {self.classes})",
                "train on the classes of the dataset, in its order or that of TraceWriter(…, classes=[…])",
            )
        if features is not None and len(features) != len(rows):
            raise OptionError(f"{len(rows)} samples have features of shape {tuple(features.shape)}")
        finite = torch.isfinite(logits).all(1).cpu().numpy()
        if not finite.all():
            bad = self._keys(rows[~finite])
            raise OptionError(
                f"at epoch {self.number} the logits of {count('sample', bad)} are not finite",
                "the training diverged: lower its learning rate",
            )

    def _keep(self, rows: Rows, features: Tensor) -> None:
        if self.features is None:
            self.features = np.full((len(self.dataset), features.shape[1]), np.nan, np.float16)
        self.features[rows] = features.float().clamp(-_LARGEST, _LARGEST).half().cpu().numpy()

    def _keys(self, rows: Rows) -> Any:
        return self.dataset.samples["key"].take(pa.array(rows))
