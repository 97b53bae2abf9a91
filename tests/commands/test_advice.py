"""What the program says to type, typed: it works, and the command that failed works after it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.cli import command_tree
from prune.commands.hints import placed

Prune = Callable[..., Any]

QUICK = ["--proxy", "mlp", "--epochs", "1", "--proxy-size", "8", "--workers", "0"]
EMBED = ["embed", "--encoder", "pixels", "--workers", "0", "data"]


def advice(said: Any) -> list[str]:
    """The words of the hint, as one would type them: DATA is the user's own."""
    hint = said.err.splitlines()[-1].removeprefix("try:   ").partition("   #")[0]
    words = shlex.split(hint)
    assert words[0] == "prune", said.err
    return ["data" if word == "DATA" else word for word in words[1:]]


def typed(prune: Prune, words: list[str]) -> Any:
    """Type a command; a training is kept short."""
    return prune(*words, *(QUICK if words[0] == "score" and "--help" not in words else []))


@pytest.fixture
def place(images: Path, elsewhere: Path) -> Path:
    """A folder with a dataset in it."""
    images.rename(elsewhere / "data")
    return elsewhere


@pytest.fixture
def embedded(prune: Prune, place: Path) -> Path:
    """And a store of it."""
    assert prune(*EMBED).code == 0
    return place


WITHOUT_A_STORE = [
    ["select", "--fraction", "0.3"],
    ["export", "--format", "webdataset"],
    ["status"],
    ["score"],
    ["score", "--type", "el2m", "data"],
    ["select", "data"],
    ["verify"],
    ["score", "--type", "el2n", "--runs", "0", "data"],
    ["score", "--type", "el2n", "--on-fraction", "7", "data"],
    ["score", "--type", "el2n", "--device", "cuda", "data"],
]


@pytest.mark.parametrize("words", WITHOUT_A_STORE, ids=shlex.join)
def test_without_a_store(words: list[str], prune: Prune, place: Path) -> None:
    said = prune(*words)
    assert said.code != 0
    for _ in range(4):  # advice may lead to more advice, but to an end
        hint = said.err.splitlines()[-1]
        if "did you mean" in hint:
            return
        said = typed(prune, advice(said))
        if said.code == 0:
            return
    pytest.fail(f"{words} leads nowhere: {said.err}")


WITH_AN_EMBEDDING = [
    ["export", "--format", "webdataset"],
    ["select", "--method", "top", "--count", "3"],
    ["select", "--method", "top", "--score", "aum", "--count", "3"],
    ["select", "--on", "proxy", "--count", "3"],
    ["select", "kcenter", "5"],
    ["select", "--fraction"],
]


IMPOSSIBLE = [
    ["select", "--count", "41"],
    ["select", "--fraction", "0.9", "--given", "keys.txt"],
    ["select", "--count", "3", "--method", "facility_location", "--set", "neighbours=0"],
    ["select", "--count", "3", "--method", "graph_cut", "--set", "lam=-1"],
    ["select", "--count", "3", "--method", "saturated_coverage", "--set", "alpha=7"],
    ["select", "--count", "3", "--method", "semdedup", "--set", "eps=0.1", "--set", "clusters=0"],
    ["select", "--count", "3", "--device", "cuda"],
]


@pytest.mark.parametrize("words", IMPOSSIBLE, ids=shlex.join)
def test_values_that_cannot_be(words: list[str], prune: Prune, embedded: Path) -> None:
    (embedded / "keys.txt").write_text("".join(f"left/{i:03d}.png\n" for i in range(0, 12, 2)))
    said = prune(*words)
    if said.code == 0:  # a machine that has the device
        return
    assert said.code == 2
    assert prune(*advice(said)).code == 0


@pytest.mark.parametrize("words", WITH_AN_EMBEDDING, ids=shlex.join)
def test_with_an_embedding(words: list[str], prune: Prune, embedded: Path) -> None:
    said = prune(*words)
    assert said.code in {2, 4}
    done = typed(prune, advice(said))
    assert done.code == 0, done.err
    if said.code == 4:  # a step was wanting; with it, what was asked for works
        assert prune(*words).code == 0


def test_a_dataset_that_changed(prune: Prune, embedded: Path) -> None:
    (embedded / "data" / "left" / "000.png").unlink()
    said = prune("select", "--count", "3")
    assert said.code == 4
    assert "--refresh" in said.err.splitlines()[-1]
    assert typed(prune, advice(said)).code == 0  # takes in what changed
    assert prune("select", "--count", "3").code == 0


def test_samples_that_cannot_be_read(prune: Prune, place: Path) -> None:
    broken = place / "data" / "left" / "000.png"
    broken.write_bytes(broken.read_bytes()[:60])
    words = list(EMBED)
    for _ in range(3):
        said = prune(*words)
        if said.code == 0:
            break
        hint = said.err.splitlines()[-1].partition("   #")[0]
        added = [
            word for word in shlex.split(hint) if word.startswith("--") or word == "skip" or word[0] == "0"
        ]
        assert added, said.err
        words = [*words, *added]
    assert said.code == 0


def test_a_place_that_is_taken(prune: Prune, embedded: Path) -> None:
    assert prune("select", "--count", "3").code == 0
    export = ["export", "--format", "webdataset", "--out", "out"]
    assert prune(*export).code == 0
    assert prune("select", "--count", "4").code == 0
    said = prune(*export)
    assert said.code == 6
    assert "--overwrite" in said.err.splitlines()[-1]
    assert prune(*export, "--overwrite").code == 0


def test_the_chain_that_each_command_names_next(prune: Prune, place: Path) -> None:
    said = typed(prune, ["score", "--type", "el2n", "data"])
    verbs = ["score"]
    while "next: " in said.out and len(verbs) < 6:
        hint = next(line for line in said.out.splitlines() if line.startswith("next: "))
        words = shlex.split(hint.removeprefix("next: prune ").partition("   #")[0])
        verbs.append(words[0])
        said = prune(*words)
        assert said.code == 0, said.err
    assert verbs == ["score", "select", "export"]


def test_the_store_is_named_where_it_is_elsewhere(prune: Prune, place: Path) -> None:
    said = prune(*EMBED, "--store", "my store")
    words = shlex.split(
        next(x for x in said.out.splitlines() if x.startswith("next: ")).removeprefix("next: ")
    )
    assert prune(*words[1:]).code == 0
    assert (place / "my store" / "selections" / "kcenter").is_dir()


ELSEWHERE = [
    ["export", "--format", "webdataset"],
    ["export", "--format", "parquet", "--selection", "some"],
    ["select", "--method", "top", "--count", "3", "--score", "aum"],
    ["select", "--method", "top", "--count", "3", "--on", "proxy"],
    ["select", "--count", "3", "--on", "proxy"],
    ["select", "--method", "top"],
    ["score"],
    ["score", "data"],
]


@pytest.mark.parametrize("words", ELSEWHERE, ids=shlex.join)
def test_advice_is_about_the_store_and_the_data_that_were_named(
    words: list[str], prune: Prune, place: Path
) -> None:
    assert prune(*EMBED, "--store", "my store").code == 0
    said = prune(*words, "--store", "my store")
    hint = said.err.splitlines()[-1]
    assert said.code != 0
    assert "--store 'my store'" in hint
    assert "DATA" not in hint
    assert typed(prune, advice(said)).code == 0
    assert not (place / ".prune").exists()


COMMAND = re.compile(rf"(?<![\w/.'-])prune ({'|'.join(command_tree().commands)})\b( --store 'my store')?")
TAKES_A_STORE = [  # in an order in which they work; what is printed is read, not run
    ["score", "--type", "el2n,aum"],
    ["suspects"],
    ["suspects", "--out", "suspects.csv"],
    ["select", "--method", "random", "--count", "20", "--quota", "drop"],
    ["select", "--method", "random", "--count", "20", "--drop-suspects", "auto"],
    ["check", "--max-suspects", "0", "--min-delta", "0", "--min-per-class", "19", "--churn", "nobody", "0"],
    ["check", "--max-duplicates", "0", "--no-leak", "nowhere"],
    ["plan"],
    ["status"],
    ["gc"],
    ["report"],
    ["evaluate", "--show"],
    ["evaluate", "--select", "random"],
    ["diff", "random", "nobody"],
    ["why"],
    ["export", "--format", "webdataset", "--selection", "nobody"],
    ["verify"],
]


def test_every_command_that_is_printed_names_the_store_that_was_named(prune: Prune, place: Path) -> None:
    assert prune(*EMBED, "--store", "my store").code == 0
    silent = []
    for words in TAKES_A_STORE:
        said = typed(prune, [*words, "--store", "my store"])
        for found in COMMAND.finditer(said.out + said.err):
            if found[2] is None and found[1] not in {"methods", "run"}:  # which names it in its file
                line = (said.out + said.err)[: found.end() + 60].splitlines()[-1]
                silent.append(f"{shlex.join(words)}: {line}")
    assert silent == []


@pytest.mark.parametrize(
    "hint",
    [
        "prune score{} --type aum && prune select{} --count 3",
        "make them wrong before: prune score{} --labels FILE, then",
        "run prune score{} again",
        "prune embed --store other x   # then prune select",
        "run the same prune export again",
        "prune methods scores",
        "known: prune 'prune score'",
    ],
)
def test_advice_of_several_commands_names_the_store_in_each(hint: str) -> None:
    plain, meant = (hint.replace("{}", words) for words in ("", " --store 'my store'"))
    assert placed(plain, ["select", "--store", "my store"], command_tree()) == meant
    assert placed(plain, ["select"], command_tree()) == plain


def test_a_score_that_nobody_computes_is_not_advised(prune: Prune, embedded: Path) -> None:
    said = prune("select", "--method", "top", "--score", "perplexity", "--count", "3")
    assert advice(said) == ["methods", "scores"]
    assert typed(prune, advice(said)).code == 0


def test_a_selection_that_is_not_there(prune: Prune, embedded: Path) -> None:
    assert prune("select", "--count", "3", "--name", "third").code == 0
    assert "did you mean 'third'?" in prune("export", "--format", "parquet", "--selection", "thrid").err
    said = prune("export", "--format", "parquet", "--selection", "quick")
    assert prune(*advice(said)).code == 0
    assert prune("export", "--format", "parquet", "--selection", "quick").code == 0


def test_arrays_without_labels(prune: Prune, elsewhere: Path) -> None:
    np.save("x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    assert prune("embed", "--encoder", "precomputed", "--features", "x.npy", "x.npy").code in {0, 2, 3}
    said = prune("embed", "x.npy")
    if said.code == 0:
        words = shlex.split(next(x for x in said.out.splitlines() if x.startswith("next: "))[6:])
        assert prune(*words[1:]).code == 0
