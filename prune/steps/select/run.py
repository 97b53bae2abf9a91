"""Select: choose rows by what the store has, and publish them as a selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

import prune
from prune.core.column_name import FIELD, NEIGHBOURS, of_kinds
from prune.core.errors import StoreError
from prune.core.progress import Clock
from prune.core.selection import Selection
from prune.steps.columns.read import read_columns
from prune.steps.dataset_session import known_dataset
from prune.steps.rejects import all_rejects
from prune.steps.select.by_class import choose
from prune.steps.select.deciding_columns import deciding_columns
from prune.steps.select.elsewhere import data_elsewhere, looks_are_whole
from prune.steps.select.forecast import Forecast, announced
from prune.steps.select.inputs import SelectionInputs, resolve
from prune.steps.select.kept_selection import digest_of_kept
from prune.steps.select.manifest_scores import with_all_scores
from prune.steps.select.narrowing import current_selection, require_other_name
from prune.steps.select.pitfalls import warnings_of
from prune.steps.select.record import record
from prune.steps.select.request import SelectRequest
from prune.steps.select.unused_scores import unused_scores
from prune.steps.settings import Settings
from prune.store import Store, ended, identity, noted, read_selection, settle_selection, write_selection
from prune.store.layout import SELECTIONS
from prune.store.outdated import outdated_scores, scored_again
from prune.store.same_selection import recipe_of, same_selection, told_apart


def select(
    store: Store,
    name: str,
    wanted: SelectRequest,
    *,
    dry_run: bool,
    command: str,
    settings: Settings,
    clock: Clock,
) -> dict[str, Any]:
    """Choose, write and publish; `command` is what made the selection, in words."""
    store.require()
    require_other_name(name, wanted.within)
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        store.made.clear()
        elsewhere = data_elsewhere(store, wanted, settings.stages_only)
        read_columns(store, wanted.columns, settings, in_sql=wanted.columns_in_sql)
        recipe = selection_recipe(store, wanted, settings, elsewhere, name=name)
        there = same_selection(store, name, recipe)
        if there is not None and not looks_are_whole(store, elsewhere):
            there = None  # what it was matched with is damaged: to choose anew makes that again
        if there is not None and not dry_run:
            known_dataset(store, settings)  # which may have changed
            store.publish(latest=name)
            settle_selection(store, name)  # it may have been interrupted after it was published
            there = with_all_scores(store, there)
            ended(store.path, "select")
            _tell_outdated(store, there.about, settings)
            about = {key: value for key, value in there.about.items() if key != "files"}
            return {**about, "unchanged": True}
        if dry_run:
            forecast, _ = _foreseen(resolve(store, wanted, settings))
            plan = forecast and asdict(forecast)
            return {"name": name, "plan": plan, "unchanged": there is not None}
        with noted(store.path, "select", command) as note:
            note.has_work(yet=False)
            # what has this name now may be gone on from, and not what that went on from
            made = recipe if wanted.keeps is None else selection_recipe(store, wanted, settings, elsewhere)
            inputs = resolve(store, wanted, settings)
            forecast, warnings = _foreseen(inputs)
            note.has_work(yet=True)
            table, about = record(inputs, _chosen(inputs), forecast, warnings)
            seconds = clock.stop()
            about["recipe"] = made
            _tell_replaced(store, name, about, settings)
            _tell_outdated(store, about, settings)
            about["seconds"] = {**store.timings, "select": seconds}
            digest = write_selection(store, name, table, about)
            store.publish(selections={name: digest}, latest=name)
            settle_selection(store, name)
            read_selection(store, name)  # where locks do nothing, another command may have been there
            beside = of_kinds(store.made, NEIGHBOURS, FIELD)
            store.remember_timings("select", seconds, command, [f"{SELECTIONS}/{name}", *beside])
    return {"name": name, **about, "unchanged": False}


def _chosen(inputs: SelectionInputs) -> Selection:
    """Choose; nothing where what an earlier selection kept is all that is to be kept."""
    if inputs.task.k == 0:
        return Selection.of(np.empty(0, np.int64))
    return choose(inputs.task, inputs.material())


def _foreseen(inputs: SelectionInputs) -> tuple[Forecast | None, tuple[str, ...]]:
    """Say, and return, what the choice will need and what speaks against it."""
    say = inputs.settings.reporter.say
    if inputs.before is not None and inputs.before.weighted:
        say(f"the weights of {inputs.before.name} are not carried on: what it kept counts 1 each")
    if inputs.task.k == 0:
        return None, ()
    forecast = announced(inputs.task, inputs.dataset.labels, inputs.like, inputs.target)
    if forecast is not None:
        say(str(forecast))
    warnings = warnings_of(inputs)
    for warning in warnings:
        say(f"warning: {warning}")
    if remark := unused_scores(inputs):
        say(remark)
    return forecast, warnings


def selection_recipe(
    store: Store,
    wanted: SelectRequest,
    settings: Settings,
    elsewhere: Mapping[str, str],
    *,
    name: str = "",
) -> str:
    """Return what stands for all that decides what is chosen for a request; `elsewhere`: data outside."""
    place: dict[str, Any] = {"device": wanted.device(settings), "memory": settings.memory}
    if wanted.keeps is not None:
        place["keeps"] = digest_of_kept(store, wanted.keeps, made=name)
    if wanted.within is not None:
        place["within"] = current_selection(store, wanted.within).about["keys_sha256"]
    if elsewhere:  # data that may have changed
        place["elsewhere"] = dict(elsewhere)
    rejects = all_rejects(store, store.dataset)  # by whichever pass over the samples
    place["rejects"] = identity({str(row): why for row, why in sorted(rejects.items())})
    columns, asked = deciding_columns(store, wanted), asdict(wanted)
    if wanted.partitions is None:
        del asked["partitions"]  # which no selection had before there were any
    return recipe_of(store, asked, columns, **place, version=prune.__version__)


def _tell_replaced(store: Store, name: str, about: dict[str, Any], settings: Settings) -> None:
    """Say that another selection of this name goes, before it does."""
    try:
        old = read_selection(store, name).about
    except (StoreError, ValueError):
        return
    differences = told_apart(old, about)
    if old.get("keys_sha256") != about["keys_sha256"] or differences:
        why = ", ".join(differences) or "chosen by columns that were made again"
        settings.reporter.say(f"replaced: selection {name} ({why}); --name keeps both")


def _tell_outdated(store: Store, about: Mapping[str, Any], settings: Settings) -> None:
    """Say that a score which decided is of another training than what lies beside it."""
    outdated = outdated_scores(store, about.get("from", {}))
    for name, of in outdated.items():
        again = scored_again(store, outdated)
        settings.reporter.say(f"chosen by {name} as it was before {of} was made again; {again} follows")
