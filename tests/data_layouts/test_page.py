"""docs/data.md and the rows that are tried are the same."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def _rows_of(path: Path) -> list[str]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(getattr(module, "ROWS", ()))


def test_every_row_of_the_page_is_tried_and_every_row_that_is_tried_stands_there() -> None:
    lines = re.findall(r"^\| (.+?) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    page = [line for line in lines if line != "data"]
    tried = [
        row
        for path in sorted(Path(__file__).parent.glob("test_*.py"))
        if path != Path(__file__)
        for row in _rows_of(path)
    ]
    assert len(set(tried)) == len(tried)
    assert sorted(page) == sorted(tried)
