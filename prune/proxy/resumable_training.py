"""Training that can be resumed: each epoch of a proxy is on disk before the next begins.

The order of writes of an epoch makes any interruption harmless: weights to keep, the checkpoint of this
epoch, the part of the trace, and only then is the checkpoint before removed. Whatever is missing is computed
again from the latest checkpoint before it, with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from prune.core.arrays import Array
from prune.core.column_name import ColumnName
from prune.core.errors import StoreError
from prune.core.progress import Advance
from prune.proxy.config import Training, stored_epochs
from prune.proxy.evaluate import Observer
from prune.proxy.inputs import Inputs
from prune.proxy.train import Trainer, size_of_weights, weights_of
from prune.proxy.weight_file import pieces_of
from prune.store import ColumnWriter, Store
from prune.store.layout import STOPPED

Enough = Callable[[Array], bool]  # shown the facts of each epoch in order, (9, n): whether that will do
Spent = Callable[[float], None]  # told of the seconds of every epoch


class ResumableTraining:
    """What is left to do of one training.

    Parameters
    ----------
    writer
        Of the trace, one part an epoch.
    inputs
        Its labelled rows are learnt from, its rows are looked at.
    training, run
        How, and with which seeds.
    compact
        Keep the rows that are looked at only, instead of NaN for the others.
    enough
        Ends the training early; the column then stays open, with the checkpoint to go on from.
    """

    def __init__(
        self,
        writer: ColumnWriter,
        inputs: Inputs,
        training: Training,
        run: int,
        *,
        compact: bool = False,
        enough: Enough | None = None,
    ) -> None:
        self.writer, self.inputs, self.training, self.run = writer, inputs, training, run
        self._compact, self._enough = compact, enough
        self._shown, self._found = 0, False  # epochs that `enough` was shown, and whether they will do
        self._missing = {part.number + 1: part for part in writer.missing()}
        kept = stored_epochs(training, size_of_weights(inputs, training))
        self._unkept = {epoch for epoch in kept if writer.attachment("weights", epoch) is None}
        self._todo = sorted(self._unkept.union(self._missing))
        self.stopped = self._stops_before(self._todo[0]) if self._todo and enough is not None else None
        if self.stopped is not None:
            self._todo = []
        self._start = self._checkpoint(before=self._todo[0]) if self._todo else 0

    @property
    def name(self) -> str:
        """Which run, and which fold of it."""
        return ColumnName(self.writer.name).rest

    @property
    def work(self) -> int:
        """Samples that pass through the network at most."""
        if not self._todo:
            return 0
        labelled, looked = max(2, len(self.inputs.labelled)), len(self.inputs.rows)
        return (self._todo[-1] - self._start) * (labelled + looked) + (looked if self._start else 0)

    @property
    def facts_left(self) -> int:
        """Samples, over all epochs, whose facts are still to be written."""
        return len(self._missing) * len(self.inputs.rows if self._compact else self.inputs.labels)

    @property
    def weights_left(self) -> int:
        """Epochs whose weights are still to be written, and kept."""
        return len(self._unkept)

    def follow(self, advance: Advance, spent: Spent) -> None:
        """Train until the last epoch, or until that is enough; finish the column in the first case."""
        self.train(advance, spent)
        for epoch in range(1, self.training.last if self.stopped is None else self.stopped):
            self.writer.detach("checkpoint", epoch)  # a kill may have left the one before the last
        if self.stopped is None:
            self.writer.finish()
        elif self.writer.attachment(STOPPED, 0) is None:
            self.writer.attach(STOPPED, 0, b"{}", "json")

    def train(self, advance: Advance, spent: Spent) -> None:
        """Train what is left, and leave the column open: whoever shows it finishes it."""
        if not self._todo:
            return
        self.writer.detach(STOPPED, 0)
        began = time.perf_counter()
        trainer, observer = self._after(self._start), Observer(self.inputs)
        if self._start:
            observer.look(trainer.model, self._start, advance)
        for epoch in range(self._start + 1, self._todo[-1] + 1):
            trainer = self._epoch(trainer, epoch, advance)
            self._write(epoch, trainer, observer.look(trainer.model, epoch, advance))
            now = time.perf_counter()
            spent(now - began)
            began = now
            if epoch < self.training.last and self._will_do(epoch):
                self.stopped = epoch
                break

    def _after(self, epoch: int) -> Trainer:
        """Return the training after an epoch whose checkpoint is there; after epoch 0, a fresh one."""
        trainer = Trainer(self.inputs, self.training, self.run)
        if epoch:
            state = self.writer.attachment("checkpoint", epoch)
            if state is None:
                raise StoreError(
                    f"the checkpoint of {self.writer.name} after epoch {epoch} is gone: "
                    "does another command write to this store?",
                    "wait for it, then run the same command again",
                )
            trainer.restore(state)
        return trainer

    def _epoch(self, trainer: Trainer, epoch: int, advance: Advance) -> Trainer:
        """Train for an epoch; where the device's memory is short, from its start again in smaller pieces."""
        while True:
            try:
                trainer.epoch(epoch, advance)
            except torch.OutOfMemoryError:
                tried = trainer.at_once
            else:
                return trainer
            self.inputs.micro_batch.shorten_steps(tried)  # out of the handler, whose traceback holds tensors
            trainer = self._after(epoch - 1)

    def _write(self, epoch: int, trainer: Trainer, values: Array) -> None:
        if epoch in self._unkept:
            self.writer.attach("weights", epoch, pieces_of(trainer.model.state_dict()), "safetensors")
        if epoch < self.training.last:
            self.writer.attach("checkpoint", epoch, pieces_of(trainer.state()), "safetensors")
        if epoch in self._missing:
            shown = values[:, :, self.inputs.rows] if self._compact else values
            self.writer.put(self._missing[epoch], shown)
        self.writer.detach("checkpoint", epoch - 1)

    def _stops_before(self, first: int) -> int | None:
        """Return how many epochs there are, if those will do: what is trained already is never cut."""
        done = first - 1
        there = done > 0 and self.writer.attachment("checkpoint", done) is not None
        found = self._will_do(done)
        return done if there and found else None

    def _will_do(self, epoch: int) -> bool:
        if self._enough is None or epoch < self._shown:  # what is trained already is never cut
            return False
        while self._shown < epoch:  # each epoch once, also where it is trained again
            values = self.writer.read_part(self._shown)
            self._shown += 1
            assert values is not None, f"epoch {self._shown} was written before"
            self._found = self._enough(values[0]) or self._found
        return self._found

    def _checkpoint(self, *, before: int) -> int:
        """Return the epoch of the latest whole checkpoint before an epoch; 0 for a fresh start."""
        epochs = range(before - 1, 0, -1)
        return next((e for e in epochs if self.writer.attachment("checkpoint", e) is not None), 0)


def take_over(store: Store, writer: ColumnWriter, training: Training, size: int) -> None:
    """Copy the first epochs of the open column of the whole schedule, if they and their weights are there.

    Parameters
    ----------
    size
        Bytes of the weights of an epoch.
    """
    recipe = {**writer.recipe, "training": replace(training, stop=None).recipe}
    whole = store.write_column(writer.name, recipe, rows=training.epochs, part_rows=1)
    last = whole.attachment("checkpoint", training.last)
    weights = {epoch: whole.attachment("weights", epoch) for epoch in stored_epochs(training, size)[:-1]}
    weights[training.last] = None if last is None else weights_of(last)
    if whole.finished or any(data is None for data in weights.values()):
        return
    for epoch, data in weights.items():
        if writer.attachment("weights", epoch) is None:
            assert data is not None
            writer.attach("weights", epoch, data, "safetensors")
    for part in writer.missing():
        values = whole.read_part(part.number)
        if values is None:
            return
        writer.put(part, values)
