"""Hints for a column that is not there: what to type."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path

from prune.core import method_names
from prune.core.column_name import (
    EMBEDDING,
    FEATURES,
    FIELD,
    HELD_OUT,
    NEIGHBOURS,
    OF_EVALUATIONS,
    OF_PAYLOADS,
    PROBS,
    SCORE,
    ColumnName,
    of_kinds,
)
from prune.core.store_option import in_store

_ENCODERS = {*method_names.ENCODERS, *method_names.MODELS, FEATURES.of}


def writer_of(column: str) -> str:
    """Return the command that writes a column; a score that nobody here computes is mistyped, or yours."""
    name = ColumnName(column)
    if name.kind == EMBEDDING and name != FEATURES:
        return f"prune embed --encoder {name.of}   # writes {column}"
    if name.kind == NEIGHBOURS:
        found = f"--on {name.searched.of} --set mode=sparse --set similarity={name.rest.partition('.')[0]}"
        return f"prune select --method facility_location --fraction 0.3 {found}   # writes {column}"
    if name.kind == SCORE and name.rest not in method_names.SCORES:
        return "prune methods scores   # what prune computes; prune score --import FILE takes scores of yours"
    if name.kind == SCORE:
        return f"prune score --type {name.rest}   # writes {column}"
    if name.kind == FIELD:
        field = "COLUMN" if name.rest.startswith("~") else shlex.quote(name.rest)  # `~`: a name that is none
        return f"prune select --method random --fraction 0.3 --by {field}   # reads it"
    if name.kind in OF_EVALUATIONS:
        return "prune evaluate --test DATA   # writes it again"
    folds = " --cross-fit 5" if name == HELD_OUT else ""
    return f"prune score --type el2n{folds}   # writes {column}"


def to_make(
    column: str, store: Path, begun: Mapping[str, str], known: str | None, shown: Collection[str]
) -> str:
    """Return what to type for a column that is not there.

    Parameters
    ----------
    begun
        The commands that did not end, by verb: one that was to make the column goes on with it.
    known
        What was typed to make it, if it was there once.
    shown
        The columns that there are: one of them may be meant.
    """
    going = next((words for words in begun.values() if makes(words, column)), None)
    if going is not None:
        return f"{in_store(going, str(store))}   # goes on with what is there"
    made = known or (_of_no_encoder(column, shown) if ColumnName(column).kind == EMBEDDING else None)
    made = made or (_of_one_proxy(column) if HELD_OUT in shown else None)
    return nearest(column, shown) or in_store(made or writer_of(column), str(store))


def _of_one_proxy(column: str) -> str | None:
    """Return what trains one proxy on all samples, where those of folds have no features in common."""
    if ColumnName(column) != FEATURES and ColumnName(column) != PROBS:
        return None
    return f"prune score --type el2n --on-fraction 1   # one proxy in place of folds, writes {column}"


def _of_no_encoder(column: str, shown: Collection[str]) -> str | None:
    """Return what is said of an embedding that prune cannot make: the encoder meant, or what there is."""
    name = ColumnName(column)
    there = ", ".join(other.of for other in of_kinds(shown, EMBEDDING))
    if name.of in _ENCODERS or not there:
        return None
    near = difflib.get_close_matches(name.of, _ENCODERS, n=1, cutoff=0.7)
    return writer_of(ColumnName.embedding(near[0])) if near else f"name one that there is: {there}"


def makes(command: str, column: str) -> bool:
    """Whether a command, as it was typed, is to write a column."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    verb, name = words[1] if len(words) > 1 else "", ColumnName(column)
    if verb == "embed":
        usual = ("precomputed",) if "--features" in words else method_names.USUAL_ENCODERS.values()
        named = _option(words, "--encoder", "")
        return name.kind == EMBEDDING and name.of in (
            (named, method_names.caption_tower(named)) if named else usual
        )
    if verb == "evaluate" or name.kind in OF_EVALUATIONS:
        return verb == "evaluate" and name.kind in {*OF_EVALUATIONS, *OF_PAYLOADS}
    if verb != "score" or name.kind == FIELD:
        return False
    if name.kind == SCORE:
        return name.of in _option(words, "--type", "").split(",")
    return "--import" not in words and (name == FEATURES or name.kind != EMBEDDING)


def _option(words: list[str], name: str, default: str) -> str:
    at = words.index(name) + 1 if name in words else len(words)
    return words[at] if at < len(words) else default


def nearest(column: str, known: Collection[str]) -> str | None:
    """Return a question about a name that is much like this one, if a column has it."""
    name = ColumnName(column)
    names = [other.rest for other in of_kinds(known, name.kind) if other.rest]
    near = difflib.get_close_matches(name.rest, names, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else None


def listed(column: str, known: Collection[str]) -> str:
    """Return which columns there are: those of the kind that is missed, without what belongs to them."""
    alike = [name for name in of_kinds(known, ColumnName(column).kind) if name.rest and not name.part]
    shown = ", ".join(alike or known)
    return f"it has: {shown}" if shown else "it has none"
