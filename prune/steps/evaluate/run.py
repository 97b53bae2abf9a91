"""Evaluate: does a selection train as well as random sets of its size, and as everything?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prune.core.progress import Clock
from prune.steps.evaluate.plot import table_writers
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store


@named
@advised
def evaluate(  # noqa: PLR0913 - a verb has the options it has
    store: Store | str | Path = ".prune",
    data: str | None = None,
    *,
    test: str | Path | None = None,
    test_split: str | None = None,
    test_labels: str | None = None,
    select: str | Sequence[str] = (),
    fractions: str | float | Sequence[str | float] = (),
    seeds: int | None = None,
    choose: bool = False,
    model: str | None = None,
    on: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    peak_lr: float | None = None,
    flip: bool | None = None,
    probe: bool = False,
    label_noise: float | None = None,
    out: str | Path | None = None,
    plot: str | Path | None = None,
    dry_run: bool = False,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Train a target on selections, on random sets of the same size and on everything, and compare them.

    Parameters
    ----------
    store, data
        Where results go; what to read (may be left out once the store knows it).
    test, test_split, test_labels
        What to test on: a dataset, a split of the same one, or another store (default: what the store holds
        out); of another dataset its split, and a file of its labels.
    select
        SPECs: `METHOD[:SCORE][,NAME=VALUE…]`, chained with `>`, or names of selections; default: the latest.
    fractions
        Parts kept, each over 0 and below 1; selections of the store have a size of their own.
    seeds
        Trainings of every set; default 3, with `choose` 5. More of them later train only what is missing.
    choose
        Of a few selections (or those of `select`) take the one that is told to be better than random at each
        fraction, else random; `prune.select(method="auto")` then takes that.
    model, on
        A proxy network or a torchvision model (default `resnet8`, of texts `ngram`, of features `linear`);
        the embedding of `linear`.
    size, batch, peak_lr, flip
        Pixels a side, samples a step, peak learning rate, whether to mirror; default: as the proxy.
    steps, epochs
        Steps of every set, or epochs of every set; default: the steps of 10 epochs of everything.
    probe
        Fit a linear probe to an embedding (`on`) instead of a network: seconds, and kind to some methods.
    label_noise
        Part of the training labels that is made wrong, for selections that did not look at labels.
    out
        A file, .parquet or .csv, with a row for every training.
    plot
        A picture, .png, .svg or .pdf: accuracy against the fraction kept.
    dry_run
        Say what it would cost, and stop.

    Returns
    -------
    dict
        model, protocol, test, expected (what it was to cost), results (a summary a selection: accuracy,
        difference to random with its interval and verdict, worst class, seconds, cost), chosen, cells (one a
        training), seconds.
    """
    from prune.steps.evaluate.evaluation import run_evaluation  # loads torch

    asked = EvaluateRequest.of(
        test=None if test is None else str(test),
        test_split=test_split,
        test_labels=None if test_labels is None else str(test_labels),
        select=select,
        fractions=fractions,
        seeds=seeds,
        choose=choose or None,
        model=model,
        on=on,
        size=size,
        steps=steps,
        epochs=epochs,
        batch=batch,
        peak_lr=peak_lr,
        flip=flip,
        probe=probe or None,
        label_noise=label_noise,
    )
    clock = Clock(settings.reporter)
    held = store if isinstance(store, Store) else Store(store)
    return run_evaluation(
        held,
        data,
        asked,
        writers=table_writers(out, plot),
        dry_run=dry_run,
        settings=replace(settings, reporter=clock),
        clock=clock,
    )
