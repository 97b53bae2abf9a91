"""Rows of the tables of methods: what they say of a scorer, an encoder and the like, beside its signature.

Whoever has to know such a fact asks the row, never the name: a list of names elsewhere is silently wrong as
soon as a method is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prune.core.methods import Method


@dataclass(frozen=True)
class Scorer(Method):
    """One row of `SCORERS`."""

    high: str = ""  # what a high value means, one of `MEANINGS` or several joined by `and`; nothing by itself
    looks_at_labels: bool = True  # other labels would give other scores
    least_epochs: int = 1  # over 1: it compares epochs, and says nothing of fewer than these
    windows: int = 1  # of `window` epochs that it has to see, where it has such an option
    loses_beyond: float | None = None  # the score at which another class than the label becomes the likelier
    probability: bool = False  # it is one, from 0 to 1, of the label
    wrong_labels: float = (
        0.5  # AUROC with which it told wrong labels from others: CIFAR-10, docs/benchmarks.md
    )
    suspects: bool = False  # another column, `.suspect`: the labels that its own distribution doubts
    flags: Mapping[str, Callable[..., Any]] = field(default_factory=dict, hash=False)  # more, a bool a sample
    caution: str = ""  # what is known against choosing by it
    rowwise: bool = (
        False  # fed row blocks, because what it needs, images or texts, is too large to load whole
    )
    version: int = 1  # raised when the same columns give other scores, or other flags and suspects

    @property
    def compares_epochs(self) -> bool:
        """Whether one epoch alone says nothing."""
        return self.least_epochs > 1

    @property
    def tells_labels(self) -> bool:
        """Whether it says how badly a label fits: hard or easy, and not blind to labels."""
        return self.high in {"hard", "easy"} and self.looks_at_labels

    @property
    def by_wrong_labels(self) -> tuple[bool, float]:
        """What the scorer is the largest by that says which labels to look at first."""
        return self.suspects, self.wrong_labels


@dataclass(frozen=True)
class Selector(Method):
    """One row of `SELECTORS`."""

    nested: bool = True  # a smaller budget is a prefix of a larger one
    plan: Callable[..., Any] | None = None  # (size, k, options) -> what it will need
    weighted: bool = False  # weights belong to all that was taken, even if they are 1
    quota: str = "none"  # how the budget is split over classes unless the user says
    on: str = ""  # `gradients` if that is the space it is made for
    score: str = ""  # the score it is made for
    spent: bool = False  # once gains are 0 nothing is left to gain, and the rest is drawn by lot
    sized_by: tuple[str, ...] = ()  # asked for no budget, it decides by these options how many to keep
    takes_only: str = ""  # `high` or `low`: the scores that it takes, and no others while there are such
    turned: str = ""  # it prefers high scores, and this prefers low ones
    partitioned: str = "none"  # what is proven of it in partitions, of k samples each, and then among those
    corrected: bool = False  # partitions then say what its centres miss, and how many `{times}` it may be off
    otherwise: str = ""  # it looks at texts, and this does the like in a space
    missed: str = ""  # why a sample was not taken, for one who asks: see `steps.explain.rules`
    caution_if_uneven: str = (
        ""  # what is known against it at small budgets of classes that differ `{ratio}` times
    )


@dataclass(frozen=True)
class EncoderMethod(Method):
    """One row of `ENCODERS`."""

    typed: str = ""  # what stands behind `--encoder` for it, where that is not its name alone
    modalities: tuple[str, ...] = ("image",)  # whose payloads it takes
    reads_features: bool = False  # it encodes nothing: a file has the features
    prefix: str = ""  # its networks have names of their own, typed behind this: `timm:resnet50`


@dataclass(frozen=True)
class Exporter(Method):
    """One row of `EXPORTERS`."""

    modalities: tuple[
        str, ...
    ] = ()  # whose payloads it can hold; none: it names samples and holds no payload
    tables: bool = False  # samples are rows of a table, and a weight is a column
    folders_are_classes: bool = False  # readers of it take every folder for a class
    copies_files: bool = False  # what lies beside the images goes along as it is, weights in it too
    weights_from: tuple[str, ...] = ()  # formats whose weights go along as they are
    one_file: Callable[[str], str] | None = None  # suffix of the one file that --out may name; else ""
    by_epoch: bool = False  # it says which samples each epoch has, of all or of a selection
    unit: Callable[..., None] | None = None  # (job, folder, name, **options): writes one part by its name

    @property
    def holds_payloads(self) -> bool:
        """Whether the samples themselves are in it, and not their names alone."""
        return bool(self.modalities)
