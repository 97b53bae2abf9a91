"""The clean pass: a network in evaluation mode over samples without augmentation, in fixed batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from prune.core.arrays import Array, Rows
from prune.core.errors import OptionError
from prune.core.progress import Advance
from prune.proxy.batches import batch_of, in_batches
from prune.proxy.inputs import Inputs
from prune.proxy.models import with_features
from prune.proxy.trace import FACTS, facts, log_probabilities


def outputs(model: nn.Module, inputs: Inputs, rows: Rows) -> Iterator[tuple[Rows, Tensor, Tensor]]:
    """Yield (rows, logits, features) of every batch; of smaller ones where the device's memory is short."""

    def look(network: nn.Module, here: Rows) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            return with_features(network, inputs.normalise(inputs.take(here)))

    for here, found in in_batches(model.eval(), inputs, rows, batch_of(inputs), look):
        yield here, *found


class Observer:
    """Takes the facts of every epoch, and remembers the predictions of the one before: 2·n·c bytes."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self._previous: Tensor | None = None

    def look(self, model: nn.Module, epoch: int, advance: Advance) -> Array:
        """Return the facts after `epoch`: float16 (1, 9, n), NaN for rows that are not usable.

        Raises
        ------
        OptionError
            The network's output is not finite.
        """
        values = np.full((1, len(FACTS), len(self.inputs.labels)), np.nan, np.float16)
        device = self.inputs.device
        done, seen = 0, self._previous
        for rows, logits, features in outputs(model, self.inputs, self.inputs.rows):
            if not torch.isfinite(logits).all():
                raise OptionError(
                    f"training diverged at epoch {epoch}: an output is not finite",
                    "give a lower learning rate with --lr",
                )
            if self._previous is None:
                self._previous = torch.empty((len(self.inputs.rows), logits.shape[1]), dtype=torch.float16)
            stop = done + len(rows)
            before = None if seen is None else seen[done:stop].to(device)
            found = facts(logits, self.inputs.labels[rows].to(device), features, before)
            values[0][:, rows] = found.cpu().numpy()
            self._previous[done:stop] = log_probabilities(logits).cpu()
            advance(len(rows))
            done = stop
        return values
