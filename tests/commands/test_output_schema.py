"""What every verb prints with `--json`, against the schema that it prints with `--json-schema`."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from PIL import Image

from prune.cli import command_tree, main
from prune.commands import output_schema as output_schema_module
from prune.commands.demos import digits
from prune.commands.output_schema import output_schema

Prune = Callable[..., Any]
VERBS: list[str] = list(command_tree().commands)
QUICK = ["--proxy", "mlp", "--proxy-size", 8, "--epochs", 2, "--no-flip", "--workers", 0]
TRAINED = ["--model", "mlp", "--steps", 2, "--seeds", 2, "--size", 8, "--workers", 0]
RECIPE = """\
store = ".prune"
[[select]]
name = "few"
method = "random"
count = 8
[check]
min_per_class = {least}
[export]
format = "manifest"
out = "few"
"""

# In an order in which they work; what fails stands below once more.
COMMANDS: list[tuple[str, list[Any]]] = [
    ("embed", ["--encoder", "pixels", "data", "--holdout", 0.2, "--workers", 0]),
    ("score", ["--type", "el2n,aum,dual", *QUICK]),
    ("score", ["--type", "el2n", "--runs", 2, *QUICK]),
    ("score", ["--type", "el2n", "--cross-fit", 2, "data", "--store", "folds", *QUICK]),
    ("select", ["--method", "kcenter", "--count", 9, "--on", "pixels", "--dry-run"]),
    ("select", ["--method", "kcenter", "--count", 9, "--on", "pixels"]),
    ("select", ["--method", "semdedup", "--count", 15, "--on", "pixels", "--drop-suspects", "auto"]),
    ("select", ["--method", "random", "--count", 8, "--within", "semdedup", "--drop-leaks", "other"]),
    ("select", ["--method", "random", "--count", 6, "--drop-duplicates"]),
    ("select", ["--method", "top", "--score", "aum", "--count", 7, "--quota", "drop"]),
    ("select", ["--method", "random", "--count", 8, "--by", "folder", "--where", "width > 2 or height > 2"]),
    ("select", ["--method", "random", "--count", 8, "--name", "few"]),
    ("export", ["--format", "webdataset", "--out", "shards"]),
    ("run", ["prune.toml", "--dry-run"]),
    ("run", ["prune.toml"]),
    ("run", ["strict.toml"]),
    ("evaluate", [*TRAINED, "--select", "few", "--dry-run"]),
    ("evaluate", [*TRAINED, "--select", "few"]),
    (
        "evaluate",
        ["--probe", "--on", "pixels", "--choose", "--select", "kcenter,on=pixels", "--fraction", 0.4],
    ),
    ("evaluate", ["--show"]),
    ("check", ["--min-per-class", 1, "--max-class-shift", 0.9, "--max-duplicates", 0.9]),
    ("check", ["--max-suspects", 0.9, "--churn", "few", 0.9]),
    ("check", ["--no-leak", "nowhere", "--churn", "nobody", 0.1, "--min-per-class", 1]),
    ("check", ["--no-leak", "data/ant"]),
    ("report", ["--out", "page.html"]),
    ("suspects", []),
    ("suspects", ["--out", "suspects.csv"]),
    ("why", ["ant/00.png", "bee/01.png", "ant/copy.png"]),
    ("diff", ["kcenter", "few"]),
    ("diff", ["kcenter", "few", "--out", "moved.csv"]),
    ("status", []),
    ("status", ["--recipe"]),
    ("status", ["--store", "folds"]),
    ("plan", ["data", "--type", "el2n", "--epochs", 2, "--proxy", "mlp", "--proxy-size", 8, "--workers", 0]),
    ("status", []),
    ("verify", []),
    ("verify", ["shards"]),
    ("gc", ["--dry-run"]),
    ("gc", []),
    ("methods", []),
    ("methods", ["selectors"]),
    ("methods", ["kcenter"]),
    ("methods", ["webdataset"]),
    ("demo", ["--out", "demo"]),
    ("embed", ["texts.jsonl", "--store", "texts"]),
    ("select", ["--method", "random", "--count", 6, "--store", "texts"]),
    ("why", ["texts.jsonl:1", "--store", "texts"]),
    ("embed", ["missing"]),
    ("score", ["--type", "el2n", "broken", "--store", "rejects", *QUICK]),
]
FAILING: list[tuple[str, list[Any]]] = [
    ("run", ["strict.toml"]),
    ("check", ["--no-leak", "nowhere", "--churn", "nobody", 0.1, "--min-per-class", 1]),
    ("check", ["--no-leak", "data/ant"]),
    ("embed", ["missing"]),
    ("score", ["--type", "el2n", "broken", "--store", "rejects", *QUICK]),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with a copy, a held-out set, a folder with one that is damaged, two files of a chain."""
    home = tmp_path_factory.mktemp("schemas")
    rng = np.random.default_rng(2)
    for folder, count in (("data", 26), ("other", 4), ("broken", 6)):
        for number in range(count):
            path = home / folder / ("ant", "bee")[number % 2] / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    first = (home / "data/ant/00.png").read_bytes()
    (home / "data/ant/copy.png").write_bytes(first)
    (home / "broken/ant/00.png").write_bytes(first[:60])
    shutil.copytree(home / "data", home / "demo" / "digits")  # which the demo then takes as they are
    lines = [{"text": f"word {number} of many", "label": "ab"[number % 2]} for number in range(12)]
    (home / "texts.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (home / "prune.toml").write_text(RECIPE.format(least=1))
    (home / "strict.toml").write_text(RECIPE.format(least=99))
    return home


@pytest.fixture(scope="module")
def printed(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Run every command once, where the data is; return what each verb printed."""
    found: dict[str, list[dict[str, Any]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr(digits, "_STEPS", 2)
        patch.setattr(digits, "_SEEDS", 1)
        for verb, words in COMMANDS:
            typed = ["prune", verb, *map(str, words), "--device", "cpu", "--json"]
            patch.setattr(sys, "argv", typed)
            out, err = io.StringIO(), io.StringIO()
            ends = pytest.raises(SystemExit)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), ends:
                main()
            found.setdefault(verb, []).append(json.loads(out.getvalue()))
            failed = "error" in found[verb][-1]
            assert failed == ((verb, words) in FAILING), (typed, err.getvalue())
    return found


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object that names its keys."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for one in schema.values():
            yield from objects(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from objects(one)


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_verb_prints_is_as_its_schema_says(
    printed: dict[str, list[dict[str, Any]]], verb: str
) -> None:
    validator = Draft202012Validator(output_schema(verb))
    for body in printed[verb]:
        validator.validate(body)
        with pytest.raises(ValidationError):
            validator.validate({**body, "renamed": 1})
        for name in _always(verb) & body.keys():
            with pytest.raises(ValidationError):
                validator.validate({key: value for key, value in body.items() if key != name})


def _always(verb: str) -> set[str]:
    """Return the keys that no object of a schema may lack where it knows them."""
    every = list(objects(output_schema(verb)["$defs"]))
    needed = {name for one in every for name in one["required"]}
    return needed - {name for one in every for name in one["properties"] if name not in one["required"]}


@pytest.mark.parametrize("verb", VERBS)
def test_a_schema_is_closed_but_where_a_method_decides(verb: str, prune: Prune) -> None:
    schema = json.loads(prune(verb, "--json-schema").out)
    assert schema == output_schema(verb)
    Draft202012Validator.check_schema(schema)
    for one in objects(schema["$defs"]):
        assert one.get("additionalProperties") is False or one["required"] == ["key"], one
        assert set(one["required"]) <= set(one["properties"])


def test_every_file_of_a_schema_is_of_a_verb_or_a_part_of_one() -> None:
    files = {path.stem for path in Path(output_schema_module.__file__).parent.glob("schemas/*.json")}
    assert files == {name for verb in VERBS for name in output_schema(verb)["$defs"]}


def test_errors_and_gates_are_described(printed: dict[str, list[dict[str, Any]]]) -> None:
    codes = [body["exit_code"] for verb in ("embed", "score", "check", "run") for body in printed[verb][-1:]]
    assert codes == [3, 3, 5, 5]
    assert printed["score"][-1]["rejects"]
    assert printed["run"][-1]["steps"][-1]["result"]["passed"] is False


def test_the_option_stops_before_anything_is_wanted(prune: Prune) -> None:
    said = prune("why", "--json-schema", "--selection", "none")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["title"] == "prune why --json"
