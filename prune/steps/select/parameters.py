"""The parameters that `select` was called with, as a request: files of keys are read, words become values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.methods import find, whole
from prune.selectors import SELECTORS
from prune.steps.select.request import SelectRequest, keys_in
from prune.steps.select.suspect_list import suspect_keys


def request_of(asked: Mapping[str, Any], seed: int) -> SelectRequest:
    """Return the request.

    Raises
    ------
    OptionError
        No such method or option of it; a size that is none; a file that cannot be read.
    """
    chosen = find("selector", asked["method"], SELECTORS)
    return SelectRequest(
        **{
            **asked,
            "count": None if asked["count"] is None else whole(asked["count"], "count"),
            "given": keys_in(asked["given"]),
            "drop_suspects": suspect_keys(asked["drop_suspects"]),
            "options": chosen.parse(asked["options"]),
        },
        seed=seed,
    )
