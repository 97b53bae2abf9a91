"""Proxies as columns: the trace of each, and of the first the features and probabilities it ended with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from torch import nn

from prune.core.column_name import RESULTS, TRACE, ColumnName
from prune.core.progress import SILENT, Reporter
from prune.proxy.concurrent_training import follow_all, room_for
from prune.proxy.config import NGRAM, Training
from prune.proxy.equivalent_trace import shown_or
from prune.proxy.inputs import Inputs
from prune.proxy.results import write_results
from prune.proxy.resumable_training import ResumableTraining, take_over
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.trace import FACTS
from prune.proxy.train import load_weights, new_model, size_of_weights
from prune.proxy.training_subsets import Share
from prune.store import Column, ColumnWriter, Dataset, Store, identity
from prune.system.precision import precision_of

VERSION = 1  # raised when the same training would give another trace
_OF_TEXTS = 2  # the same of texts
GROWN = "grown"  # in the recipe of a trace that was carried over from the dataset as it was
FRAME = "frame"  # attached to such a trace: how what its network learnt from was normalised


@dataclass(frozen=True)
class Proxy:
    """One proxy to train."""

    run: int = 0  # another run has other weights, order and augmentation
    share: Share | None = None  # what it learns from and is looked at on; default: everything
    carried: Mapping[str, Any] | None = None  # recipe of the trace that serves: see `grow_trace`
    anew: bool = False  # a trace that was carried over does not serve

    @property
    def name(self) -> str:
        """What its columns end in: the run, and the fold of it."""
        fold = None if self.share is None else self.share.fold
        return str(self.run) if fold is None else f"{self.run}.{fold}"

    @property
    def trace(self) -> ColumnName:
        """The name of its trace."""
        return ColumnName.trace(self.name)

    def fed(self, inputs: Inputs) -> Inputs:
        """Return what it learns from and is looked at on."""
        share = self.share
        return inputs if share is None else inputs.only(learnt=share.learnt, watched=share.watched)

    def serving(self, store: Store, asked: dict[str, Any]) -> dict[str, Any]:
        """Return how the trace was made that serves where this one is asked for: itself, if none does."""
        if self.carried is not None:
            return dict(self.carried)
        if self.anew and GROWN in (store.recipe_of(self.trace) or {}):
            return asked
        return shown_or(store, self.trace, asked)


def run_proxy(
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    run: int = 0,
    *,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """Train run `run` of a proxy, or go on with it, and finish its columns.

    Writes `trace.<run>`, float16 (t, 9, n); for run 0 also `embedding.proxy`, float16 (n, d), and `probs`,
    float16 (n, max(c, 2)), both after the last epoch. Samples that the scan or `inputs` rejected are NaN;
    samples without a label are not trained on.

    Parameters
    ----------
    inputs
        `images.<size>`; `ngrams.<length>` for the proxy `ngram`, an embedding for `linear`.
    run
        0, 1, …: another run has other weights, order and augmentation.

    Returns
    -------
    dict
        Column name to the identity of its recipe, for `Store.publish(columns=…)`.

    Raises
    ------
    DataError
        No usable sample has a label, or `inputs` is not finite.
    OptionError
        The training diverges, or the proxy does not fit the inputs.
    """
    return run_proxies(store, dataset, inputs, training, [Proxy(run)], device=device, reporter=reporter)


def run_proxies(  # noqa: PLR0913 - run_proxy's parameters, and how many at once
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    proxies: Sequence[Proxy],
    *,
    device: str = "cpu",
    reporter: Reporter = SILENT,
    at_once: int | None = None,
) -> dict[str, str]:
    """Train several proxies, or go on with them, as `run_proxy` does with one.

    Parameters
    ----------
    proxies
        The one of run 0 leaves `embedding.proxy` and `probs`, of all samples. Folds leave traces only,
        `trace.<run>.<fold>`, float16 (t, 9, m), of their own m rows.
    at_once
        How many side by side; default: one on a CPU, on a GPU as many as there is room for. The bits are
        the same.

    Returns
    -------
    dict
        Column name to identity.
    """
    asked = [trace_recipe(dataset, inputs, training, p.run, device, share=p.share) for p in proxies]
    recipes = [p.serving(store, recipe) for p, recipe in zip(proxies, asked, strict=True)]
    traces = [
        store.write_column(p.trace, recipe, rows=training.last, part_rows=1)
        for p, recipe in zip(proxies, recipes, strict=True)
    ]
    results = results_of(store, proxies[0], recipes[0], len(dataset), way(device))
    writers = [*traces, *results]
    if not all(writer.finished for writer in writers):
        place = torch.device(device)
        with repeatable(place):
            fed = Inputs(inputs, dataset, place, say=reporter.say)
            _train(store, training, proxies, traces, fed, reporter=reporter, at_once=at_once)
            if not all(writer.finished for writer in results):
                first = traces[0].finish()
                fed = as_learnt(fed, first)
                write_results(results, fed, model_at(first, fed, training, training.last), reporter)
    return {writer.name: identity(writer.recipe) for writer in writers}


def trace_recipe(
    dataset: Dataset,
    inputs: Column,
    training: Training,
    run: int,
    device: str,
    *,
    share: Share | None = None,
) -> dict[str, Any]:
    """Return all that the trace depends on; the device's model and versions are not part of it.

    The kind of device, the precision and the shards are, so that no run that goes on elsewhere mixes epochs
    of two kinds.
    """
    kind = torch.device(device).type
    rejected = ",".join(map(str, sorted(inputs.rejects)))
    recipe = {
        "column": TRACE,
        "version": _OF_TEXTS if training.proxy == NGRAM else VERSION,
        "data": dataset.fingerprint,
        "inputs": {"name": inputs.name, "recipe": inputs.recipe},
        "rejected": hashlib.sha256(rejected.encode()).hexdigest(),
        "training": training.recipe,
        "run": run,
        "device": kind,
        "precision": precision_of(kind),
        **way(kind, training),
        "facts": list(FACTS),
        "taken": "after each epoch, in evaluation mode, without augmentation",
    }
    return recipe if share is None else {**recipe, "share": dict(share.recipe)}


def training_cost(store: Store, traces: Iterable[tuple[str, str]]) -> float | None:
    """Return the seconds that training took, over all commands; None where a trace was made elsewhere."""
    costs = store.costs
    keys = {priced(store.open_column(name, id_).recipe) for name, id_ in traces}
    return sum(costs[key] for key in keys) if keys <= costs.keys() else None


def as_learnt(inputs: Inputs, trace: Column) -> Inputs:
    """Return samples normalised as those that a network learnt from, where these are more than it had."""
    return inputs.framed(trace.attachment(FRAME, 0)) if trace.attachments(FRAME) else inputs


def model_at(trace: Column, inputs: Inputs, training: Training, epoch: int) -> nn.Module:
    """Return the network of a finished trace as it was after `epoch`.

    Raises
    ------
    StoreError
        The weights of this epoch were not kept, or they do not fit.
    """
    weights = safetensors.torch.load(trace.attachment("weights", epoch))
    model = new_model(inputs, training, trace.recipe["run"])
    load_weights(model, weights)
    return model.eval()


def _train(
    store: Store,
    training: Training,
    proxies: Sequence[Proxy],
    traces: Sequence[ColumnWriter],
    inputs: Inputs,
    *,
    reporter: Reporter,
    at_once: int | None,
) -> None:
    """Train what is not finished."""
    proxy_runs = []
    for proxy, trace in zip(proxies, traces, strict=True):
        if not trace.finished:
            proxy_runs.append(training_left(store, trace, inputs, training, proxy))
    room = room_for(inputs, training, len(proxy_runs)) if at_once is None else at_once
    follow_all(
        proxy_runs,
        at_once=room,
        reporter=reporter,
        spent=lambda proxy_run, seconds: store.add_cost(priced(proxy_run.writer.recipe), seconds),
    )


def training_left(
    store: Store, trace: ColumnWriter, inputs: Inputs, training: Training, proxy: Proxy
) -> ResumableTraining:
    """Return what is left to do of the training of one proxy; `inputs` are those of all samples."""
    if training.stop is not None:
        take_over(store, trace, training, size_of_weights(inputs, training))
    compact = proxy.share is not None and proxy.share.fold is not None
    return ResumableTraining(trace, proxy.fed(inputs), training, proxy.run, compact=compact)


def priced(recipe: Mapping[str, Any]) -> str:
    """Return what the seconds of a training are kept under: its column, or that of the whole schedule."""
    if GROWN in recipe:
        return str(recipe[GROWN]["trained"])
    training = {name: value for name, value in recipe["training"].items() if name != "stop"}
    return identity({**recipe, "training": training})


def results_of(
    store: Store, proxy: Proxy, trace: dict[str, Any], n: int, how: dict[str, Any]
) -> list[ColumnWriter]:
    """Return the columns that a proxy leaves beside its trace, made or not: those of run 0, else none.

    Nor does a fold: nobody compares samples by what several proxies make of them.
    """
    if proxy.run != 0 or (proxy.share is not None and proxy.share.fold is not None):
        return []
    epoch = trace["training"].get("stop", trace["training"]["epochs"])
    recipe = {"version": VERSION, "trace": identity(trace), "epoch": epoch, **how}
    made = {name: shown_or(store, name, {**recipe, "column": name}) for name in RESULTS}
    return [store.write_column(name, of, rows=n) for name, of in made.items()]
