"""The linear probe: logistic regression on frozen features instead of a network, in seconds instead of hours.

Features that are fixed see no harm in a set that a network could not learn them from, and they reward sets
that cover them. So the probe is kind to methods that choose by geometry in these very features (kcenter,
herding, facility_location) and to small sets; more so where the features are of a proxy that learnt from
every label. It ranks selections cheaply; it does not tell how a network will train.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from prune.core.arrays import Array, Labels, Rows
from prune.core.column_name import FEATURES
from prune.core.errors import OptionError
from prune.core.progress import Advance
from prune.core.safe_text import size
from prune.steps.evaluate.protocol import FitProtocol, Protocol
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.evaluate.target_training import Target
from prune.steps.evaluate.training_sets import TrainingSet

PROBE = "probe"
VERSION = 1  # raised when the same probe would give other predictions
STRENGTH, MOST_STEPS = 1.0, 1000  # scikit-learn's C, and iterations of its L-BFGS
_TRIED = 1000  # samples of the fit whose time is taken
_HELD = 5  # copies of the features: as read, in float64, and what L-BFGS holds


@dataclass(frozen=True)
class ProbeTarget(Target):
    """A target that is a probe: a fit has no seed, so that of a set only the random ones differ by it."""

    fitted: dict[str, Labels] = field(default_factory=dict, compare=False)

    network: ClassVar[str | None] = "linear"

    @classmethod
    def protocol_of(cls, asked: EvaluateRequest, everything: int, batch: int) -> Protocol:
        """Return the one that there is: a fit to the end."""
        return FitProtocol(batch=super().protocol_of(asked, everything, batch).batch)

    @classmethod
    def require_memory(cls, samples: int, width: int, limit: int) -> None:
        """Refuse features that would not fit in memory, since a fit holds them all.

        Raises
        ------
        OptionError
            They would not.
        """
        needed = _HELD * 8 * samples * width
        if needed > limit:
            raise OptionError(
                f"a probe of {samples:,} samples holds {size(needed)}, and may use {size(limit)}",
                f"--max-memory {-(-needed // 2**30)}G, or --model linear, which takes them in steps",
            )

    @property
    def model(self) -> str:
        """What stands where others have the name of a network."""
        return PROBE

    @property
    def recipe(self) -> dict[str, Any]:
        """What a cell says of how it was fitted."""
        return {"proxy": PROBE, "strength": STRENGTH, "most_steps": MOST_STEPS, "version": VERSION}

    @property
    def told(self) -> dict[str, Any]:
        """How it is fitted: a recipe is all there is."""
        return self.recipe

    @property
    def in_words(self) -> str:
        """What is fitted, and what is then looked at."""
        return f"{self.model} ({self.seen}), {self.protocol}, tested on {self.tested:,} samples"

    @property
    def warnings(self) -> list[str]:
        """For which selections it is too kind."""
        column = self.inputs.column.name
        told = ", of a proxy that learnt from every label," if column == FEATURES else ""
        return [
            f"warning: a linear probe on the fixed features {column}{told} is kind to selections that cover "
            "these features (kcenter, facility_location, herding) and to small sets; "
            "without --probe a network is trained"
        ]

    def predictions(self, chosen: TrainingSet, run: int, advance: Advance) -> Labels:  # noqa: ARG002 - no seed
        """Fit on a set; return the class of every test sample, −1 of unusable ones."""
        name = hashlib.sha256(repr((chosen.recipe["rows"], chosen.recipe["weights"])).encode()).hexdigest()
        if name not in self.fitted:
            self.fitted[name] = self._fitted(chosen.rows, chosen.weights)
        advance(len(chosen.rows))
        return self.fitted[name]

    def seconds_a_step(self) -> float:
        """Return how long a fit on everything takes, from one on some of it: about as many times longer."""
        import sklearn.linear_model  # noqa: F401 - which takes longer than a fit, and only once

        rows = self.inputs.labelled
        some = rows[:: max(len(rows) // _TRIED, 1)]
        began = time.perf_counter()
        self._fitted(some, None)
        return (time.perf_counter() - began) * len(rows) / len(some)

    def _fitted(self, rows: Rows, weights: Array | None) -> Labels:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        from prune.system.executors.threads import steady

        labels = self.inputs.labels.numpy()[rows]
        predicted = np.full(len(self.tests.labels), -1, np.int32)
        if len(np.unique(labels)) == 1:  # there is nothing to tell apart
            predicted[self.tests.rows] = labels[0]
            return predicted
        own = None if weights is None else weights.astype(np.float64) / weights.mean(dtype=np.float64)
        with steady(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # as many steps for all: near enough
            model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
            model.fit(_features(self.inputs, rows), labels, sample_weight=own)
            for start in range(0, len(self.tests.rows), _BLOCK):
                block = self.tests.rows[start : start + _BLOCK]
                predicted[block] = model.predict(_features(self.tests, block))
        return predicted


_BLOCK = 8192  # test samples at once


def _features(inputs: Any, rows: Rows) -> Array:
    """Return features of mean 0 and deviation 1 over everything, (m, d) float64."""
    values: Array = inputs.normalise(inputs.take(rows)).cpu().numpy().astype(np.float64)
    return values
