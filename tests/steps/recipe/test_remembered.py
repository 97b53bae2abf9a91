"""What a store remembers of commands, where they said nothing but their verb."""

from __future__ import annotations

from pathlib import Path

import prune
from prune import pipeline
from prune.core.progress import SILENT
from prune.steps.settings import Settings

SETTINGS = Settings(reporter=SILENT)


def test_an_embedding_by_the_default_is_made_again(tmp_path: Path) -> None:
    texts = tmp_path / "a.jsonl"
    texts.write_text("".join(f'{{"text": "line {row} of {row % 5} others"}}\n' for row in range(20)))
    prune.embed(tmp_path / "made", str(texts), settings=SETTINGS)
    assert prune.Store(tmp_path / "made").commands["embedding.ngrams"] == "prune embed"
    recipe = tmp_path / "prune.toml"
    pipeline.recipe(tmp_path / "made", recipe)
    assert "\n[embed]\n" in recipe.read_text()
    prune.run(recipe, store=tmp_path / "again", settings=SETTINGS)
    assert set(prune.Store(tmp_path / "again").columns) == {"embedding.ngrams"}
