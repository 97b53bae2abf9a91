"""A training that ends before its schedule does, once that is enough; more epochs can be added to it."""

from __future__ import annotations

from dataclasses import replace

import torch

from prune.core.progress import SILENT, Reporter
from prune.proxy.concurrent_training import follow_all
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.resumable_training import Enough, ResumableTraining
from prune.proxy.run import Proxy, priced, trace_recipe
from prune.proxy.torch_device import repeatable
from prune.proxy.training_subsets import Share
from prune.store import Column, Dataset, Store


def train_until(  # noqa: PLR0913 - run_proxy's parameters, and when to stop
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    enough: Enough,
    *,
    share: Share | None = None,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> Training:
    """Train run 0 epoch after epoch until that is `enough`, or go on with it; return the training it had.

    The learning rate follows the schedule of all epochs, of which the last are left out: the trace is the
    beginning of the whole one. Its column stays open, so that more epochs can be added with the same bits,
    and what is there already is never cut. `run_proxy` of the returned training, whose `stop` is the last
    epoch, finishes a column of that length without training anything.

    Parameters
    ----------
    enough
        Shown the facts of every epoch in order, float16 (9, n).
    """
    proxy = Proxy(0, share)
    recipe = trace_recipe(dataset, inputs, training, 0, device, share=share)
    writer = store.write_column(proxy.trace, recipe, rows=training.epochs, part_rows=1)
    if writer.finished:
        any(enough(facts[0]) for _, facts in writer.finish().blocks())  # to be told, not to be cut
        return training
    place = torch.device(device)
    with repeatable(place):
        fed = proxy.fed(Inputs(inputs, dataset, place, say=reporter.say))
        proxy_run = ResumableTraining(writer, fed, training, 0, enough=enough)
        key = priced(recipe)
        follow_all([proxy_run], at_once=1, reporter=reporter, spent=lambda _, s: store.add_cost(key, s))
    return training if proxy_run.stopped is None else replace(training, stop=proxy_run.stopped)
