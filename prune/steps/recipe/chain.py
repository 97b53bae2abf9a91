"""Run: the steps of a recipe in order; a step whose result stands is `unchanged`, as its verb says itself."""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import GateError, OptionError, PruneError
from prune.steps.check.run import unmet
from prune.steps.recipe.arguments import Caller
from prune.steps.recipe.foreseen import Foreseen, foreseen
from prune.steps.recipe.hints import in_recipe
from prune.steps.recipe.keys import VERBS, Verb
from prune.steps.recipe.recipe import Recipe, RecipeStep, read_recipe
from prune.steps.settings import Settings
from prune.store import Store

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class RecipeRun:
    """What the user asked `run` for."""

    file: Path
    store: Store | str | Path | None
    only: Sequence[str]
    dry_run: bool
    seed: int | None
    device: Any
    settings: Settings
    verbs: Mapping[str, Verb]
    tell: Tell


def run_recipe(asked: RecipeRun) -> dict[str, Any]:
    """Read the file and run its steps; see `prune.run`."""
    began = time.perf_counter()
    recipe = read_recipe(asked.file, asked.verbs)
    steps = _chosen(recipe, asked.only)
    held = _store(recipe, asked.store)
    caller = Caller(recipe, asked.settings, asked.seed, asked.device)
    done: list[dict[str, Any]] = []
    expected: list[Foreseen] = []
    for step in steps:
        about = {"step": step.name, "verb": step.verb, "line": step.line}
        if asked.dry_run:
            with _named(step, recipe, held, asked.verbs[step.verb]):
                expected.append(foreseen(step, caller, held, asked.verbs, expected))
            done.append(about | expected[-1].to_json())
        else:
            done.append(about | _run(step, caller, held, asked.verbs[step.verb]))
        asked.tell(done[-1])
        if done[-1]["status"] == "failed":
            break
    result = {
        "file": str(asked.file),
        "store": str(held.path),
        "dry_run": asked.dry_run,
        "steps": done,
        "unchanged": not asked.dry_run and all(one["status"] in {"unchanged", "passed"} for one in done),
        "seconds": time.perf_counter() - began,
    }
    _require_passed(result, recipe, held, asked.verbs)
    return result


def _run(step: RecipeStep, caller: Caller, store: Store, verb: Verb) -> dict[str, Any]:
    """Run one step; an error says which it was."""
    recipe, settings = caller.recipe, caller.settings
    began = time.perf_counter()
    settings.reporter.say(f"{step.name} ({recipe.file}, line {step.line})")
    ended = False
    try:
        with _named(step, recipe, store, verb):
            result = verb(store, **caller.arguments(step))
        ended = True
    finally:
        if not ended:
            settings.reporter.say(f"stopped in {step.name}; what was done stays, the same command goes on")
    if step.verb == "check":
        status = "passed" if result["passed"] else "failed"
    else:
        status = "unchanged" if result["unchanged"] else "done"
    return {"status": status, "seconds": time.perf_counter() - began, "result": result}


@contextlib.contextmanager
def _named(step: RecipeStep, recipe: Recipe, store: Store, verb: Verb) -> Iterator[None]:
    """Do something for a step; an error says for which, and what to change in its section."""
    try:
        yield
    except PruneError as error:
        error.args = (f"{step.name} ({recipe.file}, line {step.line}): {error}",)
        error.hint = in_recipe(error.hint, step, recipe, str(store.path), verb)
        raise


def _require_passed(
    result: Mapping[str, Any], recipe: Recipe, store: Store, verbs: Mapping[str, Verb]
) -> None:
    """Raise `GateError` where the last step is a check that failed."""
    last = result["steps"][-1]
    if last["status"] != "failed":
        return
    found = last["result"]
    where = f"{last['step']} ({recipe.file}, line {last['line']})"
    step = next(step for step in recipe.steps if step.name == last["step"])
    hint = found["advice"] or "prune run --json   # lists the samples"
    raise GateError(
        f"{where}: {unmet(found)}",
        in_recipe(hint, step, recipe, str(store.path), verbs["check"]),
        result,
        found["exit_code"],
    )


def _store(recipe: Recipe, asked: Store | str | Path | None) -> Store:
    """Return the store that was asked for, else the one of the file, else the one beside it."""
    if isinstance(asked, Store):
        return asked
    usual = recipe.file.parent / ".prune"
    return Store(usual if recipe.store is None and asked is None else asked or recipe.store or usual)


def _chosen(recipe: Recipe, only: Sequence[str]) -> list[RecipeStep]:
    """Return the steps that were asked for, all of them by default.

    Raises
    ------
    OptionError
        There is none, or none of a name.
    """
    if not recipe.steps:
        what = f"{recipe.file} has no steps"
        raise OptionError(what, f"[select] in it, or another of {', '.join(VERBS)}")
    names = [step.name for step in recipe.steps]
    for word in only:
        if word not in names and not any(step.verb == word for step in recipe.steps):
            known = list(dict.fromkeys([*names, *(step.verb for step in recipe.steps)]))
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            raise OptionError(
                f"{recipe.file} has no step {word!r}", f"--only {near[0] if near else ','.join(names)}"
            )
    return [step for step in recipe.steps if not only or step.name in only or step.verb in only]
