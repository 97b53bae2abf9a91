"""Run: the chain of a file, `prune.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store

_VERBS: dict[str, Callable[..., dict[str, Any]]] = {}  # the pipeline stands above, and puts its verbs here


def runs(*verbs: Callable[..., dict[str, Any]]) -> None:
    """Say which functions run the sections of a file."""
    _VERBS.update({verb.__name__: verb for verb in verbs})


def known_verbs() -> Mapping[str, Callable[..., dict[str, Any]]]:
    """Return the functions that run the sections of a file, by verb."""
    return _VERBS


@advised
def recipe(store: Store | str | Path = ".prune", out: str | Path | None = None) -> dict[str, Any]:
    """Write the file that makes again what a store shows, from what it remembers of its commands.

    Parameters
    ----------
    store, out
        What is written down, and the file; default: none is written. One that says something else stays.

    Returns
    -------
    dict
        recipe (the text), out, unchanged.

    Raises
    ------
    OutputError
        There is another file.
    """
    from prune.steps.recipe.printed import printed, write_recipe

    held = store if isinstance(store, Store) else Store(store)
    text = printed(held, _VERBS, None if out is None else Path(out).parent)
    unchanged = out is not None and write_recipe(Path(out), text)
    return {"recipe": text, "out": None if out is None else str(out), "unchanged": unchanged}


def _untold(step: Mapping[str, Any]) -> None:
    """Tell nobody that a step has ended."""


@named
def run(  # noqa: PLR0913 - a verb has the options it has
    recipe: str | Path = "prune.toml",
    *,
    store: Store | str | Path | None = None,
    only: str | Sequence[str] = (),
    dry_run: bool = False,
    seed: int | None = None,
    device: str | None = None,
    tell: Callable[[Mapping[str, Any]], None] = _untold,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Run the chain of a file, step by step; a step whose result stands is left as it is.

    Parameters
    ----------
    recipe, store
        The file; where results go, by default the store that it names, else `.prune` beside it.
    only, dry_run
        Steps to run, such as `score` or `select.third`; say what would run, and stop.
    seed, device
        In the place of those at the top of the file.
    tell
        Called with each step as soon as it has ended.

    Returns
    -------
    dict
        file, store, dry_run, steps (of each its step, verb, line, status, seconds and the result of its
        verb; of a dry run what is known of its cost), unchanged, seconds.

    Raises
    ------
    OptionError
        The file is not there, or something in it makes no sense; with the line.
    GateError
        A check did not pass: nothing behind it was run.
    """
    from prune.steps.recipe.chain import RecipeRun, run_recipe

    parts = [only] if isinstance(only, str) else only
    asked = RecipeRun(
        file=Path(recipe),
        store=store,
        only=[word for part in parts for word in part.replace(",", " ").split()],
        dry_run=dry_run,
        seed=seed,
        device=device,
        settings=settings,
        verbs=_VERBS,
        tell=tell,
    )
    return run_recipe(asked)
