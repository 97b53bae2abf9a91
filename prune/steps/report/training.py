"""How the traces of a store were trained, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

RecipeOf = Callable[[str], Mapping[str, Any] | None]  # of a shown column; None where nothing tells it


def trained(recipe_of: RecipeOf, shown: Collection[str]) -> str | None:
    """Say which proxy, how long, on what, how often; None where no trace is shown, or none that tells."""
    recipe = recipe_of("trace.0") or {}
    if "folds" in recipe:
        recipe = recipe_of("trace.0.0") or {}
    source = recipe.get("source")
    if source:
        return "a training of your own" if source == "own" else "your model's checkpoint"
    training = recipe.get("training")
    if not isinstance(training, dict):
        return None
    runs = sum(name.startswith("trace.") and name.count(".") == 1 for name in shown)
    return in_words(training, str((recipe.get("inputs") or {}).get("name")), recipe.get("share") or {}, runs)


def in_words(training: Mapping[str, Any], inputs: str, share: Mapping[str, Any], runs: int) -> str:
    """Say how proxies were trained: `resnet8, 10 epochs, 32 pixels`."""
    last, of = training.get("stop") or training["epochs"], training["epochs"]
    epochs = f"{last} of {of} epochs" if last < of else f"{of} epoch{'s' * (of != 1)}"
    pixels = inputs.startswith("images.")
    more = {
        "not mirrored": pixels and not training.get("flip"),
        f"{runs} runs": runs > 1,
        f"on a part of {share.get('fraction')}": share.get("fraction") is not None,
        f"{share.get('folds')} folds": share.get("folds") is not None,
        f"seed {training.get('seed')}": bool(training.get("seed")),
    }
    looked = f"{training.get('size')} pixels" if pixels else inputs.removeprefix("embedding.")
    return ", ".join([str(training["proxy"]), epochs, looked, *(w for w, true in more.items() if true)])
