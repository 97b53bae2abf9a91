"""What a selection will need, said before it runs: how, why, memory, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prune.core.arrays import Labels
from prune.core.errors import OptionError
from prune.core.safe_text import size
from prune.index.resource_plan import Plan, Size, duration_class
from prune.steps.select.by_class import ChoiceTask, SelectionTarget
from prune.steps.select.partitions import plan_in_partitions


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a selection will need, all groups together."""

    method: str
    mode: str
    why: str
    bytes: int  # of the largest group, beyond the columns
    work: float  # floating-point operations
    time: str  # seconds, minutes, hours or days
    groups: int
    over: str = "classes"  # what the groups are

    def __str__(self) -> str:
        each = f" in each of {self.groups} {self.over}" if self.groups > 1 else ""
        return f"{self.method}: {self.mode}{each} ({self.why}); needs {size(self.bytes)}, {self.time}"


def announced(
    task: ChoiceTask, labels: Labels, like: Size, target: SelectionTarget | None = None
) -> Forecast | None:
    """Return what the task will need, or None if the method has no plan: it is a pass over numbers.

    Parameters
    ----------
    like
        Width, memory, device and kind of the space.

    Raises
    ------
    OptionError
        No way to do it fits in the memory allowed.
    """
    return forecast_of(task, group_sizes(task, labels, like, target))


def group_sizes(
    task: ChoiceTask, labels: Labels, like: Size, target: SelectionTarget | None = None
) -> list[tuple[Size, int]]:
    """Return how large each group is, and how many of it are chosen; a method that decides may keep all."""
    sizes = []
    for rows, k in task.shares(labels):
        given = len(task.given_to(labels, rows))
        part = task.target_for(labels, rows, target)
        here = replace(like, n=len(rows) + given, given=given, target=0 if part is None else part.samples.n)
        sizes.append((here, len(rows) if k is None else k))
    return sizes


def forecast_of(task: ChoiceTask, sizes: Sequence[tuple[Size, int]]) -> Forecast | None:
    """Return what a choice in groups of these sizes will need; as `announced`."""
    if task.method.plan is None and not task.weighs:
        return None
    options = {**task.method.options, **task.options}
    plans: list[Plan] = []
    for size_, k in sizes:
        if task.method.plan is not None and task.partitions:
            plans.append(plan_in_partitions(task.method, size_, k, options, task.partitions))
        elif task.method.plan is not None:
            plans.append(task.method.plan(size_, k, options))
        if task.weighs:
            plans.append(_plan_of_weights(size_, k, task.reweight == "nnls"))
    largest, like = max(plans, key=lambda plan: plan.bytes), sizes[0][0]
    if largest.bytes > like.memory:
        raise OptionError(
            f"{task.method.name} needs {size(largest.bytes)}, but may use {size(like.memory)}",
            f"--max-memory {-(-largest.bytes // 2**30)}G, or --quota proportional to go class by class",
        )
    work = sum(plan.work for plan in plans)
    return Forecast(
        method=task.method.name,
        mode=", ".join(dict.fromkeys(plan.mode for plan in plans)),
        why=largest.why,
        bytes=largest.bytes,
        work=work,
        time=duration_class(work, like.device),
        groups=len(sizes),
        over="classes" if task.by is None else "groups",
    )


def _plan_of_weights(size: Size, k: int, least_squares: bool) -> Plan:
    held = 8 * min(k, 2048) ** 2 * 4 + 24 * size.n + 4096 * 4 * (2048 + size.width)
    work = 2.0 * size.n * k * size.width
    if least_squares:
        work = 2.0 * (size.n + 50.0 * k) * min(k, 2048) * size.width
    return Plan("direct", f"weights of {k:,} samples", held, work)
