"""Which scores are asked for, with their options, and what they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.column_name import FEATURES, PROBS
from prune.core.method_rows import Scorer
from prune.core.methods import find
from prune.proxy import Training
from prune.scorers import SCORERS
from prune.steps.score.inputs import SPACE, TRAINED, rehearse


@dataclass(frozen=True)
class ScoreRequest:
    """Scores to compute, with the options of each."""

    methods: Mapping[str, Scorer]
    options: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, types: Sequence[str], settings: Sequence[str]) -> ScoreRequest:
        """Look the names up; a setting goes to every method that has the option.

        Raises
        ------
        OptionError
            No scorer has this name, or none of them has this option.
        """
        methods = {name: find("score", name, SCORERS) for name in types}
        for word in settings:
            name = word.partition("=")[0]
            if methods and not any(name in method.options for method in methods.values()):
                next(iter(methods.values())).parse([word])
        options = {
            name: method.parse([word for word in settings if word.partition("=")[0] in method.options])
            for name, method in methods.items()
        }
        return cls(methods, options)

    @property
    def needs(self) -> set[str]:
        """Everything that some scorer reads."""
        return {need for method in self.methods.values() for need in method.needs}

    @property
    def trained(self) -> bool:
        """Whether a proxy has to be trained, whatever embeddings there are."""
        return bool(self.needs & TRAINED)

    def mixing(self, space: str | None) -> list[str]:
        """Return the scores that compare what one proxy says of several samples."""
        return [
            name
            for name, method in self.methods.items()
            if PROBS in method.needs or (SPACE in method.needs and space == FEATURES)
        ]

    def rehearse(self, training: Training) -> list[str]:
        """Return what the user should know before a proxy is trained; see `inputs.rehearse`."""
        told = [rehearse(m, self.options[name], training.epochs) for name, m in self.methods.items()]
        return [remark for remark in told if remark]
