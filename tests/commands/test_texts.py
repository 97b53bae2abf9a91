"""Texts through the commands: what is printed is about texts, and what is advised works."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.modalities import MODALITIES
from prune.scorers import SCORERS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text("".join(f'{{"text": "number {n} of {n * n}"}}\n' for n in range(40)))
    Path("a.csv").write_text("text\n" + "".join(f"number {n} of {n * n}\n" for n in range(40)))
    Path("a.txt").write_text("".join(f"number {n} of {n * n}\n" for n in range(40)))


def advice(said: Any) -> list[str]:
    """Return the words of the command that is to be typed next."""
    line = next(line for line in said.out.splitlines() if line.startswith("next: prune "))
    return shlex.split(line.removeprefix("next: prune "), comments=True)


@pytest.mark.parametrize("form", ["jsonl", "csv", "txt"])
def test_an_export_is_advised_in_the_form_that_was_read(prune: Callable[..., Any], form: str) -> None:
    assert prune("score", "--type", "length", f"a.{form}").code == 0
    words = advice(prune("select", "--method", "random", "--fraction", 0.5))
    assert words == ["export", "--format", form]
    assert prune(*words, "--out", f"kept.{form}").code == 0
    kept = Path(f"kept.{form}").read_bytes().splitlines()
    assert len(kept) == 20 + (form == "csv")
    assert set(kept) <= set(Path(f"a.{form}").read_bytes().splitlines())


def test_what_needs_no_labels_is_named_by_the_kind_of_samples(prune: Callable[..., Any]) -> None:
    said = prune("score", "--type", "el2n", "a.jsonl")
    assert said.code == 3
    assert "so does prune score --type length" in said.err
    assert prune("score", "--type", "length", "a.jsonl").code == 0
    rows = [SCORERS[one.measure] for one in MODALITIES.values()]
    assert not any(row.looks_at_labels for row in rows)


def test_a_file_without_samples_is_named(prune: Callable[..., Any]) -> None:
    Path("empty.jsonl").write_text("\n")
    said = prune("score", "--type", "length", "empty.jsonl")
    assert (said.code, "no samples in empty.jsonl" in said.err) == (3, True)


@pytest.mark.parametrize("asked", [["--text-field", "body"], ["--template", "chat"], []], ids=str)
def test_fields_without_a_text_advise_to_name_another(prune: Callable[..., Any], asked: list[str]) -> None:
    Path("b.jsonl").write_text('{"says": "a"}\n{"says": "b"}\n')
    said = prune("score", "--type", "length", *asked, "b.jsonl")
    hint = next(line for line in said.err.splitlines() if line.startswith("try:"))
    words = shlex.split(hint.removeprefix("try:   prune ").replace("NAME", "says"), comments=True)
    assert (said.code, prune(*words).code) == (3, 0)


def test_a_line_is_a_label_in_a_list_of_doubts(prune: Callable[..., Any]) -> None:
    rows = [
        {"text": f"{'good' if n % 2 else 'bad'} thing\nnumber {n}", "label": str(n % 2)} for n in range(400)
    ]
    Path("b.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    hard = np.random.default_rng(1).normal(0, 0.1, 400)
    hard[:40] = np.linspace(3.4, 2.6, 40)
    scores = "".join(f"b.jsonl:{row + 1},{value}\n" for row, value in enumerate(hard))
    Path("hard.csv").write_text(f"key,mine\n{scores}")
    assert prune("score", "--import", "hard.csv", "--high", "hard", "b.jsonl").code == 0
    told = json.loads(prune("suspects", "--json").out)
    assert told["found"] == 40
    assert told["list"]
    assert all(one["text"].startswith(("good thing ⏎ ", "bad thing ⏎ ")) for one in told["list"])
    said = prune("suspects", "--out", "doubted.csv").out
    line = next(line for line in said.splitlines() if line.startswith("next: take out what is right, then "))
    assert prune(*shlex.split(line.partition("then prune ")[2])).code == 0  # there is no embedding


def test_of_several_embeddings_the_one_that_was_made_is_advised(prune: Callable[..., Any]) -> None:
    assert advice(prune("embed", "a.txt")) == ["select", "--method", "kcenter", "--fraction", "0.3"]
    np.save("own.npy", np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    words = advice(prune("embed", "--features", "own.npy"))
    assert words[-2:] == ["--on", "precomputed"]
    assert prune(*words).code == 0
    words = advice(prune("score", "--type", "length"))
    assert words[-2] == "--on"
    assert prune(*words).code == 0
