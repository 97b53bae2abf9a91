"""What to do about a step that failed: options become keys of its section."""

from __future__ import annotations

import re
import shlex

from prune.core.store_option import in_store
from prune.steps.recipe.keys import Verb, keys_of
from prune.steps.recipe.recipe import Recipe, RecipeStep
from prune.steps.recipe.values import written


def in_recipe(hint: str, step: RecipeStep, recipe: Recipe, store: str, verb: Verb) -> str:
    """Return a hint for who runs a recipe, where it was written for who types one command.

    Options are keys to write; a command is for the store of the recipe.
    """
    plain, mark, remark = hint.partition("   #")
    if not plain:
        return f"prune {step.verb} --help   # says what its keys mean"
    if plain.startswith("prune "):
        plain = plain if " --store " in plain else in_store(plain, store)
        return plain.replace(" DATA", f" {shlex.quote(recipe.data)}" if recipe.data else "") + mark + remark
    where = f"in [{step.verb}] of {recipe.file}, line {step.line}"
    keys = _keys(plain.removeprefix("add ").removeprefix("use "))
    if keys:
        return f"write {' and '.join(keys)} {where}{mark}{remark}"
    flags = {name for name, key in keys_of(step.verb, verb).items() if key.hint is bool}
    prose = _OPTION.sub(lambda found: f"{found[1]} = true" if found[1] in flags else found[1], plain)
    return hint if prose == plain else f"{where}: {prose}{mark}{remark}"


_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


def _keys(text: str) -> list[str]:
    """Return options as lines of a file; none where the text is anything else."""
    try:
        rest = shlex.split(text)
    except ValueError:  # a quote that is a part of a sentence
        return []
    keys = []
    while rest:
        name = rest.pop(0)
        if not name.startswith("--") or (rest and rest[0].endswith(",")):
            return []
        value = rest.pop(0) if rest and not rest[0].startswith("--") else None
        keys.append(f"{name.removeprefix('--')} = {'true' if value is None else _value(value)}")
    return keys


def _value(word: str) -> str:
    try:
        number = float(word)
    except ValueError:
        return written(word)
    return word if number == number and abs(number) != float("inf") else written(word)
