"""`prune run`: a chain from a file, step by step, and what is wrong with a file in its line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import prune as library
from prune.core.errors import GateError, OptionError

Prune = Callable[..., Any]
RECIPE = """\
# the whole chain
[data]
path = "pictures"
holdout = 0.2

[score]
type = "el2n"
proxy = "mlp"
proxy_size = 8
epochs = 2
[score.set]
epoch = 1

[[select]]
name = "hard"
method = "top"
fraction = 0.5

[[select]]
name = "few"
method = "random"
fraction = 0.25
within = "hard"
quota = "equal"

[check]
min-per-class = 2

[[export]]
format = "manifest"
out = "few"

[[export]]
format = "parquet"
selection = "hard"
"""
STEPS = ["score", "select.hard", "select.few", "check", "export.1", "export.2"]


def pictures(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(24):
        path = folder / ("ant", "bee")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with data and a file that was run once, and what came of it."""
    home = tmp_path_factory.mktemp("recipe")
    pictures(home / "pictures")
    (home / "prune.toml").write_text(RECIPE)
    return home, library.run(home / "prune.toml")


@pytest.fixture
def home(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of it, which may be changed."""
    return Path(shutil.copytree(made[0], tmp_path / "home", copy_function=shutil.copy2))


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["status"] for step in result["steps"]}


def body(said: Any) -> dict[str, Any]:
    lines: dict[str, Any] = json.loads(said.out)
    return lines


def test_a_chain_runs_in_order_and_its_places_are_beside_the_file(made: tuple[Path, dict[str, Any]]) -> None:
    home, result = made
    assert list(statuses(result)) == STEPS
    assert set(statuses(result).values()) == {"done", "passed"}
    assert not result["unchanged"]
    assert {path.name for path in home.iterdir()} == {
        "pictures", "prune.toml", ".prune", "few", "pruned-parquet",
    }  # fmt: skip
    few, hard = (library.Store(home / ".prune").selection(name) for name in ("few", "hard"))
    assert set(few.keys) < set(hard.keys)
    assert result["steps"][4]["result"]["samples"] == len(few.keys)
    assert result["steps"][5]["result"]["samples"] == len(hard.keys)
    assert len(library.Store(home / ".prune").dataset.held_out) == 4


def test_what_stands_is_left_as_it_is(home: Path) -> None:
    (home / "prune.toml").write_text(f"{RECIPE}\n[report]\n")
    library.run(home / "prune.toml")  # of the copy: a dataset in another place
    took = library.Store(home / ".prune").timings
    result = library.run(home / "prune.toml")
    assert set(statuses(result).values()) == {"unchanged", "passed"}
    assert result["unchanged"]
    assert library.Store(home / ".prune").timings == took  # of what had something to do
    (home / "prune.toml").write_text(RECIPE.replace("fraction = 0.25", "fraction = 0.3"))
    foreseen = library.run(home / "prune.toml", only="select", dry_run=True)
    assert statuses(foreseen) == {"select.hard": "would stand", "select.few": "would run"}
    changed = library.run(home / "prune.toml", only=["score", "select"])
    assert statuses(changed) == {"score": "unchanged", "select.hard": "unchanged", "select.few": "done"}


def test_a_dry_run_tells_and_makes_nothing(prune: Prune, tmp_path: Path) -> None:
    pictures(tmp_path / "pictures")
    (tmp_path / "prune.toml").write_text(RECIPE)
    said = prune("run", tmp_path / "prune.toml", "--dry-run")
    assert said.code == 0
    assert said.out.count("would run") == len(STEPS) + 1
    assert "score: would run (its cost is not known yet)" in said.out
    assert {path.name for path in tmp_path.iterdir()} == {"pictures", "prune.toml"}


def test_a_check_that_fails_ends_with_its_code_before_anything_is_exported(prune: Prune, home: Path) -> None:
    shutil.rmtree(home / "few")
    (home / "prune.toml").write_text(RECIPE.replace("min-per-class = 2", "min-per-class = 5"))
    said = prune("run", home / "prune.toml", "--json")
    assert said.code == 5
    assert "check" in said.err
    assert "line 26" in said.err
    assert [step["status"] for step in body(said)["steps"]][-1] == "failed"
    assert body(said)["exit_code"] == 5
    assert not (home / "few").exists()
    with pytest.raises(GateError):
        library.run(home / "prune.toml")


def test_a_step_that_fails_keeps_its_code_and_says_which_it_was(prune: Prune, home: Path) -> None:
    (home / "few" / "mine.txt").write_text("not of an export")
    (home / "prune.toml").write_text(RECIPE.replace('within = "hard"', 'within = "absent"'))
    said = prune("run", home / "prune.toml")
    assert said.code == 4
    assert f"error: select.few ({home / 'prune.toml'}, line 19): " in said.err
    assert "select.hard: unchanged" in said.out
    assert "select.few" not in said.out


def test_an_option_that_is_missing_is_a_key_to_write(prune: Prune, home: Path) -> None:
    (home / "prune.toml").write_text(RECIPE.replace("fraction = 0.25", "fraction = 0.3"))
    said = prune("run", home / "prune.toml")
    assert said.code == 6
    hint = next(line for line in said.err.splitlines() if line.startswith("try:"))
    assert f"in [export] of {home / 'prune.toml'}, line 29: add overwrite = true to replace it" in hint
    text = (home / "prune.toml").read_text().replace('out = "few"\n', 'out = "few"\noverwrite = true\n')
    (home / "prune.toml").write_text(text)
    assert prune("run", home / "prune.toml").code == 0


def test_the_command_line_goes_before_the_top_of_the_file(home: Path) -> None:
    text = f'seed = 1\nstore = "elsewhere"\n{RECIPE}'.replace(
        "epoch = 1", "epoch = 1\n[embed]\nencoder = 'pixels'"
    )
    (home / "prune.toml").write_text(text)
    result = library.run(home / "prune.toml", store=home / "third", only="score,select", seed=7)
    assert result["store"] == str(home / "third")
    assert [step["result"]["seed"] for step in result["steps"] if step["verb"] == "select"] == [7, 7]
    assert not (home / "elsewhere").exists()


WRONG = [  # what takes the place of what; the line, what is said of it, and what to do
    ("fraction = 0.5", "fracton = 0.5", 17, "[select] has no key 'fracton'", "fraction instead of fracton"),
    ("epochs = 2", "epochs = '2'", 10, "epochs is a whole number, not '2'", "epochs = 2"),
    ("proxy_size = 8", "proxy_size = 8\nproxy-size = 8", 10, "proxy-size is there twice", "leave one"),
    ("[check]", "[score]\n[check]", 26, "[score] is there already", "[[score]] for each, or one alone"),
    ("[check]", "[chekc]", 26, "prune.toml has no section 'chekc'", "check instead of chekc"),
    ("[data]", "sed = 3\n[data]", 2, "prune.toml has no key 'sed'", "seed instead of sed"),
    ("epochs = 2", "fraction = 0.3", 10, "[score] has no key 'fraction'", "fraction"),
    ("holdout = 0.2", "holdout = true", 4, "holdout is a text or a number, not true", 'holdout = 0.3'),
    ('name = "few"', 'name = "hard"', 19, "two selections are called 'hard'", 'name = "another"'),
    ("quota = ", "quota: ", 24, "expected '=' after a key in a key/value pair", "name = "),
    ("min-per-class = 2", "churn = ['last']", 27, "churn is a list of a text and a number, ", "churn"),
    ("[data]", "device = 'tpu'\n[data]", 2, "device is one of auto, cpu, cuda, not 'tpu'", 'device = "auto"'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "what", "hint"), WRONG, ids=[one[1][:16] for one in WRONG])
def test_what_makes_no_sense_is_said_with_its_line(
    prune: Prune, tmp_path: Path, old: str, new: str, line: int, what: str, hint: str
) -> None:
    assert old in RECIPE
    (tmp_path / "prune.toml").write_text(RECIPE.replace(old, new, 1))
    said = prune("run", tmp_path / "prune.toml")
    assert said.code == 2
    assert f"prune.toml, line {line}: {what}" in said.err
    assert hint in said.err.splitlines()[-1]


def test_a_step_that_is_not_there_is_answered_with_the_nearest(prune: Prune, home: Path) -> None:
    said = prune("run", home / "prune.toml", "--only", "select.fwe")
    assert said.code == 2
    assert "--only select.few" in said.err


def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no recipe"):
        library.run(tmp_path / "prune.toml")
    (tmp_path / "prune.toml").write_text("")
    with pytest.raises(OptionError, match="has no steps"):
        library.run(tmp_path / "prune.toml")
