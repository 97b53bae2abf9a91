"""The choice, class by class if there is a quota: a selector on each group, with what is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from prune.core.arrays import Labels, Probs, Rows, Scores, Weights
from prune.core.errors import OptionError
from prune.core.method_rows import Selector
from prune.core.quota import Errors, Quota, groups, select_under_quota
from prune.core.selection import Selection
from prune.selectors.coinciding import exchanged
from prune.selectors.exhausted_gains import drawn_rest
from prune.steps.select.partition_rounds import PartitionRounds
from prune.steps.select.partitions import Partition, Partitions

if TYPE_CHECKING:
    from prune.index.space import Space, Sums
    from prune.modalities.text.texts import Texts

Reweight: TypeAlias = Literal["none", "cluster", "nnls"]


@dataclass(frozen=True)
class SelectionTarget:
    """Samples that a selection is to match, in the space of the samples it is chosen from, or their texts."""

    samples: Space | Texts
    labels: Labels | None = None  # (t,), class ids of the pool; -1 where there is none
    weights: Sums | None = None  # (t,)

    def of_class(self, label: int) -> SelectionTarget:
        """Return the part with this label; everything if that is nothing, or weighs nothing."""
        rows = np.flatnonzero(self.labels == label) if self.labels is not None else np.empty(0, np.int64)
        if not len(rows) or (self.weights is not None and not self.weights[rows].any()):
            return self
        return SelectionTarget(
            self.samples.subset(rows), None, None if self.weights is None else self.weights[rows]
        )


class ElsewhereChooser(Protocol):
    """Who chooses in partitions beside this process."""

    def __call__(self, task: ChoiceTask, parts: Sequence[Partition]) -> list[Rows] | None:
        """Return the positions that each keeps; None: not there."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What selectors may need, about all samples; what is absent nobody asked for."""

    labels: Labels
    keys: Callable[[Rows], Sequence[str]]
    space: Callable[[Rows], Space] | None = None  # the samples at these rows
    texts: Callable[[Rows], Texts] | None = None
    scores: Scores | None = None
    easiness: Scores | None = None  # mean probability of the label over training
    probs: Probs | None = None
    target: SelectionTarget | None = None
    elsewhere: ElsewhereChooser | None = None

    def need(self, name: str, rows: Rows) -> Any:
        """Return what a selector calls `name`, for these rows."""
        if name == "keys":
            return self.keys(rows)
        if name == "space":
            assert self.space is not None
            return self.space(rows)
        if name == "texts":
            assert self.texts is not None
            return self.texts(rows)
        values = {"scores": self.scores, "easiness": self.easiness, "probs": self.probs}[name]
        assert values is not None
        return values[rows]


@dataclass(frozen=True, kw_only=True)
class ChoiceTask:
    """What is to be chosen, and how."""

    method: Selector
    rows: Rows  # that may be chosen
    k: int | None  # None: the method decides
    given: Rows = field(default_factory=lambda: np.empty(0, np.int64))  # chosen already
    quota: Quota = "none"
    by: Labels | None = None  # (n,): groups that the quota splits over; None: classes
    floor: int = 0
    cap: int | None = None
    errors: Errors | None = None  # by class id, for the quota `drop`
    seed: int = 0
    reweight: Reweight | None = None  # None: the weights that the method gives
    partitions: int | None = None  # chosen in each of so many, and then among what these kept
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weighs(self) -> bool:
        """Whether weights are found after the choice."""
        return self.reweight in {"cluster", "nnls"}

    def shares(self, labels: Labels) -> list[tuple[Rows, int | None]]:
        """Return the rows of every group, with its budget."""
        bounds: Mapping[str, Any] = {"floor": self.floor, "cap": self.cap, "errors": self.errors}
        return groups(self._split(labels), self.rows, self.k, self.quota, **bounds)

    def _split(self, labels: Labels) -> Labels:
        return labels if self.by is None else self.by

    def given_to(self, labels: Labels, rows: Rows) -> Rows:
        """Return the given samples that count for the group of these rows: all, or those of its class."""
        if not self.method.takes("given"):
            return self.given[:0]
        own = self._split(labels)
        return self.given if self.quota == "none" else self.given[own[self.given] == own[rows[0]]]

    def target_for(
        self, labels: Labels, rows: Rows, target: SelectionTarget | None
    ) -> SelectionTarget | None:
        """Return what the group of these rows is to match: the part of its class, or all of the target."""
        if target is None or not self.method.takes("target"):
            return None
        return (
            target if self.quota == "none" or self.by is not None else target.of_class(int(labels[rows[0]]))
        )


def choose(task: ChoiceTask, material: Material) -> Selection:
    """Run the selector, once or per class; rows are rows of the dataset, in the order taken.

    Raises
    ------
    OptionError
        Weights are asked for where there is no space to find them in.
    """
    if task.weighs and material.space is None:
        raise OptionError(
            f"--reweight {task.reweight} compares samples, and there is no embedding",
            "prune embed, or prune score, first",
        )
    labels = material.labels

    def run(rows: Rows, k: int | None) -> Selection:
        every = np.concatenate([rows, task.given_to(labels, rows)])
        with _steady(task):
            chosen = _run_parts(task, material, rows, every, k) if task.partitions else None
            chosen = chosen or _run(task, material, rows, every, k)
            return _reweighted(task, material, rows, chosen).at(every)

    shares = task.shares(labels)
    chosen = select_under_quota(run, shares)
    facts: dict[str, Any] = {"groups": len(shares)} if len(shares) > 1 else {}
    if lacking := _without_target(task, material, shares):
        facts["groups_without_target"] = lacking  # they match all of it
    if len(shares) > 1 and "residual" in chosen.facts and not len(task.given) and material.target is None:
        facts["residual_of_all"] = _residual_of_all(material, np.sort(task.rows), chosen)
    return Selection.of(chosen.rows, chosen.gains, chosen.weights, {**chosen.facts, **facts})


def _steady(task: ChoiceTask) -> AbstractContextManager[None]:
    """Return where arithmetic runs: what needs a matrix gets the same bits from any number of threads."""
    if "space" not in task.method.needs and task.reweight in {None, "none"}:
        return nullcontext()
    from prune.system.executors.threads import steady

    return steady()


def _residual_of_all(material: Material, rows: Rows, chosen: Selection) -> float:
    from prune.optimizers.reweight import residual

    assert material.space is not None
    return residual(material.space(rows), np.searchsorted(rows, chosen.rows), chosen.weights)


def _without_target(task: ChoiceTask, material: Material, shares: Sequence[tuple[Rows, int | None]]) -> int:
    whole = material.target
    if whole is None or whole.labels is None or task.quota == "none" or task.by is not None:
        return 0
    return sum(task.target_for(material.labels, rows, whole) is whole for rows, _ in shares)


def _run_parts(
    task: ChoiceTask, material: Material, rows: Rows, every: Rows, k: int | None
) -> Selection | None:
    """Choose in partitions, and then among what they kept; None where there is but one."""
    assert k is not None, "methods that go in partitions do not decide how many to keep"
    parts = Partitions(task.partitions or 1, len(rows), k)
    divided = list(parts.divided(material.keys(rows), task.seed))
    if len(divided) < 2:
        return None

    def keep(each: Sequence[Partition]) -> list[Rows]:
        kept = None if material.elsewhere is None else material.elsewhere(task, each)
        return kept or [choose_in(part, task, material) for part in each]

    def run(free: Rows, every: Rows, k: int, among: Rows | None = None) -> Selection:
        return _run(task, material, free, every, k, among)

    return PartitionRounds(task.method, rows, every[len(rows) :], divided, keep, run).chosen(parts)


def choose_in(part: Partition, task: ChoiceTask, material: Material) -> Rows:
    """Return the positions that a partition keeps."""
    with _steady(task):
        return _run(task, material, part.rows[: part.free], part.rows, part.wanted).rows


def _run(
    task: ChoiceTask,
    material: Material,
    rows: Rows,
    every: Rows,
    k: int | None,
    among: Rows | None = None,
) -> Selection:
    method = task.method
    words: dict[str, Any] = {"k": k, **task.options}
    if "seed" in method.supplied:
        words["seed"] = task.seed
    if len(every) > len(rows):
        words["given"] = np.arange(len(rows), len(every))
    if target := task.target_for(material.labels, rows, material.target):
        words["target"] = target.samples
        if target.weights is not None and method.takes("target_weights"):
            words["target_weights"] = target.weights
    if among is not None:
        words["among"] = among
    if material.scores is not None and method.takes("scores"):
        words["scores"] = material.scores[every]
    needed = {name: material.need(name, every) for name in method.needs}
    chosen: Selection = method.function(*needed.values(), **words)
    free = np.arange(len(rows))
    if (alike := _alike(method, needed, {**method.options, **task.options})) is not None:
        chosen = exchanged(chosen, free, alike, lambda at: material.keys(every[at]), task.seed)
    if not method.spent:
        return chosen
    return drawn_rest(chosen, free, lambda at: material.keys(every[at]), task.seed)


def _alike(method: Selector, needed: Mapping[str, Any], options: Mapping[str, Any]) -> Rows | None:
    """Return groups of samples that the method cannot tell apart; None where it minds that itself."""
    from prune.index.coinciding import coinciding, equal_rows, with_equal

    if method.takes("scores"):  # of samples that coincide it keeps one, and names the others
        return None
    if "space" in needed:
        compared_by = options.get("metric", options.get("similarity"))
        groups = coinciding(needed["space"], "cosine" if compared_by == "cosine" else "euclidean")
        return with_equal(groups, needed["scores"]) if "scores" in needed else groups
    return equal_rows(needed["probs"]) if "probs" in needed else None


def _reweighted(task: ChoiceTask, material: Material, rows: Rows, chosen: Selection) -> Selection:
    if task.reweight is None:
        return chosen
    weights: Weights = np.ones(len(chosen), np.float32)
    facts = {name: value for name, value in chosen.facts.items() if name not in _OF_WEIGHTS}
    if task.reweight != "none":
        from prune.optimizers.reweight import residual, reweighted

        assert material.space is not None
        space = material.space(rows)
        weights = reweighted(space, chosen.rows, task.reweight)
        facts["residual"] = residual(space, chosen.rows, weights)
    return Selection.of(chosen.rows, chosen.gains, weights, facts)


_OF_WEIGHTS = ("residual", "idle", "lam_at_the_end")  # facts of the weights that a method gave


def checked_reweight(kind: str | None) -> Reweight | None:
    """Return a way of weighting that exists.

    Raises
    ------
    OptionError
        It does not.
    """
    known: Sequence[Reweight] = ("none", "cluster", "nnls")
    for one in known:
        if kind == one:
            return one
    if kind is not None:
        raise OptionError(f"--reweight {kind} is not one of {', '.join(known)}")
    return None
