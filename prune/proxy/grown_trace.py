"""A trace of a dataset that grew: facts of samples that stayed, and of others by the weights that were kept.

The network never trained on the others: of them it says what it says of samples that are held out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from prune.core.arrays import Array, Rows
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.config import Training
from prune.proxy.evaluate import Observer
from prune.proxy.inputs import Inputs
from prune.proxy.results import write_results
from prune.proxy.run import FRAME, GROWN, Proxy, as_learnt, model_at, priced, results_of, trace_recipe
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.trace import FACTS
from prune.proxy.training_subsets import Share, share_like
from prune.store import CarriedRows, Column, ColumnWriter, Dataset, Store, identity

VERSION = 1  # raised when the same weights would say something else of samples that came later
WEIGHTS, LEARNT, WATCHED = "weights", "learnt", "watched"  # attached to a grown trace
SEEN = "seen"  # too: digests of all that its network learnt from, of what is gone or has another label too
_DIVERGENCE = FACTS.index("divergence")


@dataclass(frozen=True)
class GrownPlace:
    """The dataset as it is now, and where columns of it go."""

    store: Store
    dataset: Dataset
    inputs: Column
    device: str = "cpu"
    reporter: Reporter = SILENT


@dataclass(frozen=True, kw_only=True)
class TraceBefore:
    """The trace of a dataset as it was, and which of its samples are which now."""

    dataset: Dataset
    inputs: Column  # what its network looked at
    trace: Column
    learnt: Rows  # rows of that dataset that it trained on
    watched: Rows  # and those that it is about
    rows: Rows  # (n,) the row that each sample was, with the same content and label; −1: there is none
    later: Rows  # rows of the dataset now that are new and that this proxy is to look at
    results: Mapping[str, Column] = field(default_factory=dict)  # features and predictions of that network

    @property
    def compact(self) -> bool:
        """Whether the trace holds the rows only that it is about."""
        return (self.trace.recipe.get("share") or {}).get("fold") is not None

    @property
    def share(self) -> Share:
        """What the network learnt from, and what the grown trace is about, by the rows of now."""
        watched = np.union1d(self._now(self.watched), self.later)
        return share_like(self.trace.recipe.get("share") or {}, self._now(self.learnt), watched)

    @cached_property
    def seen(self) -> Array:
        """Digests of all that the network ever learnt from."""
        return _seen(self.trace, self.dataset, self.learnt)

    def places(self, share: Share) -> Rows:
        """Return where in the trace before each sample of the grown one stands, as they are kept."""
        rows = np.where(np.isin(self.rows, self.watched), self.rows, -1)
        if not self.compact:
            return rows
        rows = rows[share.watched]
        return np.where(rows >= 0, np.searchsorted(self.watched, rows), -1)

    def _now(self, before: Rows) -> Rows:
        return np.flatnonzero((self.rows >= 0) & np.isin(self.rows, before))


class GrownTrace:
    """The trace of a run, or a fold of it, in the making."""

    def __init__(self, place: GrownPlace, training: Training, proxy: Proxy, before: TraceBefore) -> None:
        self._place, self._training, self._before, self._share = place, training, before, before.share
        share = None if before.trace.recipe.get("share") is None else self._share
        recipe = {
            **trace_recipe(place.dataset, place.inputs, training, proxy.run, place.device, share=share),
            GROWN: {
                "from": identity(before.trace.recipe),
                "trained": priced(before.trace.recipe),
                "version": VERSION,
            },
        }
        self.proxy = replace(proxy, share=share, carried=recipe)
        self._recipe = recipe

    def write(self, *, first: bool) -> Proxy:
        """Write what is missing; return the proxy that the trace serves.

        Of epochs whose weights were not kept, facts of samples that came later are NaN.

        Parameters
        ----------
        first
            Also write `embedding.proxy` and `probs`, if it is of run 0.
        """
        place, store = self._place, self._place.store
        writer = store.write_column(self.proxy.trace, self._recipe, rows=self._training.last, part_rows=1)
        results: list[ColumnWriter] = []
        if first:
            n = len(place.dataset)
            results = results_of(store, self.proxy, self._recipe, n, way(place.device))
        if all(one.finished for one in (writer, *results)):
            return self.proxy
        with repeatable(torch.device(place.device)):
            before = self._before
            learnt = Inputs(before.inputs, before.dataset, torch.device("cpu"))
            frame = as_learnt(learnt, before.trace).frame
            where = torch.device(place.device)
            fed = Inputs(place.inputs, place.dataset, where, say=place.reporter.say).framed(frame)
            if not writer.finished:
                self._attach(writer, frame)
                self._trace(writer, fed)
                writer.finish()
            if not all(one.finished for one in results):
                self._results(results, fed, learnt.rows)
        return self.proxy

    def _attach(self, writer: ColumnWriter, frame: bytes) -> None:
        """Keep beside the trace what its network was, so that it can grow again."""
        trace, share = self._before.trace, self._share
        files = {
            (WEIGHTS, e, "safetensors"): trace.attachment(WEIGHTS, e) for e in trace.attachments(WEIGHTS)
        }
        files[FRAME, 0, "safetensors"] = frame
        for kind, array in ((LEARNT, share.learnt), (WATCHED, share.watched), (SEEN, self._before.seen)):
            files[kind, 0, "npy"] = _packed(array)
        for (kind, number, suffix), data in files.items():
            if writer.attachment(kind, number) is None:
                writer.attach(kind, number, data, suffix)

    def _trace(self, writer: ColumnWriter, fed: Inputs) -> None:
        """Write the epochs that are missing; all are looked at, as facts compare one with that before."""
        share, trace = self._share, self._before.trace
        missing, places = {part.number + 1: part for part in writer.missing()}, self._before.places(share)
        known, later = np.flatnonzero(places >= 0), fed.at(self._before.later)
        passes = len(trace.attachments(WEIGHTS)) * len(later.rows)
        with self._place.reporter.stage(f"looking at new samples, run {self.proxy.name}", passes) as advance:
            for epoch, facts in self._looks(later, advance):
                if epoch in missing:
                    values = facts[:, :, share.watched] if self._before.compact else facts
                    values[:, :, known] = trace.read(epoch - 1, epoch)[:, :, places[known]]
                    writer.put(missing[epoch], values)

    def _looks(self, later: Inputs, advance: Advance) -> Iterator[tuple[int, Array]]:
        """Yield the facts of samples that came later after every epoch, (1, 9, n); NaN without weights."""
        trace, observer, seen = self._before.trace, Observer(later), 0
        kept = set(trace.attachments(WEIGHTS)) if len(later.rows) else set[int]()
        for epoch in range(1, self._training.last + 1):
            facts: Array = np.full((1, len(FACTS), len(later.labels)), np.nan, np.float16)
            if epoch in kept:
                observer = observer if seen == epoch - 1 else Observer(later)
                facts = observer.look(model_at(trace, later, self._training, epoch), epoch, advance)
                if seen < epoch - 1:  # what it is to be compared with is not known
                    facts[0, _DIVERGENCE] = np.nan
                seen = epoch
            yield epoch, facts

    def _results(self, writers: list[ColumnWriter], fed: Inputs, known: Rows) -> None:
        """Write features and probabilities: of samples that stayed as they were, where they are there."""
        before, training = self._before, self._training
        if all(writer.name in before.results for writer in writers):
            rows = np.where(np.isin(before.rows, known), before.rows, -1)
            for writer in writers:
                writer.overlay = CarriedRows(before.results[writer.name], rows).over
            fed = fed.without(np.flatnonzero(rows >= 0))
        model = model_at(before.trace, fed, training, training.last)
        write_results(writers, fed, model, self._place.reporter)


def grown_rows(trace: Column) -> tuple[Rows, Rows] | None:
    """Return which rows the network of a grown trace learnt from, and which it is about; None of others."""
    if not trace.attachments(LEARNT):
        return None
    learnt, watched = (_unpacked(trace.attachment(kind, 0)) for kind in (LEARNT, WATCHED))
    return learnt, watched


def learnt_before(trace: Column, dataset: Dataset, rows: Rows) -> Rows:
    """Return those of the rows whose bytes the network of a grown trace learnt from, with whatever label."""
    known = grown_rows(trace)
    assert known is not None
    return rows[np.isin(digests_of(dataset, rows), _seen(trace, dataset, known[0]))]


def digests_of(dataset: Dataset, rows: Rows) -> Array:
    """Return the digests of rows, (m,) of 16 bytes."""
    return np.array(dataset.samples["digest"].take(rows).to_pylist(), "S16")


def _seen(trace: Column, dataset: Dataset, learnt: Rows) -> Array:
    mine = np.unique(digests_of(dataset, learnt))
    return np.union1d(mine, _unpacked(trace.attachment(SEEN, 0))) if trace.attachments(SEEN) else mine


def _packed(array: Array) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=False)
    return packed.getvalue()


def _unpacked(data: bytes) -> Array:
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
