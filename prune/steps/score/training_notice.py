"""The notice before training: why, for how long, and what it takes the place of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from prune.core.column_name import (
    FIRST_RUN,
    HELD_OUT,
    OF_A_RUN,
    RESULTS,
    ColumnName,
    of_kinds,
    scores_among,
)
from prune.core.method_rows import Scorer
from prune.core.safe_text import counted, duration
from prune.core.store_option import in_store
from prune.proxy import (
    CONTROL,
    GROWN,
    NETWORK_NEEDS,
    Planned,
    Proxy,
    Training,
    planned,
    reasons,
    training_cost,
)
from prune.steps.dataset_session import Opened
from prune.steps.replacement import named, tell_replaced
from prune.store import Column, Store
from prune.store.layout import COLUMN, COLUMNS

Say = Callable[[str], None]


def announce(
    opened: Opened,
    inputs: Column,
    training: Training,
    proxies: Sequence[Proxy],
    methods: Mapping[str, Scorer],
) -> None:
    """Tell the reporter what is left to train for some scores, and what comes of it.

    Parameters
    ----------
    proxies
        Those that the scores are taken from, trained or not; at most, where it may be fewer.
    methods
        The scores that are asked for.
    """
    store, say = opened.store, opened.settings.reporter.say
    device = opened.settings.torch_device
    plan = planned(store, opened.dataset, inputs, training, proxies, device=device)
    shown: Mapping[str, str] = store.state["columns"] if store.holds_dataset(opened.fingerprint) else {}
    left = [one for one in plan if one.done < one.of]
    if left:
        say(f"training {training.proxy}, {_how_much(plan, left)}: {_why(store, plan, left, shown)}")
        took = _estimate(store, training, left, shown)
        if took is not None:
            say(f"about {duration(took)}, as the trace that is there took")
    replaced = _replaced(plan, shown)
    scores = [name for name in methods if ColumnName.score(name) in shown] if left else []
    tell_replaced(store, [*replaced, *(ColumnName.score(name) for name in scores)], say)
    _tell_beside(store, replaced, methods, shown, say)
    _tell_networks(store, plan, shown, methods, say)


def _how_much(plan: Sequence[Planned], left: Sequence[Planned]) -> str:
    epochs = sum(one.of - one.done for one in left)
    if len(plan) == 1:
        begun = f" of {plan[0].of}" if plan[0].done else ""
        return f"{epochs}{begun} {'epochs' if max(epochs, plan[0].of) != 1 else 'epoch'}"
    several = "one more" if len(left) == 1 else f"{len(left)} of them"
    return f"{several}, {counted(epochs, 'epoch')} in all"


def _why(store: Store, plan: Sequence[Planned], left: Sequence[Planned], shown: Mapping[str, str]) -> str:
    first = left[0]
    known = store.recipe_of(first.name) if first.name in shown else None
    if known is not None and shown[first.name] == first.identity:
        return f"a part of {first.name} is missing or damaged"
    if first.done:
        return f"this goes on after epoch {first.done}"
    if known is not None:
        return "; ".join(reasons(known, dict(first.recipe))) or f"{first.name} that is there does not serve"
    if first.name in shown:
        return f"{first.name} that is there cannot be read"
    there = [one.name for one in plan if shown.get(one.name) == one.identity]
    if there:
        return f"they come to the {counted(len(there), 'run')} that {'are' if len(there) > 1 else 'is'} there"
    nearest = store.recipe_of(ColumnName.trace("0.0")) or store.recipe_of(FIRST_RUN)
    if nearest is None:
        return "there is no trace yet"
    return "; ".join(reasons(nearest, dict(first.recipe))) or f"{first.name} is not there"


def _estimate(
    store: Store, training: Training, left: Sequence[Planned], shown: Mapping[str, str]
) -> float | None:
    """Return the seconds that training will take, where a trace of such a proxy is there to tell."""
    recipe = store.recipe_of(FIRST_RUN) or {}
    known: Mapping[str, Any] = recipe.get("training", {})
    alike = all(known.get(name) == getattr(training, name) for name in ("proxy", "size"))
    alike = alike and (recipe.get("share") is None) == (left[0].recipe.get("share") is None)
    if not alike or not (store.path / COLUMNS / FIRST_RUN / shown.get(FIRST_RUN, "none") / COLUMN).exists():
        return None
    took = training_cost(store, [(FIRST_RUN, shown[FIRST_RUN])])
    epochs = known.get("stop") or known["epochs"]
    return None if took is None else took / epochs * sum(one.of - one.done for one in left)


def _replaced(plan: Sequence[Planned], shown: Mapping[str, str]) -> list[str]:
    """Return the columns of another training that are no longer shown once these are."""
    stays = {ColumnName(one.name).rest: shown.get(one.name) == one.identity for one in plan}
    gone: list[str] = []
    for name in of_kinds(shown, *OF_A_RUN):
        if name.part == CONTROL and stays.get(name.of):
            continue
        mine = [stays[of] for of in stays if of == name.rest or of.startswith(f"{name.rest}.")]
        gone += [] if mine and all(mine) else [name]
    if not stays.get("0", True):
        gone += [name for name in (*RESULTS, HELD_OUT) if name in shown]
    return sorted(gone)


def _tell_beside(
    store: Store,
    replaced: Collection[str],
    methods: Mapping[str, Scorer],
    shown: Mapping[str, str],
    say: Say,
) -> None:
    """Name the scores that keep telling of the training before."""
    beside = []
    for name in scores_among(sorted(shown)):
        if name.of not in methods:
            made_of = (store.recipe_of(name) or {}).get("from", {})
            beside += [name.of] if set(made_of) & set(replaced) else []
    if beside:
        again = in_store(f"prune score --type {','.join(beside)}", str(store.path))
        scores = named([ColumnName.score(name) for name in beside])
        say(f"{scores} {'stay' if len(beside) > 1 else 'stays'} of the training before; {again} follows")


def _tell_networks(
    store: Store,
    plan: Sequence[Planned],
    shown: Mapping[str, str],
    methods: Mapping[str, Scorer],
    say: Say,
) -> None:
    """Say that gradients are taken of every sample, where they are not there."""
    needs = {need for method in methods.values() for need in method.needs}
    for need, column in NETWORK_NEEDS.items():
        runs = [one for one in plan if not _is_there(store, column.kind, one, shown)]
        if need in needs and runs:
            of = f"{named([one.name for one in runs])} ({counted(len(runs), 'pass')})"
            say(f"{column.kind}: the {column.what} of every sample, at the weights of {of}")


def _is_there(store: Store, kind: str, one: Planned, shown: Mapping[str, str]) -> bool:
    name = ColumnName.of_run(kind, ColumnName(one.name).rest)
    if GROWN in one.recipe:  # of new samples only, which is told by their number
        return True
    return name in shown and (store.recipe_of(name) or {}).get("trace") == one.identity
