"""What the system refuses to a command: files of the store that it may not read, and limits of the shell."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import cli, pipeline
from prune.core.errors import OutputError
from prune.system import files

Prune = Callable[..., Any]
EMBED = ("embed", "--encoder", "pixels", "--workers", "0")
SELECT = ("select", "--method", "random", "--fraction", "0.5", "--name", "again")
EXPORT = ("export", "--format", "manifest")
STATUS, VERIFY = ("status",), ("verify",)


@pytest.fixture
def store(images: Path, elsewhere: Path) -> Path:
    """A store with an embedding and a selection, in the current folder."""
    pipeline.embed(data=str(images), encoder="pixels")
    pipeline.select(method="kcenter", fraction="0.3")
    return Path(".prune")


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let nobody open a file, not even who may read everything."""
    opened = io.open

    def refuse(path: Path) -> None:
        def open_(file: Any, *words: Any, **named: Any) -> Any:
            if isinstance(file, str | Path) and Path(file).resolve() == path.resolve():
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(file))
            return opened(file, *words, **named)

        monkeypatch.setattr(io, "open", open_)
        path.chmod(path.stat().st_mode)  # whoever takes the right away leaves another time of change

    return refuse


@pytest.mark.parametrize(
    ("pattern", "verbs"),
    [
        ("store.json", [STATUS, EMBED, SELECT, EXPORT]),
        ("location.json", [EMBED, EXPORT]),
        ("dataset.json", [STATUS, EMBED, SELECT]),
        ("samples-*", [STATUS, EMBED, SELECT]),
        ("column.json", [STATUS, EMBED]),
        ("recipe.json", [EMBED]),
        ("part-*", [EMBED]),
        ("selection.json", [STATUS, EXPORT]),
        ("manifest.parquet", [EXPORT]),
        ("timings.json", []),
    ],
)
def test_a_file_that_may_not_be_read_is_the_stores_affair(
    prune: Prune, store: Path, deny: Callable[[Path], Any], pattern: str, verbs: list[tuple[str, ...]]
) -> None:
    path = next(store.rglob(pattern))
    before = path.stat().st_mtime_ns
    deny(path)
    for words in verbs:
        said = prune(*words)
        assert said.code == 4, said.err
        assert said.err.splitlines()[-2:] == [
            f"error: {path} cannot be read: permission denied",
            "try:   chmod -R u+rwX .prune   # as the user whose files they are",
        ]
    said = prune("verify", "--no-source")
    assert said.code == 4, said.err
    assert f"{path} cannot be read: permission denied   # chmod -R u+rwX .prune" in said.out
    assert "not whole: 1 damaged" in said.out
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", [".", "columns", "datasets", "selections"])
def test_a_folder_that_may_not_be_entered(prune: Prune, store: Path, name: str) -> None:
    folder = store / name
    folder.chmod(0)
    try:
        if os.access(folder, os.R_OK):
            pytest.skip("this user may read everything")
        for words in (STATUS, VERIFY):
            said = prune(*words)
            assert said.code == 4, said.err
            assert "Traceback" not in said.err
            assert "chmod -R u+rwX .prune" in said.out + said.err
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (errno.EMFILE, "too many open files", "ulimit -n 1024"),
        (errno.ENFILE, "too many open files", "ulimit -n 1024"),
        (errno.EFBIG, "a file may not grow so large", "ulimit -f unlimited"),
    ],
)
def test_limits_of_the_shell(
    prune: Prune, store: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str, hint: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(code, os.strerror(code))

    with pytest.raises(OutputError, match=f"cannot write to x: {reason}") as caught, files.writing(Path("x")):
        refuse()
    assert caught.value.hint.startswith(hint)
    monkeypatch.setattr("prune.steps.report.status.status", refuse)
    said = prune("status")
    assert said.code == 3
    assert said.err.splitlines()[1].startswith(f"try:   {hint}")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ImportError("libtorch_cpu.so: failed", name="_C", path="/x/site-packages/torch/_C.so"),
            "torch cannot be loaded: libtorch_cpu.so: failed",
        ),
        (ModuleNotFoundError("No module named 'sklearn'", name="sklearn"), "sklearn cannot be loaded: No"),
        (ImportError("cannot import name 'x'", name="prune.x"), ""),
    ],
)
def test_a_library_that_cannot_be_loaded(
    prune: Prune, store: Path, monkeypatch: pytest.MonkeyPatch, error: ImportError, words: str
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("prune.steps.report.status.status", fail)
    if not words:  # a module of ours: that is a bug
        monkeypatch.setattr(sys, "argv", ["prune", "status"])
        with pytest.raises(ImportError):
            cli.main()
        return
    said = prune("status")
    assert said.code == 3
    assert said.err.startswith(f"error: {words}")
    assert "try:   ulimit -v unlimited" in said.err
