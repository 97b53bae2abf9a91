"""Completion offers values of options: quickly, from names and from the store, loading nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prune.core import method_names


def offered(*words: str) -> list[str]:
    """What bash would show for the last word of `prune WORDS…`."""
    line = {"COMP_WORDS": " ".join(["prune", *words]), "COMP_CWORD": str(len(words))}
    environment = {**os.environ, "_PRUNE_COMPLETE": "complete_bash", **line}
    code = (
        "import sys, atexit; from prune.__main__ import main\n"
        "atexit.register(lambda: print(*{'numpy', 'torch', 'pyarrow'} & set(sys.modules), file=sys.stderr))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.strip() == "", "something heavy was loaded"
    return done.stdout.split()


@pytest.fixture
def store(elsewhere: Path) -> Path:
    """What a store says of itself, no more."""
    columns = {"score.el2n": "1", "score.aum": "1", "score.aum.suspect": "1", "embedding.pixels": "1"}
    for place, selections in ((".prune", {"kcenter": "1", "tenth": "2"}), ("other", {"mine": "3"})):
        (elsewhere / place).mkdir()
        state = {"format": 1, "columns": columns, "selections": selections}
        (elsewhere / place / "store.json").write_text(json.dumps(state))
    return elsewhere


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["select", "--method", "kc"], ["kcenter"]),
        (["select", "--method", ""], [*method_names.SELECTORS, "auto"]),
        (["score", "--type", "gr"], ["grad_norm", "grad_norm_last"]),
        (["score", "--type", "el2n,au"], ["el2n,aum"]),
        (["score", "--proxy", "res"], ["resnet8", "resnet9", "resnet20"]),
        (["embed", "--encoder", "pi"], ["pixels"]),
        (["embed", "--as", ""], list(method_names.READERS)),
        (["export", "--format", "web"], ["webdataset"]),
        (["export", "--selection", ""], ["kcenter", "tenth"]),
        (["export", "--store", "other", "--selection", ""], ["mine"]),
        (["select", "--score", ""], ["aum", "el2n"]),
        (["select", "--on", "p"], ["pixels", "proxy"]),
        (["methods", "grad"], ["grad_norm", "grad_norm_last", "gradmatch"]),
        (["ex"], ["export"]),
        (["select", "--quota", "e"], ["equal"]),
    ],
)
def test_what_is_offered(words: list[str], values: list[str], store: Path) -> None:
    assert offered(*words) == values


@pytest.mark.parametrize("text", ["", "[]", "{", '{"columns": []}'])
def test_a_damaged_store_offers_nothing(text: str, elsewhere: Path) -> None:
    (elsewhere / ".prune").mkdir()
    (elsewhere / ".prune" / "store.json").write_text(text)
    assert offered("export", "--selection", "") == []
