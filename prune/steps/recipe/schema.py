"""The JSON schema of a recipe: a literal file, shipped with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "schemas" / "recipe.json"


def recipe_schema() -> dict[str, Any]:
    """Return what a `prune.toml` may say, for editors and pipelines that look at it before it runs."""
    schema: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return schema
