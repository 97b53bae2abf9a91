"""Write docs/reliability.md: the promises of reliability.toml, and what their tests counted (`make soak`)."""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PAGE = Path(__file__).with_suffix(".md")
WORDS: dict[str, list[dict[str, Any]]] = tomllib.loads(PAGE.with_suffix(".toml").read_text(encoding="utf-8"))
COLUMNS = {table["title"]: table["columns"] for table in WORDS["table"]}
NOTE = "<!-- Made by `make soak` from reliability.toml and the results of the tests. -->"

Rows = dict[str, dict[str, int | str]]


def counted(results: Iterable[Path]) -> dict[str, Rows]:
    """Sum what the tests of some pytest result files (JUnit XML) have counted.

    Raises
    ------
    ValueError
        A test failed, a table or a column is not known, or a text was said in two ways.
    """
    found: dict[str, Rows] = defaultdict(lambda: defaultdict(dict))
    for path in results:
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                raise ValueError(f"{case.get('classname')}.{case.get('name')} failed")
            for entry in case.iter("property"):
                if entry.get("name") == "tally":
                    _add(found, *json.loads(entry.get("value", "")))
    return found


def _add(found: dict[str, Rows], table: str, row: str, column: str, value: int | str) -> None:
    if column not in COLUMNS.get(table, []):
        raise ValueError(f"there is no column {column!r} in a table {table!r}")
    before = found[table][row].get(column)
    if isinstance(value, int) and isinstance(before, int):
        value += before
    elif before not in {None, value}:
        raise ValueError(f"{table}, {row}, {column} is {before!r} and {value!r}")
    found[table][row][column] = value


def prose() -> str:
    """Return the page down to its first table of counts."""
    lines = ["# Reliability", "", NOTE, "", "| promise | held by |", "|---|---|"]
    for promise in WORDS["promise"]:
        tests = ", ".join(f"[{Path(test).stem}](../tests/{test})" for test in promise["tests"])
        lines.append(f"| **{promise['name']}** {_line(promise['text'])} | {tests} |")
    return "\n".join(lines) + "\n"


def page(found: dict[str, Rows]) -> str:
    """Return the whole page."""
    return prose() + "".join(_table(table, found[table["title"]]) for table in WORDS["table"])


def _table(table: dict[str, Any], rows: Rows) -> str:
    columns = table["columns"]
    lines = ["", f"## {table['title']}", "", _line(table["text"]), ""]
    lines += [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for row in sorted(rows):
        lines.append(f"| {row} | {' | '.join(_cell(rows[row].get(column, '')) for column in columns)} |")
    return "\n".join(lines) + "\n"


def _cell(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(page(counted(Path(name) for name in sys.argv[1:])), encoding="utf-8")
