"""`prune status --recipe`: what was typed becomes a file, which makes the same again and changes nothing."""

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
from prune import pipeline
from prune.steps.recipe.remembered import section_of
from prune.steps.recipe.run import _VERBS

Prune = Callable[..., Any]
BYTES = ("manifest.parquet", "indices.npy", "keys.txt")
QUICK: dict[str, Any] = {"proxy": "mlp", "size": 8, "epochs": 2, "flip": False}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was made step by step, and a file of keys."""
    home = tmp_path_factory.mktemp("hand made")
    rng = np.random.default_rng(1)
    for number in range(30):
        path = home / "data" / ("ant", "bee")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    (home / "first.txt").write_text("ant/00.png\n")
    store = home / ".prune"
    seeded = library.Settings(seed=5, reading={"holdout": "0.2"})
    library.embed(store, str(home / "data"), encoder="pixels", settings=seeded)
    library.score(store, types=["el2n", "aum"], training=QUICK, options={"epoch": 1})
    library.select(store, method="top", score="el2n", fraction="0.50", name="a-hard")
    library.select(store, method="kcenter", count=8, within="a-hard", on="pixels", name="few")
    library.select(store, method="random", fraction=0.3, quota="equal", settings=library.Settings(seed=3))
    library.select(store, method="kcenter", count=9, given=home / "first.txt", options={"metric": "cosine"})
    library.evaluate(store, select="few", seeds=2, steps=4, model="mlp", size=8, flip=False)
    return home


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["status"] for step in result["steps"]}


def test_the_file_makes_the_same_selections_in_another_store(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "prune.toml"
    pipeline.recipe(made / ".prune", file)
    result = library.run(file, store=tmp_path / "fresh")
    assert set(statuses(result).values()) == {"done"}
    for name in ("a-hard", "few", "random", "kcenter"):
        old, new = (store / "selections" / name for store in (made / ".prune", tmp_path / "fresh"))
        for part in BYTES:
            assert (new / part).read_bytes() == (old / part).read_bytes(), (name, part)
    held = [library.Store(store).dataset.held_out for store in (made / ".prune", tmp_path / "fresh")]
    assert len(held[0])
    assert np.array_equal(*held)


def test_on_the_store_itself_it_changes_nothing(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "prune.toml"
    pipeline.recipe(made / ".prune", file)
    result = library.run(file)
    assert statuses(result) == {
        "embed": "unchanged",
        "score": "unchanged",
        "select.a-hard": "unchanged",
        "select.few": "unchanged",
        "select.random": "unchanged",
        "select.kcenter": "unchanged",
        "evaluate": "unchanged",
    }
    assert pipeline.recipe(made / ".prune", file)["unchanged"]


def test_it_is_printed_or_written_and_never_written_over(prune: Prune, made: Path) -> None:
    store = made / ".prune"
    said = prune("status", "--store", store, "--recipe")
    assert f'path = "{made / "data"}"' in said.out
    assert 'fraction = "0.50"' in said.out  # as it was typed
    body = json.loads(prune("status", "--store", store, "--recipe", "--json").out)
    assert body["recipe"] == said.out
    written = prune("status", "--store", store, "--recipe", "--out", made / "prune.toml")
    assert f"next: prune run '{made / 'prune.toml'}'" in written.out
    text = (made / "prune.toml").read_text()
    assert 'path = "data"' in text
    assert 'given = "first.txt"' in text
    (made / "prune.toml").write_text(f"{text}# mine\n")
    refused = prune("status", "--store", store, "--recipe", "--out", made / "prune.toml")
    assert refused.code == 6
    assert (made / "prune.toml").read_text().endswith("# mine\n")
    assert prune("status", "--store", store, "--out", "x").code == 2


def test_it_moves_with_its_data_and_its_store(made: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(made, tmp_path / "moved", copy_function=shutil.copy2))
    (moved / "prune.toml").unlink(missing_ok=True)
    pipeline.recipe(made / ".prune", made / "here.toml")
    (moved / "here.toml").write_bytes((made / "here.toml").read_bytes())
    result = library.run(moved / "here.toml", only="embed,score")
    assert result["store"] == str(moved / ".prune")
    assert statuses(result) == {"embed": "unchanged", "score": "unchanged"}


def test_keys_that_were_given_as_a_list_are_said_to_be_missing(made: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(made / ".prune", tmp_path / ".prune", copy_function=shutil.copy2))
    library.select(store, method="random", count=5, given=["ant/00.png", "bee/01.png"], name="listed")
    assert "# 2 keys that were chosen already came as a list" in pipeline.recipe(store)["recipe"]


@pytest.mark.parametrize(
    ("command", "section"),
    [
        (
            "prune select --method top --score el2n --count 3 --set a=1 --set b=x=y "
            "--drop-leaks p --drop-leaks q",
            {
                "method": "top",
                "score": "el2n",
                "count": 3,
                "set": {"a": "1", "b": "x=y"},
                "drop-leaks": ["p", "q"],
            },
        ),
        (
            "prune score --type el2n,aum --lr 0.1 --epochs 3 --no-flip --on-fraction 0.20 --refresh DATA",
            {"type": ["el2n", "aum"], "lr": 0.1, "epochs": 3, "flip": False, "on-fraction": "0.20"},
        ),
        (
            "prune evaluate --test test --select 'a>b' --fraction 0.1,0.3 --choose --size 8 --seed 2",
            {
                "test": "test",
                "select": ["a>b"],
                "fraction": [0.1, 0.3],
                "choose": True,
                "size": 8,
                "seed": 2,
            },
        ),
        (
            "prune score --checkpoint /m.pth --model net:build --mean 0.5 --type el2n",
            {"checkpoint": "/m.pth", "model": "net:build", "mean": "0.5", "type": ["el2n"]},
        ),
    ],
)  # fmt: skip
def test_a_command_is_a_section(command: str, section: dict[str, Any]) -> None:
    assert pipeline.run  # which names the verbs
    assert section_of(command, _VERBS) == (command.split()[1], section)
