"""A plan of a small dataset: what it says, what it keeps, what it leaves alone."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.cli import main
from prune.core.errors import OptionError
from prune.steps.plan.trial import short_epochs
from prune.steps.report.status import status
from prune.store.layout import PLAN

N, D = 90, 6  # few enough that an excerpt is all of it


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features with labels."""
    home = tmp_path_factory.mktemp("plan")
    rng = np.random.default_rng(0)
    np.save(home / "x.npy", rng.normal(size=(N, D)).astype(np.float32))
    np.save(home / "x_labels.npy", np.arange(N) % 3)
    return home


@pytest.fixture(scope="module")
def planned(home: Path) -> dict[str, Any]:
    """The plan of a chain."""
    return prune.plan(
        home / ".prune", str(home / "x.npy"), method="graph_cut", fraction="0.2", format="manifest"
    )


def test_a_plan_has_every_step(planned: dict[str, Any]) -> None:
    assert [step["step"] for step in planned["steps"]] == ["scan", "embed", "select.graph_cut", "export"]
    assert (planned["samples"], planned["there"], planned["counted"]) == (N, N, True)
    assert planned["measured"]["samples"] == N
    assert planned["in_all"]["seconds"] == sum(step["seconds"] for step in planned["steps"])
    assert planned["in_all"]["cost"] is None
    for step in planned["steps"]:
        assert 0 <= step["low"] <= step["seconds"] <= step["high"]
        assert step["fits"]
        assert step["memory"] > 0
    assert planned["steps"][1]["disk"] >= N * D * 2  # the embedding, of float16


def test_a_plan_leaves_nothing_but_itself(home: Path, planned: dict[str, Any]) -> None:
    assert planned["saved"]
    assert [path.name for path in (home / ".prune").iterdir()] == [PLAN]
    assert sorted(path.name for path in home.iterdir()) == [".prune", "x.npy", "x_labels.npy"]


def test_the_mode_and_memory_are_those_that_select_announces(home: Path, planned: dict[str, Any]) -> None:
    store = home / "own"
    prune.embed(store, str(home / "x.npy"))
    announced = prune.select(store, method="graph_cut", fraction="0.2", dry_run=True)["plan"]
    step = planned["steps"][2]
    assert (step["mode"], step["why"]) == (announced["mode"], announced["why"])
    assert step["operations"] == announced["work"]
    assert step["memory"] - announced["bytes"] > 0


def test_status_shows_what_was_foreseen_beside_what_it_took(home: Path, planned: dict[str, Any]) -> None:
    store = home / ".prune"
    prune.embed(store, str(home / "x.npy"))
    before = {step["step"]: step["took"] for step in status(prune.Store(store))["foreseen"]}
    assert before["export"] is None
    assert before["select.graph_cut"] is None
    prune.select(store, method="graph_cut", fraction="0.2")
    done = prune.export(store, format="manifest", out=home / "kept")
    found = {step["step"]: step for step in status(prune.Store(store))["foreseen"]}
    assert found["export"]["took"] == done["seconds"]["total"]
    assert found["embed"]["took"] + found["scan"]["took"] == prune.Store(store).timings["embed"]["total"]
    assert found["select.graph_cut"]["took"] > 0
    assert [step["seconds"] for step in found.values()] == [step["seconds"] for step in planned["steps"]]
    again = prune.export(store, format="manifest", out=home / "kept")
    assert again["unchanged"]
    assert status(prune.Store(store))["foreseen"][-1]["took"] == done["seconds"]["total"]
    assert not prune.verify(store)["findings"]


def test_a_plan_of_what_is_not_here_is_not_kept(home: Path) -> None:
    asked: dict[str, Any] = {"method": "random", "format": "manifest", "samples": 1e9}
    found = prune.plan(home / "none", str(home / "x.npy"), machines=8, price=2.0, **asked)
    assert not found["saved"]
    assert not (home / "none").exists()
    assert (found["samples"], found["there"]) == (10**9, N)
    assert found["in_all"]["cost"]["likely"] == pytest.approx(16 * found["in_all"]["seconds"] / 3600)
    few = prune.plan(home / "none", str(home / "x.npy"), **{**asked, "samples": 1e6})
    for less, more in zip(few["steps"], found["steps"], strict=True):
        assert less["disk"] <= more["disk"]
        assert less["memory"] < more["memory"]
        assert less["high"] / less["low"] < more["high"] / more["low"]


def test_what_no_memory_holds_is_said_with_what_to_do(home: Path) -> None:
    settings = prune.Settings(memory=2**28)
    found = prune.plan(home / "none", str(home / "x.npy"), method="herding", samples=1e8, settings=settings)
    step = next(step for step in found["steps"] if step["verb"] == "select")
    assert not step["fits"]
    assert step["seconds"] is None
    assert "may use 268 MB" in step["problem"]
    assert "memory" in step["advice"]
    assert found["in_all"]["seconds"] is None


def test_a_plan_follows_the_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(
        f'[data]\npath = "{home / "x.npy"}"\n[embed]\n[score]\ntype = "forgetting"\n'
        'proxy = "linear"\nepochs = 4\n'
        '[[select]]\nname = "few"\nmethod = "top"\nscore = "forgetting"\ncount = 9\n'
        '[check]\nmin-per-class = 1\n[export]\nformat = "manifest"\nout = "kept"\n'
    )
    found = prune.plan(tmp_path / ".prune", recipe=file)
    assert [step["step"] for step in found["steps"]] == ["scan", "embed", "score", "select.few", "export"]
    assert found["not_foreseen"] == ["check"]
    assert not (tmp_path / "kept").exists()
    select = found["steps"][3]
    assert (select["mode"], select["why"]) == ("direct", "a pass over numbers")


def test_no_more_is_trained_than_the_scores_need() -> None:
    assert short_epochs({"types": ["el2n"], "training": {"epochs": 40}}) == 1
    assert short_epochs({"types": ["el2n", "eva"], "training": {"epochs": 40}}) == 4
    assert short_epochs({"types": ["eva"], "training": {"epochs": 2}}) == 2


def test_a_file_without_a_step_that_is_known_is_refused(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(f'[data]\npath = "{home / "x.npy"}"\n[check]\nmin-per-class = 1\n')
    with pytest.raises(OptionError, match="has no step that a plan knows"):
        prune.plan(tmp_path / ".prune", recipe=file)


def test_the_command_prints_lines_or_one_object(
    home: Path, planned: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from prune.commands.plan_report import summary

    lines = summary(planned)
    assert lines[0].startswith(f"{N} samples, ")
    assert (
        sum(line.startswith(("scan ", "embed ", "select.graph_cut ", "export ", "in all ")) for line in lines)
        == 5
    )
    assert lines[-1].startswith("kept: prune status")
    monkeypatch.chdir(home)
    typed = ["plan", "x.npy", "--method", "random", "--store", "p", "--samples", "1e6", "--json"]
    monkeypatch.setattr(sys, "argv", ["prune", *typed])
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, err.getvalue()
    assert json.loads(out.getvalue())["samples"] == 10**6


def test_an_error_of_a_trial_speaks_of_the_dataset(home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes((home / "x.npy").read_bytes())
    data, store = str(tmp_path / "x.npy"), tmp_path / ".prune"
    with pytest.raises(prune.errors.PruneError) as caught:
        prune.plan(store, data, types=["el2n"], encoder="precomputed")  # which needs labels
    said = f"{caught.value} {caught.value.hint}"
    assert "prune-plan-" not in said
    assert len(said.splitlines()) == 1
    with pytest.raises(prune.errors.StoreError, match="does not know where its dataset is") as caught_too:
        prune.plan(store)
    assert caught_too.value.hint.startswith("prune plan DATA")


@pytest.mark.parametrize(("asked", "what"), [({"method": "topp"}, "topp"), ({"format": "tars"}, "tars")])
def test_a_name_that_is_none_is_refused_before_anything_is_measured(
    home: Path, asked: dict[str, str], what: str
) -> None:
    with pytest.raises(prune.errors.UnknownNameError, match=what):
        prune.plan(home / "none", str(home / "missing.npy"), **asked)
