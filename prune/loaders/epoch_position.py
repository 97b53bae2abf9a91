"""Where a pass over samples stands: its epoch, what was taken of it, and the state to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch.utils.data import get_worker_info

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.loaders.epoch_order import Codes, EpochOrder, of_worker
from prune.loaders.option_checks import whole_number


@dataclass(frozen=True)
class PassStart:
    """What of a rank's epoch is not gone through: what all workers left out, and what this one has had."""

    skipped: int = 0  # of the rank's samples, before they are dealt to workers
    taken: int = 0  # of what was dealt to this worker
    worker: int | None = None  # None: of no worker, so that `skipped` is all that counts
    workers: int | None = None


class EpochPosition:
    """The place of an iterable dataset in its epochs.

    The number of the epoch lies in shared memory, so that workers which were started long ago see it.

    Parameters
    ----------
    files, order
        See `EpochOrder.positions`.
    lot
        Samples of a batch; see `of_worker`.
    identity
        Stands for the samples and their order: a state fits no other.
    """

    def __init__(self, files: Codes, order: EpochOrder, lot: int | None, identity: str) -> None:
        self.files, self.order, self.lot, self.identity = files, order, lot, identity
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call] # as torch has it
        self._loaded: tuple[int, PassStart] | None = None  # of which epoch; where the next pass begins
        self._now = PassStart()  # of the pass that goes on in this process

    @property
    def epoch(self) -> int:
        """The epoch that the next pass is of."""
        return int(self._epoch[0])

    @property
    def count(self) -> int:
        """Samples of this rank in a whole epoch, also while one goes on in its middle: see `RowSampler`."""
        return self.order.count(len(self.files))

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; what was loaded of another epoch no longer counts."""
        self._epoch[0] = whole_number("epoch", epoch)
        self._now = PassStart()
        if self._pending() is None:
            self._loaded = None

    def begin(self) -> Rows:
        """Begin a pass in this process; return the positions that are its own, in their order.

        Raises
        ------
        OptionError
            The state that was loaded is of another number of workers.
        """
        info = get_worker_info()
        start, self._loaded = self._pending() or PassStart(), None
        if start.worker is not None and (
            info is None or (info.id, info.num_workers) != (start.worker, start.workers)
        ):
            now = 0 if info is None else info.num_workers
            raise OptionError(
                f"the state is of worker {start.worker} of {start.workers}, and now there are {now} workers",
                f"num_workers={start.workers}, or take states by state_dict(batches=…): they fit any number",
            )
        of = (None, None) if info is None else (info.id, info.num_workers)
        self._now = replace(start, worker=of[0], workers=of[1])
        rank = self.order.positions(self.files, self.epoch)[start.skipped :]
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        return of_worker(rank, worker, workers, self.lot)[start.taken :]

    def advance(self) -> None:
        """Count one sample that is handed out now."""
        self._now = replace(self._now, taken=self._now.taken + 1)

    def state(self, batches: int | None) -> dict[str, Any]:
        """Return where the training stands; see `SampleStream.state_dict`."""
        pending = self._pending()
        start = self._now if pending is None else pending
        if batches is not None:
            if self.lot is None:
                raise OptionError(
                    f"batches={batches}, and how large a batch is was not said", "stream(…, batch_size=64)"
                )
            start = PassStart(skipped=start.skipped + whole_number("batches", batches) * self.lot)
        if start.worker is None:
            start = PassStart(skipped=start.skipped + start.taken)
        epoch = self.epoch
        if start.worker is None and start.skipped >= self.order.count(len(self.files)) > 0:
            epoch, start = epoch + 1, PassStart()
        return {"epoch": epoch, **asdict(start), "of": self.identity}

    def load(self, state: Mapping[str, Any]) -> None:
        """Begin the next pass where a state was taken; `epoch` is then its epoch.

        Raises
        ------
        OptionError
            It is the state of other samples, or of another order of them.
        """
        if state.get("of") != self.identity:
            raise OptionError(
                "the state is of other samples, or of another order of them",
                "make the stream as it was made then: of the same selection, with the same seed and world",
            )
        names = ("skipped", "taken", "worker", "workers")
        self.set_epoch(int(state["epoch"]))
        self._loaded = int(state["epoch"]), PassStart(*(state[name] for name in names))

    def _pending(self) -> PassStart | None:
        return self._loaded[1] if self._loaded is not None and self._loaded[0] == self.epoch else None
