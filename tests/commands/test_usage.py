"""A command line that cannot be read: two lines like any other error, and the second one can be typed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune.cli import command_tree
from prune.commands.examples import VALUES

Prune = Callable[..., Any]
VERBS: dict[str, Any] = command_tree().commands

CASES = {
    # stray words
    "select data": "prune select --fraction 0.3   # the store knows its dataset",
    "select data --fraction 0.2": "prune select --fraction 0.2   # the store knows its dataset",
    "export data --format parquet": "prune export --format parquet   # the store knows its dataset",
    "status data": "prune status   # the store knows its dataset",
    "status some/store": "prune status --store some/store",
    "select kcenter 0.3": "prune select --method kcenter --fraction 0.3",
    "select 500": "prune select --count 500",
    "select top el2n 0.5": "prune select --method top --score el2n --fraction 0.5",
    "select --count 9 equal": "prune select --count 9 --quota equal",
    "export webdataset": "prune export --format webdataset",
    "export parquet out": "prune export --format parquet --out out",
    "score el2n data": "prune score --type el2n data",
    "score --type el2n aum": "prune score --type el2n,aum",
    "score --type el2n aum data": "prune score --type el2n,aum data",
    "score --type el2n, aum data": "prune score --type el2n,aum data",
    "score --type el2n aum margin data": "prune score --type el2n,aum,margin data",
    "score --type el2n resnet9 data": "prune score --type el2n --proxy resnet9 data",
    "score --type el2n --set first=1 last=2 x": "prune score --type el2n --set first=1 --set last=2 x",
    "embed data resnet50": "prune embed data --encoder resnet50",
    "embed pixels data": "prune embed --encoder pixels data",
    "embed pixels": "prune embed --encoder pixels",
    "verify data b": "prune verify data",
    # options that do not exist
    "select --fracton 0.3": "prune select --fraction 0.3",
    "select --fracton=0.3": "prune select --fraction=0.3",
    "select -fraction 0.3": "prune select --fraction 0.3",
    "select --Fraction 0.3": "prune select --fraction 0.3",
    "score --type el2n --image-size 8 data": "prune score --type el2n --proxy-size 8 data",
    "select -S some/store --count 9": "prune select --store some/store --count 9",
    "select -s x": "prune select --help   # -s may be --score, --seed, --set, --store",
    "select -m top -f 0.3": "prune select --method top --fraction 0.3",
    "select -m top -k 9": "prune select --method top --count 9",
    "export -f parquet -o out": "prune export --format parquet --out out",
    "score -t el2n -e 3 data": "prune score --type el2n --epochs 3 data",
    "score -x el2n data": "prune score --help",
    "score --max_bad 0.1 --type el2n data": "prune score --max-bad 0.1 --type el2n data",
    "export --output x": "prune export --format webdataset --out x",
    "export --format parquet --force": "prune export --format parquet --overwrite",
    "select --epochs 3": "prune select --help   # --epochs is an option of prune score",
    "score --dry-run --type el2n": "prune score --help   # --dry-run is an option of prune select",
    "embed --runs 3 data": "prune embed --help   # --runs is an option of prune score",
    "status --zzz": "prune status --help",
    "select --methd top --frac 0.3": "prune select --method top --fraction 0.3",
    "suspects --top 5": "prune suspects --first 5",
    "suspects --store some/store --limit 5": "prune suspects --store some/store --first 5",
    "suspects --stor some/store --store x": "prune suspects --store x --help",
    "evaluate --selct top --select kcenter": "prune evaluate --select top --select kcenter",
    # values
    "select --fraction": "prune select --fraction 0.3",
    "score --type": "prune score --type el2n",
    "export --format": "prune export --format webdataset",
    "status --json=1": "prune status --json",
    "select --count abc": "prune select --count 1000",
    "select --count=1.5 --name x": "prune select --count=1000 --name x",
    "embed --max-bad few data": "prune embed --max-bad 0.01 data",
    "status --seed x": "prune status --seed 0",
    "select --fraction 0.3 --device cude": "prune select --fraction 0.3 --device cuda",
    "embed --on-error skipp data": "prune embed --on-error skip data",
    "export": "prune export --format webdataset",
    # verbs
    "selct --fraction 0.3": "prune select --fraction 0.3",
    "data": "prune score --type el2n data",
    "gradmatch": "prune select --method gradmatch --fraction 0.3",
    "aum": "prune score --type aum DATA",
    "manifest": "prune export --format manifest",
    "help select": "prune select --help",
    "help": "prune --help",
    "frobnicate": "prune --help",
    "--json status": "prune status --json",
    "--store s status": "prune status --store s",
}


@pytest.fixture
def place(elsewhere: Path) -> Path:
    """A folder that is a dataset, and one that is a store, as far as names go."""
    (elsewhere / "data").mkdir()
    (elsewhere / "some" / "store").mkdir(parents=True)
    (elsewhere / "some" / "store" / "store.json").write_text("{}")
    return elsewhere


def parse(command: str) -> None:
    """Read a command as the program does; raises where it cannot."""
    verb, *rest = shlex.split(command.partition("   #")[0])[1:]
    if verb != "--help" and "--help" not in rest:
        VERBS[verb].make_context(verb, rest)


@pytest.mark.parametrize("asked", CASES)
def test_it_is_two_lines_and_the_second_is_what_was_meant(asked: str, prune: Prune, place: Path) -> None:
    said = prune(*shlex.split(asked))
    assert said.code == 2
    lines = said.err.splitlines()
    assert len(lines) == 2, said.err
    assert lines[0].startswith("error: ")
    assert lines[1] == f"try:   {CASES[asked]}"
    parse(CASES[asked])


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_without_its_value_is_told_one_that_parses(verb: str, prune: Prune, place: Path) -> None:
    for param in VERBS[verb].params:
        if param.param_type_name == "argument" or param.is_flag:
            continue
        said = prune(verb, param.opts[0])
        assert said.code == 2
        first, second = said.err.splitlines()
        assert first == f"error: {param.opts[0]} wants a value"
        hint = second.removeprefix("try:   ")
        parse(hint)
        if param.opts[0] in VALUES or param.default is not None:
            assert param.opts[0] in hint


@pytest.mark.parametrize("verb", VERBS)
def test_an_option_with_a_letter_missing_is_found_again(verb: str, prune: Prune, place: Path) -> None:
    for param in VERBS[verb].params:
        name = param.opts[0]
        if param.param_type_name == "argument" or len(name) < 8:
            continue
        said = prune(verb, name[:4] + name[5:])
        assert said.code == 2
        assert f" {name}" in said.err.splitlines()[1], said.err


def test_with_json_it_is_one_object(prune: Prune, place: Path) -> None:
    for typed in (
        "select data --json",
        "score --type el2n aum --json",
        "export --json",
        "select --json --count x",
    ):
        said = prune(*typed.split())
        body = json.loads(said.out)
        assert set(body) == {"error", "hint", "exit_code"}
        assert body["exit_code"] == said.code == 2
        assert said.err == f"error: {body['error']}\ntry:   {body['hint']}\n"


def test_nothing_at_all_shows_the_help(prune: Prune) -> None:
    said = prune()
    assert said.code == 2
    assert said.err.startswith("Usage: prune")


def test_a_dataset_that_is_called_like_a_score_is_read(prune: Prune, images: Path, elsewhere: Path) -> None:
    images.rename(elsewhere / "aum")
    assert prune("embed", "--encoder", "pixels", "--workers", 0, "aum").code == 0


def test_scores_may_be_parted_by_blanks_in_one_word(prune: Prune, images: Path, elsewhere: Path) -> None:
    words = ("--proxy", "mlp", "--epochs", 1, "--proxy-size", 8, "--workers", 0, "--json", images)
    said = prune("score", "--type", "el2n, aum", *words)
    assert set(json.loads(said.out)["scores"]) == {"el2n", "aum"}
