"""The schema of the file has the keys that the verbs have, no more and no fewer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from prune import pipeline
from prune.steps.recipe.keys import SectionKeys, settings_keys
from prune.steps.recipe.run import _VERBS
from prune.steps.recipe.schema import recipe_schema


def test_it_has_the_keys_of_the_verbs() -> None:
    assert pipeline.run  # which names the verbs
    schema, keys = recipe_schema(), SectionKeys(_VERBS)
    assert set(schema["$defs"]) == set(keys)
    assert set(schema["properties"]) == {"store", *settings_keys(), *keys}
    assert schema["additionalProperties"] is False
    for section, known in keys.items():
        assert set(schema["$defs"][section]["properties"]) == set(known), section
        assert schema["$defs"][section]["additionalProperties"] is False


def test_it_is_printed(prune: Callable[..., Any]) -> None:
    said = prune("run", "--schema")
    assert said.code == 0
    assert json.loads(said.out) == recipe_schema()
