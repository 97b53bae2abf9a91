"""Completion in the shell: values of options that are known without loading anything."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from prune.core import method_names
from prune.core.column_name import EMBEDDING, of_kinds, scores_among

_FAMILIES = {"torchvision", "timm", "clip", "clip_text"}  # whose networks have names of their own
ENCODERS = (*(name for name in method_names.ENCODERS if name not in _FAMILIES), *method_names.MODELS)
Complete = Callable[[str], list[str]]


def choices(known: Iterable[str]) -> Complete:
    """Offer the names that begin as the word does."""
    offered = list(known)

    def complete(incomplete: str) -> list[str]:
        return _starting(offered, incomplete)

    return complete


def files_or(*words: str) -> Complete:
    """Offer words beside files: the shell offers its files only where we offer nothing."""

    def complete(incomplete: str) -> list[str]:
        home, _, start = incomplete.rpartition("/")
        try:
            there = sorted(os.listdir(home or ("/" if incomplete.startswith("/") else ".")))  # noqa: PTH208
        except OSError:
            there = []
        at = incomplete[: len(incomplete) - len(start)]
        return [*_starting(words, incomplete), *(f"{at}{name}" for name in _starting(there, start))]

    return complete


def several(known: Iterable[str]) -> Complete:
    """Offer names behind commas too, as in `--type el2n,au`; none twice."""
    offered = list(known)

    def complete(incomplete: str) -> list[str]:
        head, comma, last = incomplete.rpartition(",")
        taken = head.split(",")
        return [f"{head}{comma}{name}" for name in offered if name.startswith(last) and name not in taken]

    return complete


def selections(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the selections of the store."""
    return _starting(_state(ctx).get("selections", {}), incomplete)


def scores(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the scores of the store; where it has none, all there are."""
    return _starting([name.of for name in scores_among(_columns(ctx))] or method_names.SCORES, incomplete)


def spaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the embeddings of the store, the proxy's features and its gradients."""
    return _starting(
        dict.fromkeys([*(n.of for n in of_kinds(_columns(ctx), EMBEDDING)), "proxy", "gradients"]), incomplete
    )


def methods(incomplete: str) -> list[str]:
    """Offer families and methods."""
    every = [*method_names.FAMILIES, *(name for known in method_names.FAMILIES.values() for name in known)]
    return _starting(dict.fromkeys(every), incomplete)


def options_of(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer `NAME=` for the options of the methods that are typed; this loads their tables."""
    from prune.scorers import SCORERS
    from prune.selectors import SELECTORS

    typed = ctx.params.get("type_") or ()
    table, wanted = (
        (SCORERS, [name for word in typed for name in word.split(",")])
        if typed
        else (SELECTORS, [ctx.params.get("method") or "kcenter"])
    )
    known = [f"{o}=" for name in wanted if name in table for o in table[name].options]
    return _starting(dict.fromkeys(known), incomplete)


def _starting(known: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in known if name.startswith(incomplete)]


def _columns(ctx: typer.Context) -> list[str]:
    return sorted(_state(ctx).get("columns", {}))


def _state(ctx: typer.Context) -> dict[str, Any]:
    """What the store says of itself, unchecked: completion must neither fail nor take long."""
    place = ctx.params.get("store") or os.environ.get("PRUNE_STORE") or ".prune"
    try:
        state = json.loads((Path(place) / "store.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
