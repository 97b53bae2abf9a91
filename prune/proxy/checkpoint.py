"""A user's model after its training, as a trace of one epoch: the same columns that a proxy leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from prune.core.arrays import Array
from prune.core.column_name import FIRST_RUN, RESULTS, ColumnName
from prune.core.errors import OptionError
from prune.core.progress import SILENT, Reporter
from prune.proxy.evaluate import outputs
from prune.proxy.inputs import Inputs
from prune.proxy.models import Headed, head_giving, linears, logits_of, watched
from prune.proxy.network_needs import NETWORK_NEEDS
from prune.proxy.results import write_results
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.trace import FACTS, facts
from prune.proxy.user_network import guarded
from prune.store import Column, Dataset, Store, identity
from prune.store.join import count

VERSION = 1  # raised when the same weights would give another trace
_PART_ROWS = 2048  # of columns that need the network: some seconds to a minute of work


@dataclass(frozen=True)
class Checkpoint:
    """A model with its weights, and how it wants its images."""

    model: nn.Module
    digest: Mapping[str, str]  # of the weights and of the code
    mean: tuple[float, ...] | None = None  # of pixels from 0 to 1; None: the dataset's own
    std: tuple[float, ...] | None = None


def run_checkpoint(
    store: Store,
    dataset: Dataset,
    inputs: Column,
    checkpoint: Checkpoint,
    *,
    needs: frozenset[str] = frozenset(),
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """Look at every sample with a user's model, or go on: `trace.0` of one epoch, `embedding.proxy`, `probs`.

    Parameters
    ----------
    inputs
        `images.<size>`, or an embedding.
    needs
        `gradient`: also `grad_norm.0`; `boundary`: also `deepfool.0`.

    Returns
    -------
    dict
        Column name to the identity of its recipe, for `Store.publish(columns=…)`.

    Raises
    ------
    OptionError
        The model does not take the samples, has not one output a class, depends on the rest of the batch, is
        not finite, or its last linear layer cannot be found.
    """
    place = torch.device(device)
    with repeatable(place):
        fed = Inputs(inputs, dataset, place, say=reporter.say).scaled(checkpoint.mean, checkpoint.std)
        model, probe = _tried(checkpoint.model.to(place), fed)
    recipe = {
        "column": "trace",
        "version": VERSION,
        "data": dataset.fingerprint,
        "source": "checkpoint",
        "inputs": {"name": inputs.name, "recipe": inputs.recipe},
        "rejected": sorted(inputs.rejects),
        "model": {**checkpoint.digest, "probe": probe},
        "mean": checkpoint.mean,
        "std": checkpoint.std,
        "run": 0,
        "device": torch.device(device).type,
        **way(device),
        "facts": list(FACTS),
        "taken": "after the training, in evaluation mode, without augmentation",
    }
    with repeatable(place):
        trace = store.write_column(FIRST_RUN, recipe, rows=1, part_rows=1)
        for part in list(trace.missing()):
            trace.put(part, _look(model, fed, reporter), inputs.rejects)
        trace.finish()
        made = {trace.name: identity(recipe)}
        results = [
            store.write_column(name, {**_of(recipe), "column": name}, rows=len(dataset)) for name in RESULTS
        ]
        if not all(writer.finished for writer in results):
            write_results(results, fed, model, reporter)
        made |= {writer.name: identity(writer.recipe) for writer in results}
        for need in (need for need in NETWORK_NEEDS if need in needs):
            made |= _of_network(store, need, made[FIRST_RUN], model, fed, reporter)
    return made


def _of(trace: dict[str, Any]) -> dict[str, Any]:
    return {"version": VERSION, "trace": identity(trace), "epoch": 1}


def _of_network(
    store: Store, need: str, trace: str, model: nn.Module, inputs: Inputs, reporter: Reporter
) -> dict[str, str]:
    """Write a column that needs the network itself, as of a proxy: `grad_norm.0` or `deepfool.0`."""
    column = NETWORK_NEEDS[need]
    recipe = column.recipe(trace, epoch=1)
    name = ColumnName.of_run(column.kind, 0)
    writer = store.write_column(name, recipe, rows=len(inputs.labels), part_rows=_PART_ROWS)
    if missing := list(writer.missing()):
        column.write(writer, missing, model, inputs, reporter)
    writer.finish()
    return {writer.name: identity(recipe)}


def _look(model: nn.Module, inputs: Inputs, reporter: Reporter) -> Array:
    """Return the facts of every sample: float16 (1, 9, n)."""
    values = np.full((1, len(FACTS), len(inputs.labels)), np.nan, np.float16)
    with reporter.stage("looking at every sample", len(inputs.rows)) as advance:
        batches = outputs(model, inputs, inputs.rows)
        failed = "the model took the first samples, but fails at later ones"
        while (batch := guarded(failed, lambda: next(batches, None))) is not None:
            rows, logits, features = batch
            bad = rows[~torch.isfinite(logits).all(1).cpu().numpy()]
            if len(bad):
                raise OptionError(
                    f"the model's output is not finite for {count('row', bad.tolist())}",
                    "look whether the weights are"
                    + (", and whether the images want another --mean and --std" if inputs.are_images else ""),
                )
            labels = inputs.labels[rows].to(inputs.device)
            values[0][:, rows] = facts(logits, labels, features).cpu().numpy()
            advance(len(rows))
    return values


def _tried(model: nn.Module, inputs: Inputs) -> tuple[Headed, str]:
    """Try three samples; return the model with its head, and a digest of what it says of them.

    The digest tells models apart whose code differs in a file that is not the factory's.
    """
    samples = inputs.normalise(inputs.take(inputs.rows[:3])).contiguous()
    what = " × ".join(map(str, samples.shape[1:]))
    failed = f"the model cannot take samples of {what}"
    hint = "--proxy-size N, the pixels a side" if inputs.are_images else ""
    with torch.no_grad(), watched(linears(model)) as seen:
        logits = logits_of(guarded(failed, lambda: model(samples), hint))
    if tuple(logits.shape) != (len(samples), inputs.classes):
        raise OptionError(
            f"the model gives {logits.shape[1]} numbers a sample, the dataset has {inputs.classes} classes",
            "score the dataset that it was trained on",
        )
    with torch.no_grad():
        alone = logits_of(guarded(failed, lambda: model(samples[:1])))
    if not torch.allclose(alone, logits[:1], rtol=1e-3, atol=1e-3):
        raise OptionError(
            "the model's output for a sample depends on the other samples of its batch",
            "it must not, in evaluation mode: batch normalisation wants running statistics",
        )
    said = " ".join(f"{number:.3g}" for number in logits.flatten().tolist())
    head = head_giving(seen, logits, type(model).__name__)
    return Headed(model, head).eval(), hashlib.sha256(said.encode()).hexdigest()
