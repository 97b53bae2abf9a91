"""A command that was killed before anything was shown: every verb names it, and typed again it goes on."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune.store import Store
from prune.store.layout import BEGUN, STATE

Prune = Callable[..., Any]
Content = Callable[[Path], dict[str, bytes]]

STORE = "a store"  # a word that has to be quoted
TRAINING = ["--proxy", "mlp", "--epochs", "2", "--proxy-size", "8", "--workers", "0", "--device", "cpu"]
FIRST = {
    "embed": ["embed", "--encoder", "pixels", "--workers", "0"],
    "score": ["score", "--type", "el2n", *TRAINING],
}
READERS = (
    ["select", "--method", "random", "--count", "5"],
    ["select", "--method", "top", "--score", "el2n", "--count", "5"],
    ["export", "--format", "manifest", "--out", "out"],
    ["gc", "--dry-run"],
    ["verify"],
)
MOMENTS = 8  # of a command, spread over all that it writes


@pytest.fixture
def kill(prune: Prune, faulty: Callable[..., Any], killed: type[BaseException]) -> Callable[..., Any]:
    """Type a command that is killed before one of its writes; without a number, one that ends."""

    def run(at: int | None, *words: object) -> int:
        disk = faulty() if at is None else faulty("kill", at)
        with contextlib.suppress(killed):
            said = prune(*words)
            assert said.code == 0, said.err
        faulty()
        return len(disk.calls)

    return run


def typed(line: str, mark: str) -> list[str]:
    """The words of a command in a line, behind a mark; without `prune`."""
    words = shlex.split(line.split(mark, 1)[1], comments=True)
    assert words[0] == "prune", line
    return words[1:]


def advised(said: Any) -> list[str]:
    """What a command says to type: in the second line of an error, or behind a finding."""
    lines = said.err.splitlines()
    if lines and lines[-1].startswith("try:"):
        return typed(lines[-1], "try:   ")
    return typed(next(line for line in said.out.splitlines() if "   # prune" in line), "   # ")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """As an export holds the folder that it writes to."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def files_in(store: str) -> set[Path]:
    return {path for path in Path(store).rglob("*") if path.is_file()}


@pytest.mark.parametrize("verb", FIRST)
def test_every_verb_names_the_first_command_that_did_not_end(
    verb: str, prune: Prune, kill: Any, images: Path, elsewhere: Path, content: Content
) -> None:
    first = [*FIRST[verb], "--store", STORE, images]
    calls = kill(None, *first)
    expected, seen = content(Path(STORE)), 0
    for at in range(2, calls, calls // MOMENTS):
        shutil.rmtree(STORE)
        kill(at, *first)
        if (Path(STORE) / STATE).exists() or not (Path(STORE) / BEGUN).exists():
            continue
        told = prune("status", "--store", STORE)
        assert told.code == 0, told.err
        again = typed(next(line for line in told.out.splitlines() if line.startswith("unfinished")), "# ")
        for words in READERS:
            said = prune(words[0], "--store", STORE, *words[1:])
            assert said.code == (0 if words[0] == "gc" else 4), (at, words, said.err)
            assert advised(said) == again, (at, words)
            as_json = prune(words[0], "--store", STORE, *words[1:], "--json")
            assert json.loads(as_json.out)
        kill(None, *again)
        assert content(Path(STORE)) == expected, at
        assert json.loads(prune("status", "--store", STORE, "--json").out)["begun"] == {}
        seen += 1
    assert seen >= MOMENTS // 2


def test_gc_keeps_what_was_begun_and_removes_it_when_told(
    prune: Prune, kill: Any, images: Path, elsewhere: Path
) -> None:
    first = [*FIRST["score"], "--store", STORE, images]
    calls = kill(None, *first)
    shutil.rmtree(STORE)
    kill(calls * 3 // 4, *first)
    before = {path for path in files_in(STORE) if ".prune-" not in path.name}
    assert json.loads(prune("gc", "--store", STORE, "--json").out)["kept"]
    assert files_in(STORE) == before
    said = prune("gc", "--store", STORE, "--unfinished")
    assert said.code == 0, said.err
    assert not list(Path(STORE).glob("columns/*")) + list(Path(STORE).glob("datasets/*"))
    for words in (["status"], ["gc"], ["verify"]):
        assert "there is no store" in prune(*words, "--store", STORE).err
    kill(None, *first)
    assert prune("verify", "--store", STORE).code == 0


def test_a_second_command_about_other_data_is_named_with_its_data(
    prune: Prune, kill: Any, images: Path, elsewhere: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other data"
    shutil.copytree(images, other)
    sorted(other.rglob("*.png"))[0].unlink()
    kill(None, *FIRST["embed"], "--store", STORE, images)
    shutil.copytree(STORE, "kept")
    second = ["score", "--type", "input_norm", "--no-labels", "--refresh", "--store", STORE, other]
    calls = kill(None, *second)
    expected = Store(STORE).state
    shutil.rmtree(STORE)
    shutil.copytree("kept", STORE)
    kill(calls // 2, *second)
    said = prune("select", "--store", STORE, "--method", "top", "--score", "input_norm", "--count", "5")
    assert "there is no column 'score.input_norm'" in said.err
    kill(None, *advised(said))
    assert Store(STORE).state == expected
    assert len(Store(STORE).dataset) == 39
    assert json.loads(prune("status", "--store", STORE, "--json").out)["begun"] == {}


def test_a_selection_that_did_not_end_is_named(
    prune: Prune, kill: Any, images: Path, elsewhere: Path
) -> None:
    kill(None, *FIRST["embed"], "--store", STORE, images)
    choose = ["select", "--method", "kcenter", "--count", "7", "--name", "mine", "--store", STORE]
    shutil.copytree(STORE, "kept")
    calls = kill(None, *choose)
    shutil.rmtree(STORE)
    shutil.copytree("kept", STORE)
    kill(calls // 2, *choose)
    said = prune("export", "--format", "manifest", "--out", "out", "--store", STORE)
    assert "has no selection yet" in said.err
    kill(None, *advised(said))
    assert Store(STORE).state["latest"] == "mine"


def test_what_a_scan_refuses_was_not_begun(prune: Prune, images: Path, elsewhere: Path) -> None:
    sorted(images.rglob("*.png"))[0].write_bytes(b"no picture")
    said = prune(*FIRST["embed"], "--store", STORE, "--on-error", "fail", images)
    assert said.code == 3
    bad = elsewhere / "x.npy"
    bad.write_bytes(b"\x93NUMPY")
    assert prune("embed", "--store", "other", bad).code in {2, 3}
    assert "there is no store at other" in prune("status", "--store", "other").err
    assert not Path("other/location.json").exists()


def test_typed_in_the_dataset_it_is_found_beside_it(
    prune: Prune, kill: Any, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images)
    first = [*FIRST["embed"], "."]
    calls = kill(None, *first)
    shutil.rmtree(images.parent / ".data.prune")
    kill(calls // 2, *first)
    assert not (images.parent / ".data.prune" / STATE).exists()
    said = prune("select", "--method", "random", "--count", "5")
    kill(None, *advised(said))
    assert prune("select", "--method", "random", "--count", "5").code == 0


def test_an_export_that_is_being_written_is_not_said_to_be_abandoned(
    prune: Prune, kill: Any, images: Path, elsewhere: Path
) -> None:
    kill(None, *FIRST["embed"], "--store", STORE, images)
    kill(None, "select", "--method", "random", "--count", "5", "--store", STORE)
    said = prune("export", "--format", "manifest", "--store", STORE, "--fraction", "0.9")
    assert f"prune select --store '{STORE}' --method random" in said.err
    Path(".out.partial").mkdir()
    with held(Path(".out.partial")):
        assert "is being written by another process" in prune("verify", "--store", STORE, "out").err
    assert "is not finished" in prune("verify", "--store", STORE, "out").err
