"""The parameters that `select` was called with, as a request: files of keys are read, words become values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.methods import find, whole
from prune.selectors import SELECTORS
from prune.steps.select.kept_selection import given_in
from prune.steps.select.request import SelectRequest
from prune.steps.select.suspect_list import suspect_keys
from prune.store import Store


def request_of(store: Store, asked: Mapping[str, Any], seed: int) -> SelectRequest:
    """Return the request.

    Raises
    ------
    OptionError
        No such method or option of it; a size that is none; a file that cannot be read.
    """
    chosen = find("selector", asked["method"], SELECTORS)
    keys, keeps = given_in(store, asked["given"])
    return SelectRequest(
        **{
            **asked,
            "count": None if asked["count"] is None else whole(asked["count"], "count"),
            "partitions": None if asked["partitions"] is None else whole(asked["partitions"], "partitions"),
            "given": keys,
            "keeps": keeps,
            "replace": bool(asked["replace"]),
            "drop_duplicates": bool(asked["drop_duplicates"]),
            "drop_suspects": suspect_keys(asked["drop_suspects"]),
            "options": chosen.parse(asked["options"]),
        },
        seed=seed,
    )
