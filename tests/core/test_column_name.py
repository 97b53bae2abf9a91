"""A column's name is read and written in one place, as it has always been spelled."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import prune
from prune.core import column_name
from prune.core.column_name import FEATURES, FIRST_RUN, OF_A_RUN, PROBS, RESULTS, ColumnName
from prune.store import Store

ROOT = Path(prune.__file__).parent
GOLDEN = Path(__file__).parents[1] / "data/store-v1"
SPELLED = {
    "score.el2n": ("score", "el2n", ""),
    "score.el2n.std": ("score", "el2n", "std"),
    "score.my-own_1.suspect_rank": ("score", "my-own_1", "suspect_rank"),
    "trace.0": ("trace", "0", ""),
    "trace.12.3": ("trace", "12", "3"),
    "grad_norm.0.2": ("grad_norm", "0", "2"),
    "deepfool.1": ("deepfool", "1", ""),
    "embedding.resnet18": ("embedding", "resnet18", ""),
    "embedding.vit.b.16": ("embedding", "vit.b.16", ""),
    "images.32": ("images", "32", ""),
    "probs": ("probs", "", ""),
}


@pytest.mark.parametrize("spelled", SPELLED)
def test_a_name_is_read_into_its_parts(spelled: str) -> None:
    name = ColumnName(spelled)
    assert (name.kind, name.of, name.part) == SPELLED[spelled]
    assert name.whole == ".".join(spelled.split(".")[:2]) or name.kind == "embedding"
    assert name.is_score == (spelled == "score.el2n")
    assert name.is_run == (spelled == "trace.0")
    assert ColumnName.of_run(name.kind, name.rest) == name or name == PROBS


def test_names_are_written_as_they_are_read() -> None:
    assert ColumnName.score("el2n") == "score.el2n"
    assert ColumnName.score("el2n", "std") == "score.el2n.std"
    assert ColumnName.trace(3) == ColumnName.of_run("trace", 3) == "trace.3"
    assert ColumnName.trace("0.2") == "trace.0.2"
    assert (ColumnName.embedding("pixels"), ColumnName.images(32)) == ("embedding.pixels", "images.32")
    assert (FIRST_RUN, FEATURES, PROBS) == ("trace.0", "embedding.proxy", "probs")


def test_a_name_is_text_wherever_text_is_wanted() -> None:
    name = ColumnName.score("el2n")
    assert json.dumps({name: name}) == '{"score.el2n": "score.el2n"}'
    assert pa.table({name: [1]}).column_names == ["score.el2n"]
    assert copy.deepcopy(name) == name
    assert {str(name): 1}[name] == 1


def test_lists_of_names_are_parted_by_kind() -> None:
    names = [*SPELLED, "trace.2", "trace.x"]
    assert column_name.scores_among(names) == ["score.el2n"]
    assert column_name.runs_among(["trace.10", *names]) == ["trace.0", "trace.2", "trace.10"]
    assert column_name.of_kinds(names, "images", "probs") == ["images.32", "probs"]
    trained = [name for name in [*names, *RESULTS] if column_name.is_trained(name)]
    assert {ColumnName(name).kind for name in trained} == {*OF_A_RUN, "embedding", "probs"}
    assert "embedding.resnet18" not in trained


def test_a_store_of_the_first_format_has_these_names_and_no_others() -> None:
    store = Store(GOLDEN)
    for name in map(ColumnName, store.columns):
        again = {
            "score": ColumnName.score(name.of, name.part),
            "embedding": ColumnName.embedding(name.of),
            "images": ColumnName(f"images.{name.of}"),
            "probs": PROBS,
        }
        assert again.get(name.kind, ColumnName.of_run(name.kind, name.rest)) == name
        assert store.column(name).name == name
    assert set(store.scores()) == {name.of for name in column_name.scores_among(store.columns)}


_SPELLING = re.compile(r"(score|trace|grad_norm|deepfool|embedding|images)\.[\w.]*")


def _spelled(path: Path) -> Iterator[str]:
    """Yield the names of columns that a module spells by itself, and pieces of such names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr) and _SPELLING.match(ast.unparse(node)[2:]):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and _SPELLING.fullmatch(str(node.value)):
            yield str(node.value)


def test_no_other_module_spells_the_name_of_a_column() -> None:
    modules = [path for path in ROOT.rglob("*.py") if path.name != "column_name.py"]
    assert {path.name: list(_spelled(path)) for path in modules if list(_spelled(path))} == {}
