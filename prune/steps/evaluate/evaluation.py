"""An evaluation: targets trained on every set with every seed, cell by cell, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prune.core.column_name import EMBEDDING, FIRST_RUN
from prune.core.errors import OptionError
from prune.core.progress import Clock
from prune.core.safe_text import counted
from prune.proxy import Training
from prune.proxy.config import LINEAR, NGRAM
from prune.proxy.inputs import Inputs
from prune.proxy.models import require_known
from prune.proxy.sharded_step import way
from prune.steps.dataset_session import Opened, opened
from prune.steps.evaluate.asked_sets import asked_sets
from prune.steps.evaluate.cells import Cell, outcome_of, without_lost
from prune.steps.evaluate.choose import choices
from prune.steps.evaluate.choose import in_words as in_words_of
from prune.steps.evaluate.chosen import remember, require_scores
from prune.steps.evaluate.evaluation_table import EvaluationTable
from prune.steps.evaluate.plan import EvaluationPlan, forecast, in_words
from prune.steps.evaluate.probe import ProbeTarget
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.evaluate.results import evaluations, setting_of
from prune.steps.evaluate.target_training import Target
from prune.steps.evaluate.test_set import TestSamples, column_of, open_test_set
from prune.steps.evaluate.training_sets import TrainingSet, digest_of
from prune.steps.evaluate.wrong_labels import noise_recipe, with_wrong_labels
from prune.steps.expected_modality import usual_proxy
from prune.steps.proxy_inputs import require_seen, seen
from prune.steps.rejects import check_rejects
from prune.steps.settings import Settings
from prune.steps.space_columns import embedding_name
from prune.store import Column, Store, identity
from prune.system.precision import precision_of


@dataclass(frozen=True)
class Evaluation:
    """An evaluation that is ready to be trained."""

    ready: Opened
    held: TestSamples
    target: Target
    plan: EvaluationPlan

    @property
    def setting(self) -> str:
        """What all of its cells share."""
        return setting_of(self.plan.ground)


def run_evaluation(
    store: Store,
    data: str | None,
    asked: EvaluateRequest,
    *,
    writers: Sequence[Callable[[EvaluationTable], None]],
    dry_run: bool,
    settings: Settings,
    clock: Clock,
) -> dict[str, Any]:
    """Train what is not trained yet, and return what `prune.evaluate` does."""
    command = _of_latest(store, asked).command(settings)
    if asked.model is not None:
        require_known(asked.model)
    with opened(store, data, settings, verb="" if dry_run else "evaluate", command=command) as ready:
        evaluation = prepared(ready, asked)
        say = settings.reporter.say
        for line in (evaluation.target.in_words, *evaluation.target.warnings):
            say(line)
        if wrong := _wrong(evaluation):
            say(f"trained on labels of which {100 * wrong:g} % are made wrong")
        expected, everywhere = _expected(evaluation)
        say(in_words(expected, everywhere, evaluation.target.protocol))
        if dry_run:
            return {"dry_run": True, "expected": expected, **_about(evaluation)}
        selections = evaluation.plan.chosen()
        cells = evaluation.plan.cells(selections)
        if lost := without_lost(store, cells):
            say(f"{counted(lost, 'cell')} of other evaluations can no longer be found, and count no more")
        trained = _train(evaluation, cells)
        table = _asked_for(evaluations(store, evaluation.setting), cells)
        found = choices(table, _sizes(selections)) if asked.choose else []
        remember(store, [] if asked.label_noise else found)  # labels made wrong are not those of the dataset
        for write in writers:
            write(table)
        seconds = clock.stop()
        if trained:
            store.remember_timings("evaluate", seconds, command, [cell.name for cell in trained])
    return {
        "dry_run": False,
        **_about(evaluation),
        "expected": expected,
        "trained": len(trained),
        "unchanged": not trained,
        "results": table.to_json(),
        "chosen": [{**one.to_json(), "in_words": in_words_of(one)} for one in found],
        "cells": table.to_arrow().to_pylist(),
        "seconds": seconds,
    }


def _of_latest(store: Store, asked: EvaluateRequest) -> EvaluateRequest:
    """Name the selection that is meant where none is: another may be the latest when it is asked again."""
    latest = store.state.get("latest") if store.exists() else None
    if latest is None or asked.select or asked.choose or asked.fractions:
        return asked
    return replace(asked, select=[latest])


def prepared(ready: Opened, asked: EvaluateRequest) -> Evaluation:
    """Find everything that is trained on and tested on, and what of it is compared.

    Raises
    ------
    OptionError, DataError, StoreError
        The test set, a SPEC or an option does not fit.
    """
    store, dataset, settings = ready.store, ready.dataset, ready.settings
    import torch

    device = settings.torch_device
    held = open_test_set(ready, asked.test, asked.test_split, asked.test_labels)
    kind = ProbeTarget if asked.probe else Target
    training = _training(ready, asked, kind)
    column = _inputs(ready, training, asked.on)
    kind.require_memory(len(dataset.usable), column.shape[1], settings.memory_limit)
    check_rejects(ready, {**dataset.rejects, **column.rejects})
    store.publish(dataset=ready.fingerprint, columns={column.name: identity(column.recipe)})
    wanted = asked_sets(store, asked)
    if asked.label_noise:
        dataset = with_wrong_labels(dataset, asked.label_noise, settings.seed)
    if asked.choose:
        require_scores(store, wanted)
        names = ", ".join(dict.fromkeys(one.spec.text for one in wanted))
        settings.reporter.say(f"to choose from, beside random: {names}")
    inputs = Inputs(column, dataset, torch.device(device), say=settings.reporter.say)
    tested, _ = column_of(ready, held, column, device)
    tests = Inputs(tested, held.dataset, torch.device(device), like=inputs, say=settings.reporter.say)
    protocol = kind.protocol_of(asked, len(inputs.labelled), training.batch)
    target = kind(inputs, tests, training, protocol)
    ground = {
        "data": ready.fingerprint,
        "inputs": {"name": column.name, "recipe": column.recipe},
        "test": held.recipe,
        "training": target.recipe,
        "protocol": protocol.recipe,
        "noise": noise_recipe(asked.label_noise, settings.seed),
        "device": device,
        "precision": precision_of(device),
        **way(device, training),
    }
    plan = EvaluationPlan(
        store=store,
        dataset=dataset,
        trainable=inputs.labelled,
        usable=len(inputs.rows),
        settings=settings,
        ground=ground,
        protocol=protocol,
        asked=wanted,
        seeds=asked.seeds,
    )
    return Evaluation(ready, held, target, plan)


def _training(ready: Opened, asked: EvaluateRequest, kind: type[Target]) -> Training:
    """Return how a target is trained: as the network usually is; augmented as the proxy there is."""
    usual = usual_proxy(ready.reader, ready.dataset)
    model = kind.network or asked.model or usual
    before = (ready.store.recipe_of(FIRST_RUN) or {}).get("training", {}) if ready.store.exists() else {}
    given = {"size": asked.size, "flip": asked.flip, "peak_lr": asked.peak_lr, "batch": asked.batch}
    if not Training.of(model).of_images and (named := [n for n in ("size", "flip") if given[n] is not None]):
        raise OptionError(f"--{named[0]} is for images, and {model} looks at none", "leave it out")
    if Training.of(model).of_images:
        given["size"] = before.get("size") if asked.size is None else asked.size
        given["flip"] = before.get("flip") if asked.flip is None else asked.flip
        same = given["size"] == before.get("size") and before.get("proxy") not in {LINEAR, NGRAM}
        given["crop"] = before.get("crop") if same else None
    return Training.of(model, seed=ready.settings.seed, **given)


def _inputs(ready: Opened, training: Training, on: str | None) -> Column:
    """Return what the target sees: cached images or n-grams, or an embedding that is there."""
    if training.looks_at == EMBEDDING:
        return ready.store.column(embedding_name(ready.store, on))
    if on is not None:
        raise OptionError(f"--on {on} is for --model linear", f"--model linear --on {on}")
    try:
        require_seen(ready, training)
    except OptionError as error:
        error.hint = f"--model {usual_proxy(ready.reader, ready.dataset)}"
        raise
    return seen(ready, training)


def _expected(evaluation: Evaluation) -> tuple[dict[str, Any], int]:
    plan, target = evaluation.plan, evaluation.target
    cells, steps, in_all = plan.foreseen()
    rate = target.seconds_a_step() if cells else 0.0
    tested = len(evaluation.target.tests.rows)
    return forecast(cells, steps, rate, tested, plan.protocol.batch), in_all


def _train(evaluation: Evaluation, cells: Sequence[Cell]) -> list[Cell]:
    """Train the cells that are not there; each is shown as soon as it is done."""
    store, held, target = evaluation.ready.store, evaluation.held, evaluation.target
    missing = [cell for cell in cells if not cell.is_there(store)]
    shown = store.state["columns"]
    there = {c.name: c.identity for c in cells if c not in missing and shown.get(c.name) != c.identity}
    if there:
        store.publish(columns=there)
    usable = evaluation.plan.usable
    for number, cell in enumerate(missing, 1):
        share = 100 * len(cell.set.rows) / usable
        what = f"cell {number} of {len(missing)}: {cell.set.spec}, {share:.3g} %, seed {cell.run}"
        began = time.perf_counter()
        samples = target.protocol.samples(len(cell.set.rows))
        with evaluation.ready.settings.reporter.stage(what, samples) as advance:
            predicted = target.predictions(cell.set, cell.run, advance)
        seconds = time.perf_counter() - began
        outcome = outcome_of(predicted, held.dataset.labels, target.tests.rows, held.dataset.classes)
        cell.write(store, predicted, {**outcome, "usable": usable})
        store.add_cost(cell.identity, seconds)
        store.publish(columns={cell.name: cell.identity})
    return missing


def _asked_for(table: EvaluationTable, cells: Sequence[Cell]) -> EvaluationTable:
    """Leave out what was evaluated in the same setting before and not asked for now."""
    sets = {(cell.set.spec, len(cell.set.rows), digest_of(cell.set.recipe)) for cell in cells}
    return replace(
        table,
        rows=tuple(one for one in table.rows if (one.spec, one.k, one.set) in sets),
        summaries=tuple(one for one in table.summaries if (one.spec, one.k, one.set) in sets),
    )


def _sizes(selections: Sequence[TrainingSet]) -> dict[str, dict[str, int]]:
    """Return the selections that were asked for at each fraction, with the samples that each has."""
    sizes: dict[str, dict[str, int]] = {}
    for one in selections:
        sizes.setdefault(str(one.asked), {})[one.spec] = len(one.rows)
    return sizes


def _wrong(evaluation: Evaluation) -> float:
    """Return the part of the training labels that is made wrong."""
    return float((evaluation.plan.ground["noise"] or {}).get("rate", 0.0))


def _about(evaluation: Evaluation) -> dict[str, Any]:
    target = evaluation.target
    return {
        "setting": evaluation.setting,
        "model": target.model,
        "training": target.told,
        "warnings": target.warnings,
        "protocol": {**target.protocol.recipe, "in_words": str(target.protocol)},
        "test": evaluation.held.about,
        "label_noise": _wrong(evaluation),
        "seeds": evaluation.plan.seeds,
        "n": len(evaluation.plan.dataset),
        "usable": evaluation.plan.usable,
    }
