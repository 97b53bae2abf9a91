"""Remaining work: what is left to train before anything is, proxy by proxy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.proxy.config import Training
from prune.proxy.run import Proxy, trace_recipe
from prune.store import Column, Dataset, Store, identity
from prune.store.layout import COLUMNS


@dataclass(frozen=True)
class Planned:
    """One proxy to train, or that is trained."""

    name: str  # of its trace
    recipe: Mapping[str, Any]
    done: int  # epochs whose facts are there
    of: int

    @property
    def identity(self) -> str:
        """Of its trace."""
        return identity(self.recipe)


def planned(
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    proxies: Sequence[Proxy],
    *,
    device: str,
) -> list[Planned]:
    """Look how much of each proxy is trained; nothing is written."""
    found = []
    for proxy in proxies:
        asked = trace_recipe(dataset, inputs, training, proxy.run, device, share=proxy.share)
        recipe = proxy.serving(store, asked)
        found.append(Planned(proxy.trace, recipe, _done(store, proxy, recipe, training), training.last))
    return found


def _done(store: Store, proxy: Proxy, recipe: Mapping[str, Any], training: Training) -> int:
    if not (store.path / COLUMNS / proxy.trace / identity(recipe)).exists():
        return 0
    writer = store.write_column(proxy.trace, recipe, rows=training.last, part_rows=1)
    return training.last - len(list(writer.missing()))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what two recipes of traces differ in, as `score` calls it: {option: (old, new)}."""
    before, after = old.get("training", {}), new.get("training", {})
    found = {
        option: (before.get(name), after.get(name))
        for name, option in _OPTIONS.items()
        if before.get(name) != after.get(name)
    }
    stops = before.get("stop"), after.get("stop")
    if stops[0] != stops[1] and "--epochs" not in found:
        found["--epochs"] = (stops[0] or before.get("epochs"), stops[1] or after.get("epochs"))
    for name, option in {"fraction": "--on-fraction", "folds": "--cross-fit"}.items():
        was, now = ((recipe.get("share") or {}).get(name) for recipe in (old, new))
        if was != now:
            found[option] = (was, now)
    inputs = old.get("inputs", {}), new.get("inputs", {})
    names = inputs[0].get("name"), inputs[1].get("name")
    if names[0] != names[1] and "--proxy-size" not in found:
        found["what it looks at"] = names
    return found


def reasons(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say why one trace does not serve in the place of another."""
    told = [f"{name} {_word(a)} → {_word(b)}" for name, (a, b) in differences(old, new).items()]
    if old.get("source"):
        told = [f"the trace that is there comes from your own {old['source'].replace('own', 'training')}"]
    if not told and old.get("inputs") != new.get("inputs"):
        told.append(f"{new['inputs']['name']}, which it looks at, was made again in another way")
    if not told and old.get("rejected") != new.get("rejected"):
        told.append("other samples than before cannot be used")
    return told


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


_OPTIONS = {
    "proxy": "--proxy",
    "epochs": "--epochs",
    "size": "--proxy-size",
    "peak_lr": "--lr",
    "flip": "--flip",
    "seed": "--seed",
    "batch": "batch",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "warmup": "warm-up",
    "crop": "crop",
}
