"""The pages of the methods are their docstrings, and these say what a user has to know."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from prune.methods import Method
from prune.selectors import SELECTORS

DOCS = Path(__file__).parent.parent / "docs"


def _pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("make_docs", DOCS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_the_pages_are_those_that_make_docs_writes() -> None:
    made = _pages()
    there = {str(path.relative_to(DOCS)) for path in DOCS.glob("*/*.md")} | {"methods.md"}
    assert there == set(made)
    stale = [path for path, text in made.items() if (DOCS / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run make docs"


@pytest.mark.parametrize("method", SELECTORS.values(), ids=SELECTORS)
def test_a_selector_says_what_it_costs_and_what_it_is_good_and_bad_for(method: Method) -> None:
    doc = " ".join((inspect.getdoc(method.function) or "").split())
    for said in ("[Tt]ime", "[Mm]emory", "Good (for|at)", "[Bb]ad (at|on|for|where|with|when|as)", r"O\("):
        assert re.search(rf"\b{said}", doc), said
