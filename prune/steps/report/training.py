"""How the traces of a store were trained, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from prune.core.column_name import EMBEDDING, FIRST_RUN, IMAGES, NGRAMS, ColumnName, runs_among

RecipeOf = Callable[[str], Mapping[str, Any] | None]  # of a shown column; None where nothing tells it


def trained(recipe_of: RecipeOf, shown: Collection[str]) -> str | None:
    """Say which proxy, how long, on what, how often; None where no trace is shown, or none that tells."""
    recipe = recipe_of(FIRST_RUN) or {}
    if "folds" in recipe:
        recipe = recipe_of(ColumnName.trace("0.0")) or {}
    source = recipe.get("source")
    if source:
        return "a training of your own" if source == "own" else "your model's checkpoint"
    training = recipe.get("training")
    if not isinstance(training, dict):
        return None
    inputs = ColumnName((recipe.get("inputs") or {}).get("name"))
    return in_words(training, inputs, recipe.get("share") or {}, len(runs_among(shown)))


def in_words(training: Mapping[str, Any], inputs: ColumnName, share: Mapping[str, Any], runs: int) -> str:
    """Say how proxies were trained: `resnet8, 10 epochs, 32 pixels`."""
    last, of = training.get("stop") or training["epochs"], training["epochs"]
    epochs = f"{last} of {of} epochs" if last < of else f"{of} epoch{'s' * (of != 1)}"
    pixels = inputs.kind == IMAGES
    more = {
        "not mirrored": pixels and not training.get("flip"),
        f"{runs} runs": runs > 1,
        f"on a part of {share.get('fraction')}": share.get("fraction") is not None,
        f"{share.get('folds')} folds": share.get("folds") is not None,
        f"seed {training.get('seed')}": bool(training.get("seed")),
    }
    looked = {
        IMAGES: f"{training.get('size')} pixels",
        EMBEDDING: inputs.of,
        NGRAMS: f"{inputs.of} n-grams a text",
    }.get(inputs.kind, inputs)
    return ", ".join([str(training["proxy"]), epochs, looked, *(w for w, true in more.items() if true)])
