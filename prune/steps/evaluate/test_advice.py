"""What to say where a test set is asked for: words that work when they are typed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from prune.core.column_name import scores_among
from prune.core.errors import PruneError
from prune.core.method_names import SCORES
from prune.core.store_option import in_store
from prune.readers import open_reader
from prune.steps.dataset_session import locate
from prune.steps.located_reader import reader_words
from prune.store import Store

_USUAL = ("test", "validation", "valid", "val", "dev")  # names of splits, as they are tried
_PART = "0.1"


def naming_a_test(store: Store) -> str | None:
    """Return what names a test set: nothing where the store holds one out, else a split; None of neither."""
    if len(store.dataset.held_out):
        return ""
    found = _split_of(store)
    return None if found is None else f" --test {found}"


def evaluate_words(store: Store, words: str) -> str:
    """Return `prune evaluate …` with a test set; where there is none, after what sets one aside."""
    test = naming_a_test(store)
    command = in_store(f"prune evaluate{test or ''} {words}".rstrip(), str(store.path))
    return command if test is not None else f"{holdout_words(store)} && {command}"


def words_of_a_test(store: Store) -> str:
    """Return what to add to a command, or to type before it, for a test set of a store."""
    test = naming_a_test(store)
    if test is None:
        return f"{holdout_words(store)}   # sets a tenth of each class aside; or name a dataset"
    return test.strip() or "leave --test out: what the store holds out is tested on"


def holdout_words(store: Store) -> str:
    """Return what makes the columns of a store again, with a part of every class set aside first."""
    known = dict.fromkeys(name.of for name in scores_among(store.columns) if name.of in SCORES)
    types = ",".join(known) or "el2n"  # imported ones cannot be made again
    return in_store(f"prune score --type {types} --holdout {_PART} --refresh", str(store.path))


def _split_of(store: Store) -> str | None:
    with contextlib.suppress(PruneError, OSError):
        location = locate(store, None)
        for name in _USUAL:
            if name != store.dataset.split and _opens(location, name):
                return name
    return None


def _opens(location: Mapping[str, Any], split: str) -> bool:
    try:
        open_reader(location["data"], **reader_words(location["reading"]) | {"split": split})
    except (PruneError, OSError):
        return False
    return True
