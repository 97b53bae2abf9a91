"""Plan: what a chain takes, said before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store


@named
@advised
def plan(  # noqa: PLR0913 - a verb has the options it has
    store: Store | str | Path = ".prune",
    data: str | None = None,
    *,
    recipe: str | Path | None = None,
    encoder: str | None = None,
    weights: str | None = None,
    types: Sequence[str] = (),
    training: Mapping[str, Any] | None = None,
    method: str | None = None,
    fraction: str | float | None = None,
    target: str | None = None,
    format: str | None = None,
    samples: float | None = None,
    machines: int = 1,
    gpus: int = 0,
    price: float | None = None,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Say what a chain takes before it runs: time, memory, disk and money, step by step.

    The chain runs on some samples of the dataset, in a folder that is removed; each step grows from there by
    its own law, a selector by the plan that `select` announces.

    Parameters
    ----------
    store, data
        Where the plan is kept, if it is one of this very dataset on this machine; what to read (may be left
        out once the store, or the file, knows it).
    recipe
        The chain, a file as of `run`; default: `prune.toml`, if it is there and nothing else names a chain.
    encoder, weights, types, training, method, fraction, target, format
        A chain in words, as of `embed`, `score`, `select` and `export`; default: `score` by `grad_norm` where
        a proxy can learn from the samples, else `embed`; then `kcenter`, 0.3.
    samples
        How many there are to be; default: as many as there are.
    machines, gpus
        Machines like this one, and GPUs in each.
    price
        Of an hour of a GPU, where there are any, else of a machine.

    Returns
    -------
    dict
        samples, measured, machine, steps (of each seconds from low to high, memory, disk, its limit and the
        ratio to it, whether it fits), the same in all, cost, notes, saved.

    Raises
    ------
    PruneError
        The chain would stop on these samples, too.
    """
    from prune.steps.plan.planning import Planning
    from prune.steps.plan.request import PlanRequest

    asked = PlanRequest(
        recipe=recipe,
        encoder=encoder,
        weights=weights,
        types=[types] if isinstance(types, str) else types,
        training=training or {},
        method=method,
        fraction=fraction,
        target=target,
        format=format,
        samples=samples,
        machines=machines,
        gpus=gpus,
        price=price,
    )
    held = store if isinstance(store, Store) else Store(store)
    return Planning(held, asked, settings).plan(data)
