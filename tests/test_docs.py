"""The pages of the methods are their docstrings, which say what a user has to know; the README is short."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from prune.cli import command_tree
from prune.core.methods import Method
from prune.selectors import SELECTORS

DOCS = Path(__file__).parent.parent / "docs"
README = DOCS.with_name("README.md").read_text(encoding="utf-8")


def _script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_those_that_make_docs_writes() -> None:
    made = _script("make").pages()
    there = {str(path.relative_to(DOCS)) for path in DOCS.glob("*/*.md")} | {"methods.md"}
    assert there == set(made)
    stale = [path for path, text in made.items() if (DOCS / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run make docs"


@pytest.mark.parametrize("method", SELECTORS.values(), ids=SELECTORS)
def test_a_selector_says_what_it_costs_and_what_it_is_good_and_bad_for(method: Method) -> None:
    doc = " ".join((inspect.getdoc(method.function) or "").split())
    for said in ("[Tt]ime", "[Mm]emory", "Good (for|at)", "[Bb]ad (at|on|for|where|with|when|as)", r"O\("):
        assert re.search(rf"\b{said}", doc), said


def test_every_promise_has_its_tests_and_stands_in_the_page() -> None:
    script = _script("reliability")
    tests = [test for promise in script.WORDS["promise"] for test in promise["tests"]]
    assert [test for test in tests if not (DOCS.parent / "tests" / test).is_file()] == []
    page = script.PAGE.read_text(encoding="utf-8")
    assert page.startswith(script.prose()), "run make soak"
    for table in script.WORDS["table"]:
        assert f"## {table['title']}\n" in page


def test_what_tests_count_becomes_a_table(tmp_path: Path) -> None:
    script = _script("reliability")
    title, columns = next(iter(script.COLUMNS.items()))
    result = tmp_path / "results.xml"

    def write(*values: object, failed: bool = False) -> Path:
        lines = [json.dumps([title, "embed", columns[0], value]) for value in values]
        marks = "".join(f"<property name='tally' value={quoteattr(line)}/>" for line in lines)
        fault = "<failure/>" if failed else ""
        result.write_text(f"<testsuite><testcase name='t'>{marks}{fault}</testcase></testsuite>")
        return result

    counted = script.counted([write(1200), write(1200)])
    assert "| embed | 2,400 |" in script.page(counted)
    with pytest.raises(ValueError, match="failed"):
        script.counted([write(1, failed=True)])
    with pytest.raises(ValueError, match="is '5 MiB' and '6 MiB'"):
        script.counted([write("5 MiB", "6 MiB")])


@pytest.mark.parametrize("name", list(command_tree().commands))
def test_the_readme_shows_every_command(name: str) -> None:
    assert f"prune {name}" in README


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 220


def test_contributing_names_what_is_of_the_second_tier() -> None:
    makefile = DOCS.with_name("Makefile").read_text(encoding="utf-8")
    (second,) = re.findall(r"^SECOND := ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    named = DOCS.with_name("CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"tests/[\w/.]+", second)
    assert len(places) >= 4
    assert [
        place for place in places if not (DOCS.parent / place).exists() or f"`{place}`" not in named
    ] == []
    assert "every `test_faults.py`" in named
