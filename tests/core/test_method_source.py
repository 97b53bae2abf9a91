"""Tables that are only read say the same as the tables that are loaded."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from prune.core import method_names, method_source
from prune.core.errors import OptionError
from prune.steps.report import methods

NAMES = sorted({name for known in method_names.FAMILIES.values() for name in known})


def _load(_: Any, module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def test_what_is_read_is_what_would_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    listed, pages = methods.families(), {name: methods.pages(name) for name in NAMES}
    monkeypatch.setattr(methods, "_read", _load)
    assert methods.families() == listed
    assert {name: methods.pages(name) for name in NAMES} == pages


@pytest.mark.parametrize(("module", "table"), sorted(methods._TABLES.values()))
def test_every_row_is_read_in_its_order_with_its_signature(module: str, table: str) -> None:
    read, loaded = method_source.rows(module, table), _load(None, module, table)
    assert list(read) == list(loaded)
    for name, row in loaded.items():
        told = read[name]
        assert type(told) is type(row)
        assert (told.needs, told.supplied, told.options) == (row.needs, row.supplied, row.options)
        assert told.function.__doc__ is not None
        with pytest.raises(RuntimeError, match="not loaded"):
            told.function()


def test_words_are_parsed_by_what_was_read() -> None:
    kcenter = method_source.rows("prune.selectors", "SELECTORS")["kcenter"]
    assert kcenter.parse(["metric=cosine"]) == {"metric": "cosine"}
    with pytest.raises(OptionError, match="not one of euclidean, cosine"):
        kcenter.parse(["metric=round"])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("prune.selectors", "nothing"),  # no such name
        ("prune.selectors.kcenter", "kcenter"),  # a function is no literal
        ("prune.core.method_source", "_ROOT"),  # computed
        ("prune.system.cores", "Path"),  # of another package
    ],
)
def test_what_only_running_tells_is_not_guessed(module: str, name: str) -> None:
    with pytest.raises(method_source.UnreadError):
        method_source.value(module, name)


def test_without_sources_the_tables_are_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    read = methods.families("scores")
    monkeypatch.setattr(method_source, "_ROOT", tmp_path)
    method_source._definitions.cache_clear()
    with pytest.raises(OSError, match="No such file"):
        method_source.rows("prune.scorers", "SCORERS")
    assert methods.families("scores") == read
    method_source._definitions.cache_clear()
