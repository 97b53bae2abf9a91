"""`prune export --format schedule`: one file of rows an epoch, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune as library
from prune.core.errors import OptionError
from prune.loaders import ScheduleSampler

N = 40


@pytest.fixture
def store(elsewhere: Path) -> library.Store:
    """Forty texts of four classes with a score, some of them without."""
    lines = [f"word{i} number{i % 7} side{i % 3},class{i // 10}" for i in range(N)]
    Path("texts.csv").write_text("\n".join(["text,label", *lines]))
    held = library.Store(".prune")
    library.embed(held, "texts.csv")
    keys = held.dataset.keys
    for high in ("hard", "easy", "long"):
        scored = "".join(f"{key},{i}\n" for i, key in enumerate(keys))
        Path("scores.csv").write_text(f"key,is_{high}\n{scored}")
        library.score(held, imports="scores.csv", high=high)
    library.select(held, method="kcenter", count=20)
    return held


def _export(store: library.Store, **options: Any) -> dict[str, Any]:
    fraction, selection = options.pop("fraction", 0.1), options.pop("selection", None)
    return library.export(
        store,
        format="schedule",
        out="out",
        fraction=fraction,
        selection=selection,
        options=options,
        overwrite=True,
    )


@pytest.mark.parametrize("rule", ["rs2", "random", "curriculum", "milo"])
def test_every_rule_gives_as_many_each_epoch(store: library.Store, rule: str) -> None:
    more = {"score": "is_hard"} if rule == "curriculum" else {}
    done = _export(store, rule=rule, epochs=9, **more)
    rows = np.load("out/schedule.npy")
    assert rows.shape == (done["epochs"], done["k"]) == (9, 4)
    assert rows.dtype == np.int64
    assert all(len(set(epoch.tolist())) == 4 for epoch in rows)
    assert 0 <= rows.min() <= rows.max() < N
    assert len(np.unique(rows)) > 4
    about = json.loads(Path("out/schedule.json").read_text())
    assert (about["rule"], about["epochs"], about["k"], about["n"]) == (rule, 9, 4, N)
    sampler = ScheduleSampler("out")
    assert [sorted(sampler) for _ in range(9)] == rows.tolist()
    assert _export(store, rule=rule, epochs=9, **more)["unchanged"]


def test_the_ends_of_a_score_decide_where_a_curriculum_begins(store: library.Store) -> None:
    _export(store, rule="curriculum", epochs=4, score="is_hard")
    assert np.load("out/schedule.npy")[0].tolist() == [0, 1, 2, 3]
    _export(store, rule="curriculum", epochs=4, score="is_easy")
    assert np.load("out/schedule.npy")[0].tolist() == [36, 37, 38, 39]
    with pytest.raises(OptionError, match="is_long does not say which of its ends is easy"):
        _export(store, rule="curriculum", epochs=4, score="is_long")
    with pytest.raises(OptionError, match="several scores"):
        _export(store, rule="curriculum", epochs=4)


def test_milo_shares_out_by_class_and_is_drawn_within_a_selection(store: library.Store) -> None:
    _export(store, rule="milo", epochs=6, selection="kcenter", fraction=0.2)
    rows = np.load("out/schedule.npy")
    kept = store.selection("kcenter").rows
    assert set(np.unique(rows)) <= set(kept.tolist())
    shares = 8 * np.bincount(kept // 10, minlength=4) / len(kept)
    for epoch in rows:
        assert (np.abs(np.bincount(epoch // 10, minlength=4) - shares) < 1).all()
    assert json.loads(Path("out/schedule.json").read_text())["first_phase"] == 1


def test_another_seed_draws_others(store: library.Store) -> None:
    _export(store, epochs=5)
    keys = np.array(store.dataset.keys)
    first = [sorted(keys[rows]) for rows in np.load("out/schedule.npy")]
    assert json.loads(Path("out/schedule.json").read_text())["seed"] == 0
    library.export(
        store,
        format="schedule",
        out="seeded",
        fraction=0.1,
        options={"epochs": 5},
        settings=library.Settings(seed=1),
    )
    assert [sorted(keys[rows]) for rows in np.load("seeded/schedule.npy")] != first


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("--fraction", "0.1"), "a number of epochs, and none was given", "--epochs 200"),
        (("--epochs", "3"), "a number of samples an epoch, and none was given", "--fraction 0.3"),
        (("--epochs", "0", "--fraction", "0.1"), "0 is no number of epochs", "--epochs 200"),
        (
            ("--epochs", "3", "--fraction", "0.1", "--phase", "0.5"),
            "--rule rs2 looks at no --phase",
            "curriculum",
        ),
        (
            ("--epochs", "3", "--fraction", "0.1", "--rule", "milo", "--on", "gradients"),
            "probs",
            "prune score",
        ),
        (
            ("--epochs", "3", "--fraction", "0.9", "--selection", "kcenter"),
            "cannot have 36 of 20",
            "--fraction",
        ),
        (("--epochs", "3", "--fraction", "0.1", "--rejected"), "samples that are kept", "--rejected"),
        (("--epochs", "3", "--fraction", "0.1", "--rule", "milk"), "rule=milk is not one of", "milo"),
    ],
)
def test_what_does_not_go_together_is_said(
    store: library.Store, prune: Callable[..., Any], words: tuple[str, ...], said: str, hint: str
) -> None:
    got = prune("export", "--format", "schedule", *words)
    assert got.code in {2, 4}
    first, second = got.err.strip().splitlines()[-2:]
    assert said in first
    assert hint in second


def test_it_says_what_was_written_and_how_to_write_it_again(
    store: library.Store, prune: Callable[..., Any]
) -> None:
    words = (
        "export",
        "--format",
        "schedule",
        "--epochs",
        "5",
        "--fraction",
        "0.1",
        "--seed",
        "2",
        "--out",
        "out",
    )
    said = prune(*words)
    assert said.code == 0
    assert "5 epochs of 4 of 40 samples" in said.out
    before = Path("out/schedule.npy").read_bytes()
    Path("out/schedule.npy").write_bytes(b"")
    found = prune("verify", "out")
    assert found.code == 4
    again = next(line for line in found.out.splitlines() + found.err.splitlines() if "prune export" in line)
    command = again[again.index("prune export") :].split()
    assert prune(*command[1:]).code == 0
    assert Path("out/schedule.npy").read_bytes() == before
