"""A few lines in your own training loop leave the trace that every score is computed from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from prune.core.arrays import Array, Probs
from prune.core.column_name import ColumnName
from prune.core.errors import OptionError, StoreError
from prune.steps.score.sources.own_trace import hidden
from prune.store import Dataset, Store
from prune.system.disk_space import require_room
from prune.trace.batches import Unpack, unpack
from prune.trace.columns import TraceColumns
from prune.trace.epoch import Epoch
from prune.trace.evaluation_pass import Head, observed
from prune.trace.samples import Lookup, known_dataset


class TraceWriter:
    """Writes `trace.<run>`, and for run 0 `embedding.proxy` and `probs`, from your own model.

        writer = TraceWriter(".prune", epochs=20)
        for epoch in range(20):
            train(model)
            writer.observe(model, loader)       # yields (inputs, labels, keys or rows), without augmentation
        writer.close()

    Then `prune score --type aum,forgetting` needs no proxy. Every epoch is safe once `observe` returns: a
    training that was interrupted goes on with `resume=True` at `writer.next_epoch`. Memory:
    2·n·(9 + 4·c + d) bytes. With several processes, write in one of them, which sees every sample.

    Parameters
    ----------
    store
        Where the trace goes: a store that knows the dataset, unless `data`, or `keys` and `labels`, are
        given.
    epochs
        How many there will be; features and probabilities are kept after the last.
    data
        A dataset that prune is to read, if the store does not know it yet.
    keys, labels
        Of a dataset that prune cannot read: text, one a sample, in the order of rows (default: the row);
        class ids or texts, below 0 or None where there is none.
    classes
        Names of the model's outputs, in their order. Default: the dataset's classes in its order.
    run
        0, 1, …: trainings that differ by their seed; scores are means over them.
    resume
        Go on with the training that was interrupted. Otherwise begin anew, which removes what was not
        finished.
    partial
        Samples may be missing from an epoch: they get no score.

    Raises
    ------
    StoreError
        There is no store, it is busy, or holds another dataset.
    OptionError, DataError
        `epochs` or `run` is out of range; keys, labels and classes do not fit together.
    OutputError
        The trace will not fit on the disk.
    """

    def __init__(  # noqa: PLR0913 - what a dataset and a training are, all optional
        self,
        store: Store | str | Path = ".prune",
        *,
        epochs: int,
        data: str | None = None,
        keys: Sequence[str] | None = None,
        labels: Any = None,
        classes: Sequence[str] | None = None,
        run: int = 0,
        resume: bool = False,
        partial: bool = False,
    ) -> None:
        if epochs < 1 or run < 0:
            raise OptionError(f"epochs is {epochs} and run is {run}, but at least 1 and 0 are needed")
        self.store = store if isinstance(store, Store) else Store(store)
        self.epochs, self.run, self.partial = epochs, run, partial
        self.dataset: Dataset = known_dataset(self.store, data, keys, labels, classes)
        self.classes = max(len(self.dataset.classes), 2)
        self._lookup = Lookup(self.dataset, classes)
        with self.store.writing(wait=True):
            self._columns = TraceColumns.begin(self.store, self.dataset, run, epochs, resume=resume)
            self._done = self._columns.done()
        require_room(self.store.path, self._columns.bytes_left(self.classes))
        self._current: Epoch | None = None
        self._last: Epoch | None = None  # the latest that is written, for its features
        self._logs: Probs | None = None  # log-probabilities after it
        self._lacking: dict[int, str] = {}

    @property
    def next_epoch(self) -> int:
        """The epoch that comes next, from 1."""
        return self._done + 1

    def observe(
        self,
        model: nn.Module,
        loader: Iterable[Any],
        *,
        epoch: int | None = None,
        head: Head = "last",
        unpack: Unpack = unpack,
        device: torch.device | None = None,
    ) -> None:
        """Look at every sample once, in evaluation mode and without gradients, and keep the epoch.

        Parameters
        ----------
        loader
            Every sample once, without augmentation, in any order: (inputs, labels, keys or rows), or mappings
            with such entries. Labels may be None; else they are compared with those of the dataset.
        epoch
            Which one this is; default: the next. An earlier one is done again, with all after it.
        head
            The layer whose input is the feature; `last`: the linear layer that gives the logits; None: no
            features, and so none of the scores and spaces that need them.
        unpack
            Takes a batch apart: (what the model is given, labels or None, keys or rows).
        device
            Where inputs go; default: where the model is.

        Raises
        ------
        DataError
            A sample is missing, unknown, comes twice, or has another label.
        OptionError
            The model's output does not fit, is not finite, or its head cannot be found.
        """
        with self.epoch(epoch):
            seen = observed(model, loader, head=head, unpack=unpack, device=device)
            for samples, labels, logits, features in seen:
                self.record(samples, logits, labels=labels, features=features)

    @contextlib.contextmanager
    def epoch(self, number: int | None = None) -> Iterator[None]:
        """Open an epoch for `record`; when it closes without an error, the epoch is checked and written."""
        number = self.next_epoch if number is None else number
        if self._current is not None:
            raise ValueError(f"epoch {self._current.number} is not closed")
        self._require(number)
        previous = self._previous(number)
        self._current = Epoch(self.dataset, number, self.classes, previous)
        try:
            yield
            self._write(self._current)
        finally:
            self._current = None

    def record(
        self, samples: Any, logits: Tensor, labels: Any = None, features: Tensor | None = None
    ) -> None:
        """Take a batch of the open epoch.

        Parameters
        ----------
        samples : (b,)
            Keys (text) or rows (whole numbers).
        logits : (b, c)
            In evaluation mode, without augmentation, before softmax.
        labels : (b,)
            Compared with those of the dataset, if given.
        features : (b, d)
            What the last layer sees.

        Raises
        ------
        DataError, OptionError
            As `observe`.
        """
        if self._current is None:
            raise ValueError("record wants an open epoch: with writer.epoch(): …")
        rows = self._lookup.rows(samples)
        if labels is not None:
            self._lookup.check_labels(rows, labels)
        bare = None if features is None else features.detach()
        self._current.add(rows, self._lookup.ordered(logits.detach()), bare)

    def close(self, *, early: bool = False) -> dict[str, Any]:
        """Publish the trace; from then on `prune score` uses it.

        Parameters
        ----------
        early
            The training has stopped before its last epoch.

        Returns
        -------
        dict
            columns, epochs.

        Raises
        ------
        OptionError
            Epochs are missing, and `early` is not said; or there is none at all.
        StoreError
            The store holds another dataset by now.
        """
        if self._done == 0 or (self._done < self.epochs and not (early or self._columns.finished)):
            raise OptionError(
                f"the trace has {self._done} of {self.epochs} epochs",
                "close(early=True), if the training has stopped" if self._done else "observe an epoch first",
            )
        with self._holding():
            if self._done < self.epochs and self._last is not None and not self._columns.finished:
                self._columns.put_results(self._done, self._last.results(), self._lacking)
            made = self._columns.finish()
            self.store.publish(columns=made, without=hidden(self.store, self.run) - set(made))
        return {"columns": sorted(made), "epochs": self._done}

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _require(self, number: int) -> None:
        if self._columns.finished:
            raise OptionError(
                f"{ColumnName.trace(self.run)} is finished, with {self._done} epochs",
                "TraceWriter(…, resume=False) begins another",
            )
        if not 1 <= number <= min(self.next_epoch, self.epochs):
            raise OptionError(
                f"epoch {number} cannot follow: the trace has {self._done} of {self.epochs} epochs",
                f"the next is {self.next_epoch}; TraceWriter(…, resume=False) begins anew",
            )

    def _previous(self, number: int) -> Probs | None:
        if number == 1:
            return None
        if self._logs is not None and number == self.next_epoch:
            return self._logs
        return self._columns.previous(number - 1)

    def _write(self, epoch: Epoch) -> None:
        lacking = epoch.check(partial=self.partial)
        with self._holding():
            if epoch.number == self.epochs and self.run == 0:
                results: dict[str, Array | None] = epoch.results()
                self._columns.put_results(epoch.number, results, lacking)
            self._columns.put(epoch.number, epoch.facts, epoch.logs, lacking)
        self._done, self._last, self._logs, self._lacking = epoch.number, epoch, epoch.logs, lacking
        epoch.previous = None

    @contextlib.contextmanager
    def _holding(self) -> Iterator[None]:
        """Hold the store, and make sure that dataset and columns are still what they were."""
        with self.store.writing(wait=True):
            if self.store.state.get("dataset") != self.dataset.fingerprint:
                raise StoreError(
                    f"stale: {self.store.path} holds another dataset since this training began",
                    "train on the data as it is now, or use another store",
                )
            if not self._columns.exist() or self._columns.done() != self._done:
                raise StoreError(
                    f"another training writes {ColumnName.trace(self.run)} in {self.store.path}",
                    "give each training a run of its own: TraceWriter(…, run=1)",
                )
            yield
