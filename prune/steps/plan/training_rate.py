"""The rate of a training: how much less a sample takes in the larger steps that more samples make."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from prune.store import Store

if TYPE_CHECKING:
    from prune.proxy import Training
    from prune.proxy.inputs import Inputs

_STEPS = 6  # of which the median counts


def step_effect(store: Store, device: str, samples: int) -> float:
    """Return what a sample takes in a step of a training of so many, to what it took in the trial.

    A few steps are trained and thrown away; the clean pass of each epoch takes the same a sample.
    """
    import torch

    from prune.proxy.apply_to_dataset import TrainedProxy
    from prune.proxy.evaluate import outputs
    from prune.proxy.inputs import Inputs
    from prune.proxy.torch_device import repeatable
    from prune.proxy.train import new_model, step_size

    trained = TrainedProxy.of(store)
    training, place = trained.training, torch.device(device)
    with repeatable(place):
        fed = Inputs(trained.inputs, trained.dataset, place)
        small, large = (step_size(n, training.batch) for n in (len(fed.labelled), samples))
        if small == large:
            return 1.0
        began = time.perf_counter()
        for _ in outputs(new_model(fed, training, 0), fed, fed.rows):
            pass
        look = (time.perf_counter() - began) / len(fed.rows)
        few, many = (_a_sample(fed, training, size) for size in (small, large))
    return (many + look) / (few + look)


def _a_sample(fed: Inputs, training: Training, size: int) -> float:
    """Return the seconds of a sample in steps of this size; samples are repeated where there are fewer."""
    import copy

    from prune.proxy.train import Trainer
    from prune.proxy.training_length import TrainingLength

    some = copy.copy(fed)
    some.labelled = np.resize(fed.labelled, _STEPS * size)
    trainer = Trainer(some, training, 0, length=TrainingLength(_STEPS, size))
    at = [time.perf_counter()]
    trainer.epoch(1, lambda _: at.append(time.perf_counter()))
    return statistics.median(np.diff(at)) / size
