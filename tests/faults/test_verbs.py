"""Every verb, stopped at every change it makes to the disk; the same command again ends as if nothing was.

As SQLite does it: fail at change 1, 2, 3 … After each failure the next command must refuse the half-done
store or see none of it, the same command must succeed, the result must have the bytes of an undisturbed run
and nothing beside them, and what was finished before the failure must not be made again. A few changes of
each verb are tried in every run of the tests, all of them in `make soak`.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from prune import pipeline
from prune.core.errors import OutputError, PruneError
from prune.steps.settings import Settings
from prune.trace import TraceWriter

TRAINING = {"proxy": "mlp", "epochs": 2, "size": 8}
FAULTS = {
    "kill": "kill",
    "torn": "torn write",
    "power": "power loss",
    "full": "disk full",
    "error": "I/O error once",
    "short": "short write",
}
CUTS = ("lost", "kept", "torn", "some")  # what a power cut does to names and bytes; see `Unflushed.lose`
FEW = 4  # changes of each verb that are tried in a quick run


def _embed(home: Path, sources: Path, data: str = "images", **more: Any) -> None:
    pipeline.embed(home / "store", str(sources / data), encoder="pixels", **more)


def _score(home: Path, sources: Path, *types: str, **more: Any) -> None:
    given = {"training": TRAINING} | more
    pipeline.score(home / "store", str(sources / "images"), types=types, **given)


def _import(home: Path, sources: Path) -> None:
    _score(home, sources, imports=str(sources / "scores.csv"), high="hard", training=None)


def _checkpoint(home: Path, sources: Path) -> None:
    model = {"file": str(sources / "w.safetensors"), "factory": f"{sources}/faulty_nets.py:net"}
    _score(home, sources, "el2n", "grad_norm", checkpoint=model, training={"size": 8})


def _select(home: Path, sources: Path, method: str = "kcenter", **more: Any) -> None:
    given = {"fraction": "0.3", "on": "pixels"} | more
    pipeline.select(home / "store", method=method, **given)


def _export(home: Path, sources: Path, **more: Any) -> None:
    pipeline.export(home / "store", format="webdataset", out=home / "out", **more)


def _train(home: Path, sources: Path, *, resume: bool = True, until: int = 2) -> None:
    """A user's training loop, written to be run again."""
    writer = TraceWriter(home / "store", epochs=2, resume=resume)
    for epoch in range(writer.next_epoch, until + 1):
        with torch.random.fork_rng():
            torch.manual_seed(epoch + 10 * resume)
            net, inputs = nn.Linear(4, 2), torch.randn(40, 4)
        writer.observe(net, [(inputs[at : at + 20], None, torch.arange(at, at + 20)) for at in (0, 20)])
    if until == 2:
        writer.close()


class Case(NamedTuple):
    run: Callable[[Path, Path], None]  # on a home, with the sources
    after: tuple[Callable[[Path, Path], None], ...] = ()
    units: str = "part-*"  # what is not made again once it is there


def _with(verb: Callable[..., None], *words: Any, **more: Any) -> Callable[[Path, Path], None]:
    return lambda home, sources: verb(home, sources, *words, **more)


_SCORED = (_embed, _with(_score, "grad_norm", "forgetting"))
CASES = {
    "embed": Case(_embed),
    "embed --refresh": Case(_with(_embed, "more", settings=Settings(refresh=True)), (_embed,)),
    "embed, grown": Case(_with(_embed, "grown"), (_embed, _select)),
    "score": Case(_SCORED[1], (_embed,)),
    "score --runs 2": Case(_with(_score, "el2n", runs=2)),
    "score --cross-fit 2": Case(_with(_score, "el2n", cross_fit=2)),
    "score --import": Case(_import),
    "score --checkpoint": Case(_checkpoint),
    "select": Case(_select, _SCORED),
    "select again": Case(_with(_select, fraction="0.5"), (*_SCORED, _select)),
    "select --reweight": Case(_with(_select, reweight="cluster"), (_embed,)),
    "select --target": Case(
        lambda home, sources: _select(home, sources, "gio", target=str(sources / "more")), (_embed,)
    ),
    "export": Case(_export, (_embed, _select)),
    "export --overwrite": Case(_with(_export, rejected=True, overwrite=True), (_embed, _select, _export)),
    "TraceWriter": Case(_train, (_embed,), "trace.0/*/part-*"),
    "TraceWriter, begun again": Case(
        _with(_train, resume=False, until=1), (_embed, _with(_train, until=1)), "none: all is begun again"
    ),
}


class Undisturbed(NamedTuple):
    start: Path  # a home just before the verb
    content: dict[str, bytes]
    names: set[str]
    calls: list[str]


@pytest.fixture(scope="module")
def runs() -> dict[str, Undisturbed]:
    """Undisturbed runs, one a case."""
    return {}


@pytest.fixture
def undisturbed(
    runs: dict[str, Undisturbed],
    tmp_path_factory: pytest.TempPathFactory,
    sources: Path,
    faulty: Callable[..., Any],
    content: Callable[[Path], dict[str, bytes]],
    names: Callable[[Path], set[str]],
    small_parts: None,
) -> Callable[[str], Undisturbed]:
    def of(case: str) -> Undisturbed:
        if case not in runs:
            home = tmp_path_factory.mktemp("start")
            start, whole = home / "start", home / "whole"
            start.mkdir()
            faulty()
            for earlier in CASES[case].after:
                earlier(start, sources)
            shutil.copytree(start, whole)
            disk = faulty()
            CASES[case].run(whole, sources)
            runs[case] = Undisturbed(start, content(whole), names(whole), disk.calls)
        return runs[case]

    return of


@pytest.fixture
def survives(
    tmp_path: Path,
    sources: Path,
    undisturbed: Callable[[str], Undisturbed],
    faulty: Callable[..., Any],
    content: Callable[[Path], dict[str, bytes]],
    names: Callable[[Path], set[str]],
) -> Callable[..., None]:
    """Fail once, look what the next verb says, run again, and compare."""

    def once(case: str, kind: str, at: int, cut: str) -> None:
        start, expected, shown, calls = undisturbed(case)
        home, run = tmp_path / "home", CASES[case].run
        shutil.copytree(start, home)
        disk = faulty(kind, at)
        with pytest.raises((disk.Killed, OutputError)) as stopped:
            run(home, sources)
        if kind in {"full", "error"}:
            words = {"full": "no space left", "error": "input/output error"}[kind]
            assert words in str(stopped.value)
        else:
            assert isinstance(stopped.value, disk.Killed)
        if disk.unflushed:
            disk.unflushed.lose(cut, at)
        faulty()
        finished = {p: p.stat().st_mtime_ns for p in home.rglob(CASES[case].units) if p.is_file()}
        _next_is_refused(home, sources)
        run(home, sources)
        what = f"{kind} {cut} at change {at} of {len(calls)}: {calls[at - 1]}"
        assert content(home) == expected, what
        assert names(home) == shown, what
        redone = [p.name for p, written in finished.items() if p.exists() and p.stat().st_mtime_ns != written]
        assert kind == "power" or redone == [], what
        shutil.rmtree(home)

    return once


def _next_is_refused(home: Path, sources: Path) -> None:
    """The verbs after a stopped one see the state before it, or after it; never a half."""
    assert not (home / "out").exists() or (home / "out" / ".prune-export" / "export.json").exists()
    copy = home.with_name("next")
    shutil.copytree(home, copy)
    for verb in (_select, _export):
        code = 0
        try:
            verb(copy, sources)
        except PruneError as error:
            code = error.exit_code
        assert code in (
            {0, 4, 6} if verb == _export else {0, 4}
        )  # 6: an export is there, of another selection
    shutil.rmtree(copy)


def _points(kind: str, calls: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the changes to fail at: each that leaves another state on the disk than the one before it."""
    unlike = {"kill": ("write", "sync"), "power": ("write",)}.get(kind, ())  # like a torn write before them
    only = {"torn": "write"}.get(kind, "")
    points = [
        at
        for at, call in enumerate(calls, 1)
        if call not in unlike and only in call and not (kind == "full" and call.startswith("remove"))
    ]
    return itertools.product(points, CUTS if kind == "power" else [""])


def _every(things: list[Any], few: int, first: int) -> list[Any]:
    step = max(1, len(things) // few)
    return things[first % step :: step][:few]


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind != "short"])
@pytest.mark.parametrize("case", CASES)
def test_a_verb_survives_a_failure_at_some_changes(
    case: str, kind: str, undisturbed: Any, survives: Any, tally: Callable[..., None]
) -> None:
    points = list(_points(kind, undisturbed(case).calls))
    tried = _every(points, FEW, 3 * list(FAULTS).index(kind) + list(CASES).index(case))
    for at, cut in tried:
        survives(case, kind, at, cut)
    tally("A fault at every write", case, FAULTS[kind], len(tried))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind != "short"])
@pytest.mark.parametrize("case", CASES)
def test_a_verb_survives_a_failure_at_every_change(
    case: str, kind: str, undisturbed: Any, survives: Any, tally: Callable[..., None]
) -> None:
    points = list(_points(kind, undisturbed(case).calls))
    for at, cut in points:
        survives(case, kind, at, cut)
    tally("A fault at every write", case, FAULTS[kind], len(points))


@pytest.mark.parametrize("case", CASES)
def test_a_verb_goes_on_where_a_write_takes_less(
    tmp_path: Path,
    case: str,
    sources: Path,
    undisturbed: Callable[[str], Undisturbed],
    faulty: Callable[..., Any],
    content: Callable[[Path], dict[str, bytes]],
    tally: Callable[..., None],
) -> None:
    start, expected, _, calls = undisturbed(case)
    shutil.copytree(start, tmp_path / "home")
    disk = faulty("short")
    CASES[case].run(tmp_path / "home", sources)
    assert content(tmp_path / "home") == expected
    assert len(disk.calls) > len(calls)
    tally("A fault at every write", case, FAULTS["short"], calls.count("write"))
