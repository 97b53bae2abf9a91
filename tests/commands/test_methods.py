"""`prune methods`: the list, and the page of a method in words that an installed package has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from prune.core import method_names

Prune = Callable[..., Any]
LIGHT = [
    (family, name)
    for family in ("scores", "selectors", "exporters")
    for name in method_names.FAMILIES[family]
]

PLAIN = {"random", "top", "bottom", "window", "loss", "input_norm"}  # need no paper


@pytest.mark.parametrize(("family", "name"), LIGHT)
def test_every_method_has_a_page(family: str, name: str, prune: Prune) -> None:
    found = json.loads(prune("methods", name, "--json").out)
    about = found[family][name]
    assert about["text"].startswith(about["summary"])
    for option, known in about["options"].items():
        assert known["about"], f"{name} does not say what {option} is"
    if family != "exporters":
        assert about["sections"].get("References") or name in PLAIN


@pytest.mark.parametrize("columns", [40, 72, 120])
def test_a_page_is_wrapped_to_the_terminal(columns: int, prune: Prune, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("kcenter", "gradmatch", "aum", "webdataset"):
        out = prune("methods", name).out
        typed = [line for line in out.splitlines() if line.startswith("  prune ")]
        assert typed
        wide = [line for line in out.splitlines() if line not in typed and len(line) > columns]
        assert [line for line in wide if " " in line.strip()] == []
        assert "``" not in out
        assert "\n\n\n" not in out


def test_the_page_of_kcenter(prune: Prune, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = prune("methods", "kcenter").out.splitlines()
    assert lines[0] == "kcenter  (selectors)"
    assert "  prune select --method kcenter --fraction 0.3" in lines
    assert "  --set metric=euclidean" in lines
    assert any("arXiv:1708.00489" in line for line in lines)


def test_a_name_of_two_families_has_two_pages(prune: Prune) -> None:
    out = prune("methods", "webdataset").out
    assert "webdataset  (readers)" in out
    assert "webdataset  (exporters)" in out
    assert "--layout auto" in out  # an option of the verb; `export` has no --set


CALLED = {
    "scorers": "scores",
    "scores": "scores",
    "score": "scores",
    "selector": "selectors",
    "formats": "exporters",
    "exporter": "exporters",
    "reader": "readers",
}
NEAREST = {"kcentre": "kcenter", "scorerz": "scores", "forgeting": "forgetting", "webdatasets": "webdataset"}


@pytest.mark.parametrize(("word", "family"), CALLED.items())
def test_a_family_may_be_called_otherwise(word: str, family: str, prune: Prune) -> None:
    assert list(json.loads(prune("methods", word, "--json").out)) == [family]


@pytest.mark.parametrize(("word", "near"), NEAREST.items())
def test_an_unknown_name_gets_the_nearest(word: str, near: str, prune: Prune) -> None:
    said = prune("methods", word)
    assert said.code == 2
    assert said.err == f"error: no method is called {word!r}\ntry:   did you mean {near!r}?\n"


def test_a_page_loads_no_network() -> None:
    code = (
        "import sys; from prune.steps.report.methods import pages; "
        "pages('kcenter'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
