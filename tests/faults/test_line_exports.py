"""Exports of texts that are one file: damaged in turn, killed half-way, found and written again."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import OutputError, StoreError

OUTS = ("kept.jsonl.zst", "kept.json", "kept.csv.gz")
KINDS: dict[str, tuple[str, Callable[[bytes], bytes] | None]] = {
    "flip": ("a bit flipped", lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]),
    "cut": ("cut short", lambda data: data[: len(data) // 2]),
    "empty": ("emptied", lambda _: b""),
    "remove": ("removed", None),
    "grow": ("grown", lambda data: data + b"\0"),
}
NOT_OURS = ("remove", "export.json")  # without it, nothing says whose the file is
Prune = Callable[..., Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with texts, a selection of them, and an export of each kind that is one file."""
    home = tmp_path_factory.mktemp("texts")
    lines = [json.dumps({"id": n, "text": f"text {n} of {n % 7}", "label": n % 2}) for n in range(40)]
    (home / "data.jsonl").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        pipeline.embed("store", "data.jsonl", encoder="ngrams")
        pipeline.select("store", method="random", fraction="0.5")
        for out in OUTS:
            pipeline.export("store", format=out.split(".")[1], out=out)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    monkeypatch.chdir(home)
    return home


def files_of(out: str) -> Iterator[Path]:
    yield Path(out)
    yield from sorted(path for path in Path(f"{out}.prune").rglob("*") if path.is_file())


def damage(path: Path, kind: str) -> None:
    data, change = path.read_bytes(), KINDS[kind][1]
    path.unlink()
    if change is not None:
        path.write_bytes(change(data))


def content(out: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in files_of(out) if path.exists()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("out", OUTS)
def test_damage_is_found_and_mended_by_the_command_that_is_named(
    home: Path, out: str, kind: str, prune: Prune, tally: Callable[..., None]
) -> None:
    before, names = content(out), [name for name in files_of(out) if (kind, name.name) != NOT_OURS]
    for name in names:
        damage(name, kind)
        found = pipeline.verify("store", out)
        said = [finding for finding in found["findings"] if finding["kind"] != "note"]
        assert said, f"{kind} {name} was not found"
        assert found["exit_code"] == 4
        for command in dict.fromkeys(finding["command"] for finding in said):
            _type(command, out, prune)
        assert pipeline.verify("store", out)["whole"], (name, said)
        assert content(out) == before, (name, said)
        _remove(f"{out}.damaged", f"{out}.damaged.prune")
    tally("Damaged files", "export", KINDS[kind][0], len(names))


def _remove(*names: str) -> None:
    for path in map(Path, names):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def _type(command: str, out: str, prune: Prune) -> None:
    words = shlex.split(command, comments=True)
    if words[0] == "mv":
        subprocess.run(command, shell=True, check=True)  # noqa: S602 - as a user types it
        words = ["prune", "export", "--store", "store", "--format", out.split(".")[1], "--out", out]
    said = prune(*words[1:])
    assert said.code == 0, (command, said.err)


@pytest.mark.parametrize("out", OUTS)
def test_the_same_command_says_that_the_file_is_damaged(home: Path, out: str) -> None:
    damage(Path(out), "flip")
    with pytest.raises(OutputError, match="is damaged"):
        pipeline.export("store", format=out.split(".")[1], out=out)


def test_a_file_without_its_description_is_anybodys(home: Path) -> None:
    Path("kept.json.prune/export.json").unlink()
    with pytest.raises(StoreError, match="neither a store nor an export"):
        pipeline.verify("store", "kept.json")
    with pytest.raises(OutputError, match="did not make it"):
        pipeline.export("store", format="json", out="kept.json", overwrite=True)


def test_a_file_that_changed_since_is_stale_and_not_overwritten(home: Path, prune: Prune) -> None:
    with Path("data.jsonl").open("a") as data:
        data.write("\n" + json.dumps({"id": 40, "text": "one more", "label": 0}))
    said = prune("verify", "--store", "store", "kept.jsonl.zst")
    assert said.code == 4
    assert "stale" in said.out + said.err
