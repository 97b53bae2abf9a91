"""Every verb, stopped at every change it makes to the disk; the same command again ends as if nothing was.

As SQLite does it: fail at change 1, 2, 3 … until a run passes untouched. After each failure the next
command must refuse the half-done store or see none of it, the same command must succeed, the result must have
the bytes of an undisturbed run, and what was finished before the failure must not be made again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.errors import OutputError, PruneError
from prune.store import Store

VERBS = ("embed", "score", "select", "export")
CASES = [*VERBS, "select again"]  # a selection of that name exists already
NOT_CONTENT = {"lock", "location.json", "timings.json"}  # see FORMAT.md


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty samples are to be several parts."""
    monkeypatch.setattr(Store.write_column, "__kwdefaults__", {"part_rows": 16})


def run(verb: str, home: Path, data: Path) -> dict[str, Any]:
    place = home / "store"
    training = {"proxy": "mlp", "epochs": 2, "size": 8}
    commands: dict[str, Callable[[], dict[str, Any]]] = {
        "embed": lambda: pipeline.embed(place, str(data), encoder="pixels"),
        "score": lambda: pipeline.score(
            place, str(data), types=["grad_norm", "forgetting"], training=training
        ),
        "select": lambda: pipeline.select(place, method="kcenter", fraction="0.3", on="pixels"),
        "select again": lambda: pipeline.select(place, method="kcenter", fraction="0.5", on="pixels"),
        "export": lambda: pipeline.export(place, format="webdataset", out=home / "out"),
    }
    return commands[verb]()


def content(home: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(home.rglob("*")):
        relative = path.relative_to(home)
        if path.is_file() and path.name not in NOT_CONTENT and "scans" not in relative.parts:
            data = path.read_bytes()
            if path.name == "selection.json" and "store" in relative.parts:
                about = json.loads(data)
                del about["seconds"]
                data = json.dumps(about).encode()
            if path.name == "store.json":
                state = json.loads(data)
                data = json.dumps({**state, "selections": sorted(state["selections"])}).encode()
            found[str(relative)] = data
    return found


def before(verb: str, home: Path, data: Path) -> None:
    """Bring a fresh home to the moment before `verb`."""
    home.mkdir()
    for earlier in VERBS[: 3 if verb == "select again" else VERBS.index(verb)]:
        run(earlier, home, data)


@pytest.mark.parametrize("kind", ["kill", "torn", "full"])
@pytest.mark.parametrize("verb", CASES)
def test_a_verb_survives_a_failure_at_every_change(
    tmp_path: Path, images: Path, verb: str, kind: str, faulty: Callable[..., Any]
) -> None:
    start, whole = tmp_path / "start", tmp_path / "whole"
    faulty()
    before(verb, start, images)
    shutil.copytree(start, whole)
    counting = faulty()
    run(verb, whole, images)
    expected, total = content(whole), len(counting.calls)
    assert total > 5
    for at in _points(counting.calls, kind):
        home = tmp_path / f"{kind}-{at}"
        shutil.copytree(start, home)
        _fail(verb, home, images, faulty(kind, at))
        finished = {p: p.stat().st_mtime_ns for p in home.rglob("part-*") if p.is_file()}
        _next_is_refused(verb, home, images, faulty)
        faulty()
        run(verb, home, images)
        assert content(home) == expected, f"failed at change {at} of {total}: {counting.calls[at - 1]}"
        redone = [p.name for p, written in finished.items() if p.exists() and p.stat().st_mtime_ns != written]
        assert redone == []
        shutil.rmtree(home)


def _points(calls: list[str], kind: str) -> list[int]:
    """Which changes to fail at: each that leaves another state on the disk than the one before it does."""
    if kind == "kill":  # before a write or a flush there is what a torn write leaves
        return [at for at, call in enumerate(calls, 1) if call not in {"write", "sync"}]
    return [at for at, call in enumerate(calls, 1) if call == "write"][:: 1 if kind == "torn" else 4]


def _fail(verb: str, home: Path, data: Path, disk: Any) -> None:
    expected = (
        pytest.raises(OutputError, match="no space") if disk.kind == "full" else pytest.raises(disk.Killed)
    )
    with expected:
        run(verb, home, data)


def _next_is_refused(verb: str, home: Path, data: Path, faulty: Callable[..., Any]) -> None:
    """The verb after a stopped one sees the state before it, or after it; never a half."""
    if verb == "export":
        assert not (home / "out").exists() or (home / "out" / ".prune-export" / "export.json").exists()
        return
    copy = home.with_name("next")
    shutil.copytree(home, copy)
    faulty()
    code = 0
    try:
        run("export" if verb.startswith("select") else "select", copy, data)
    except PruneError as error:
        code = error.exit_code
    assert code in ({0} if verb == "select again" else {0, 4})  # what was finished stays usable
    shutil.rmtree(copy)
