"""A trained proxy looks at another dataset: features and probabilities, as columns of that store."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from prune.core.column_name import FEATURES, FIRST_RUN, RESULTS
from prune.core.errors import StoreError
from prune.core.progress import SILENT, Reporter
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.results import write_results
from prune.proxy.run import as_learnt, model_at
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.store import Column, Dataset, Store, identity

VERSION = 1  # raised when the same weights would give other features


@dataclass(frozen=True)
class TrainedProxy:
    """Run 0 of a proxy, with what it learnt from."""

    dataset: Dataset
    trace: Column
    inputs: Column  # images.<size>, or an embedding

    @classmethod
    def of(cls, store: Store) -> TrainedProxy:
        """Find the run that `embedding.proxy` comes from.

        Raises
        ------
        MissingColumnError
            No proxy was trained.
        StoreError
            Its trace or its inputs are no longer there.
        """
        recipe = store.column(FEATURES).recipe
        trace = store.open_column(recipe.get("of", FIRST_RUN), recipe["trace"])
        if "training" not in trace.recipe:
            raise StoreError(
                "embedding.proxy comes from a model of yours, which prune cannot run on other data",
                "compare by an encoder: prune embed, then --on NAME; or give the target's features as .npy",
            )
        seen = trace.recipe["inputs"]
        return cls(store.dataset, trace, store.open_column(seen["name"], identity(seen["recipe"])))

    @property
    def training(self) -> Training:
        """How it was trained."""
        return Training(**self.trace.recipe["training"])


def apply_proxy(
    trained: TrainedProxy,
    store: Store,
    dataset: Dataset,
    inputs: Column,
    *,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """Write `embedding.proxy`, float16 (n, d), and `probs`, float16 (n, c), of another dataset, or go on.

    The network after its last epoch, in evaluation mode; images are normalised as those it learnt from.
    Samples that the scan or `inputs` rejected are NaN. Labels are not looked at.

    Parameters
    ----------
    store, dataset
        The other dataset, and where its columns go.
    inputs
        Of the other dataset: a column made like `trained.inputs`.

    Returns
    -------
    dict
        Column name to the identity of its recipe, for `Store.publish(columns=…)`.

    Raises
    ------
    StoreError
        The weights were not kept.
    """
    recipe = {
        "version": VERSION,
        "trace": identity(trained.trace.recipe),
        "epoch": trained.training.last,
        "data": dataset.fingerprint,
        "inputs": identity(inputs.recipe),
        "device": torch.device(device).type,
        **way(device),
    }
    writers = [store.write_column(name, {**recipe, "column": name}, rows=len(dataset)) for name in RESULTS]
    if not all(writer.finished for writer in writers):
        place = torch.device(device)
        learnt = as_learnt(Inputs(trained.inputs, trained.dataset, torch.device("cpu")), trained.trace)
        with repeatable(place):
            fed = Inputs(inputs, dataset, place, like=learnt, say=reporter.say)
            model = model_at(trained.trace, fed, trained.training, trained.training.last)
            write_results(writers, fed, model, reporter)
    return {writer.name: identity(writer.recipe) for writer in writers}
