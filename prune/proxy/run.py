"""A proxy's run as columns: its trace, epoch after epoch, then the features and probabilities it ended with.

The order of writes of an epoch makes any interruption harmless: weights to keep, the checkpoint of this
epoch, the part of the trace, and only then is the checkpoint before removed. Whatever is missing is computed
again from the latest checkpoint before it, with the same bits.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from prune.arrays import Array
from prune.device import precision_of
from prune.errors import StoreError
from prune.progress import SILENT, Advance, Reporter
from prune.proxy.config import Training, kept_epochs
from prune.proxy.device import repeatable
from prune.proxy.evaluate import Observer, outputs
from prune.proxy.inputs import Inputs
from prune.proxy.models import head_of
from prune.proxy.trace import FACTS
from prune.proxy.train import Trainer, load_weights, new_model, to_bytes
from prune.store import Column, ColumnWriter, Dataset, Part, Store, identity

VERSION = 1  # raised when the same training would give another trace
_LARGEST = 65_504.0  # of float16


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
        `images.<size>`, or an embedding for the proxy `linear`.
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
    recipe = trace_recipe(dataset, inputs, training, run, device)
    trace = store.write_column(f"trace.{run}", recipe, rows=training.epochs, part_rows=1)
    names = ("embedding.proxy", "probs") if run == 0 else ()
    results = [_result(store, name, recipe, len(dataset)) for name in names]
    writers = [trace, *results]
    if not all(writer.finished for writer in writers):
        place = torch.device(device)
        with repeatable(place):
            fed = Inputs(inputs, dataset, place)
            if not trace.finished:
                _train(trace, fed, training, run, reporter)
            if results:
                model = model_at(trace.finish(), fed, training, training.epochs)
                write_results(results, fed, model, reporter)
    return {writer.name: identity(writer.recipe) for writer in writers}


def trace_recipe(
    dataset: Dataset, inputs: Column, training: Training, run: int, device: str
) -> dict[str, Any]:
    """Return all that the trace depends on; the device's model, threads and versions are not part of it.

    The kind of device and the precision are, so that no run that goes on elsewhere mixes epochs of two kinds.
    """
    kind = torch.device(device).type
    rejected = ",".join(map(str, sorted(inputs.rejects)))
    return {
        "column": "trace",
        "version": VERSION,
        "data": dataset.fingerprint,
        "inputs": {"name": inputs.name, "recipe": inputs.recipe},
        "rejected": hashlib.sha256(rejected.encode()).hexdigest(),
        "training": dataclasses.asdict(training),
        "run": run,
        "device": kind,
        "precision": precision_of(kind),
        "facts": list(FACTS),
        "taken": "after each epoch, in evaluation mode, without augmentation",
    }


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


def _train(writer: ColumnWriter, inputs: Inputs, training: Training, run: int, reporter: Reporter) -> None:
    kept = kept_epochs(training.epochs)
    missing = {part.number + 1: part for part in writer.missing()}
    unkept = {epoch for epoch in kept if writer.attachment("weights", epoch) is None}
    todo = sorted(unkept.union(missing))
    if todo:
        trainer, observer = Trainer(inputs, training, run), Observer(inputs)
        start = _restore(writer, trainer, before=todo[0])
        epochs = range(start + 1, todo[-1] + 1)
        work = len(epochs) * (len(trainer.rows) + len(inputs.rows)) + (len(inputs.rows) if start else 0)
        with reporter.stage(f"training {training.proxy}, run {run}", work) as advance:
            if start:
                observer.look(trainer.model, start, advance)
            for epoch in epochs:
                values = _epoch(trainer, observer, epoch, advance)
                if epoch in unkept:
                    writer.attach("weights", epoch, to_bytes(trainer.model.state_dict()), "safetensors")
                if epoch < training.epochs:
                    writer.attach("checkpoint", epoch, trainer.state(), "safetensors")
                if epoch in missing:
                    writer.put(missing[epoch], values)
                writer.detach("checkpoint", epoch - 1)
    for epoch in range(1, training.epochs):
        writer.detach("checkpoint", epoch)
    writer.finish()


def _epoch(trainer: Trainer, observer: Observer, epoch: int, advance: Advance) -> Array:
    trainer.epoch(epoch, advance)
    return observer.look(trainer.model, epoch, advance)


def _restore(writer: ColumnWriter, trainer: Trainer, *, before: int) -> int:
    """Take up the latest whole checkpoint before an epoch; return its epoch, 0 for a fresh start."""
    for epoch in range(before - 1, 0, -1):
        state = writer.attachment("checkpoint", epoch)
        if state is not None:
            trainer.restore(state)
            return epoch
    return 0


def _result(store: Store, name: str, trace: dict[str, Any], n: int) -> ColumnWriter:
    recipe = {
        "column": name,
        "version": VERSION,
        "trace": identity(trace),
        "epoch": trace["training"]["epochs"],
    }
    return store.write_column(name, recipe, rows=n)


def write_results(writers: list[ColumnWriter], inputs: Inputs, model: nn.Module, reporter: Reporter) -> None:
    """Write the features and the probabilities of every sample, for the parts that the columns lack."""
    missing = [{part.number: part for part in writer.missing()} for writer in writers]
    with reporter.stage("taking features", len(inputs.rows)) as advance:
        for number in sorted(set().union(*missing)):
            part = next(m[number] for m in missing if number in m)
            values = _predict(model, inputs, part, advance)
            for writer, parts, found in zip(writers, missing, values, strict=True):
                if number in parts:
                    writer.put(part, found)
    for writer in writers:
        writer.finish()


def _predict(model: nn.Module, inputs: Inputs, part: Part, advance: Advance) -> tuple[Array, Array]:
    """Return the features and probabilities of a part: float16 (b, d) and (b, c)."""
    rows = inputs.rows[(inputs.rows >= part.start) & (inputs.rows < part.stop)]
    head, count = head_of(model), part.stop - part.start
    features = np.full((count, head.in_features), np.nan, np.float16)
    probs = np.full((count, head.out_features), np.nan, np.float16)
    for here, logits, h in outputs(model, inputs, rows):
        features[here - part.start] = h.float().clamp(-_LARGEST, _LARGEST).cpu().numpy()
        probs[here - part.start] = logits.float().softmax(1).cpu().numpy()
        advance(len(here))
    return features, probs


def require_kept(epoch: int, training: Training) -> None:
    """Raise StoreError where the weights after `epoch` are not kept."""
    kept = kept_epochs(training.epochs)
    if epoch not in kept:
        known = " and ".join(map(str, kept))
        raise StoreError(
            f"the weights after epoch {epoch} are not kept, only those after {known}",
            f"use epoch {kept[0]}, or train with --epochs {epoch}",
        )
