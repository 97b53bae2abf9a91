"""What an error advises is typed, until the verb ends: every file of a store, damaged in every way.

No advice may lead in a circle, `status` answers always, and in the end every byte is as it was.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.store import Store

Content = Callable[[Path], dict[str, bytes]]

NOTES = {"lock", "rejects.json", "timings.json"}  # nothing that is shown is computed from them
ROUNDS = 6  # errors in a row, each with other advice


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "mine.txt").write_text("not prune's")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def _shape(path: Path) -> None:
    """JSON of another shape, where it is JSON."""
    if path.suffix != ".json":
        path.write_bytes(b"{}")
        return
    record = json.loads(path.read_bytes())
    record = {name: [] if isinstance(value, str | int) else "x" for name, value in record.items()}
    record.pop("seal", None)
    path.write_text(json.dumps(record))


KINDS: dict[str, Callable[[Path], None]] = {
    "flipped": _flip,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
    "a folder": _folder,
    "no JSON": lambda path: path.write_bytes(b"{]"),
    "a list": lambda path: path.write_bytes(b"[]"),
    "another shape": _shape,
}


@pytest.fixture(scope="module")
def whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store.write_column, "__kwdefaults__", {"part_rows": 16})
        patch.chdir(home)
        pipeline.embed("store", str(sources / "images"), encoder="pixels")
        training = {"proxy": "mlp", "epochs": 2, "size": 8}
        pipeline.score("store", types=["grad_norm", "el2n"], training=training)
        pipeline.score("store", imports=str(sources / "scores.csv"), high="hard")
        pipeline.select("store", method="top", score="mine", fraction="0.5", name="mine")
        pipeline.select("store", method="kcenter", fraction="0.3", on="pixels")
    return home


VERBS = (
    ["status"],
    ["score", "--type", "loss,el2n"],
    ["score", "--type", "grad_norm"],
    ["embed", "--encoder", "pixels"],
    ["select", "--name", "mine", "--method", "top", "--score", "mine", "--fraction", "0.5"],
    ["select", "--method", "kcenter", "--fraction", "0.3", "--on", "pixels"],
    ["export", "--format", "manifest", "--out", "out", "--overwrite"],
)


def follow(prune: Callable[..., Any], words: list[str], data: Path) -> None:
    """Type a command, and what every error advises, until it ends well."""
    typed = []
    for _ in range(ROUNDS):
        said = prune(words[0], "--store", "store", *words[1:])
        if said.code == 0:
            return
        assert "Traceback" not in said.err
        assert said.code == 4, said.err
        advice = said.err.strip().splitlines()[-1].removeprefix("try:   ")
        assert advice not in typed, (advice, said.err)
        typed.append(advice)
        enter(prune, advice, data)
    pytest.fail(f"{words}: {typed}")


def enter(prune: Callable[..., Any], advice: str, data: Path) -> None:
    """Type what is advised."""
    words = [str(data) if word == "DATA" else word for word in shlex.split(advice, comments=True)]
    if words[0] == "rm":
        target = Path(words[-1])
        if target.is_dir() and "-r" in words:
            shutil.rmtree(target)
        else:
            target.unlink()
    else:
        assert words[0] == "prune", advice
        prune(*words[1:])


def files_of(home: Path) -> list[str]:
    paths = sorted(path for path in (home / "store").rglob("*") if path.is_file())
    return [str(path.relative_to(home)) for path in paths if path.name not in NOTES]


def shown(content: dict[str, bytes]) -> dict[str, bytes]:
    """What has to be the same: not `latest`, what was put aside, nor the column of one more score."""
    left_out = ("columns/score.loss", "aside/", "selections/", "store.json")
    return {name: data for name, data in content.items() if not name.startswith(left_out)}


def tried(home: Path, name: str, kind: str, prune: Callable[..., Any], data: Path) -> None:
    KINDS[kind](home / name)
    said = prune("status", "--store", "store")
    assert said.code in {0, 4}, (name, said.err)
    for words in VERBS:
        follow(prune, words, data)
    for finding in pipeline.verify("store")["findings"]:  # what no verb has read
        if finding["command"] and finding["kind"] != "note":
            enter(prune, finding["command"], data)
    assert pipeline.verify("store")["whole"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_advised_mends(
    whole: Path,
    tmp_path: Path,
    sources: Path,
    kind: str,
    prune: Callable[..., Any],
    content: Content,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = files_of(whole)
    step = len(KINDS)
    for place, name in enumerate(names[list(KINDS).index(kind) :: step]):
        home = tmp_path / str(place)
        shutil.copytree(whole, home)
        monkeypatch.chdir(home)
        tried(home, name, kind, prune, sources / "images")
        assert shown(content(home / "store")) == shown(content(whole / "store")), (kind, name)


def test_status_answers_whatever_the_json_of_a_store_is(
    whole: Path, tmp_path: Path, prune: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    for name in files_of(whole):
        if name.endswith(".json"):
            _shape(Path(name))
            said = prune("status", "--store", "store")
            assert said.code in {0, 4}, (name, said.err)
            shutil.copy(whole / name, name)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_in_every_way(
    whole: Path,
    tmp_path: Path,
    sources: Path,
    kind: str,
    prune: Callable[..., Any],
    content: Content,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place, name in enumerate(files_of(whole)):
        home = tmp_path / str(place)
        shutil.copytree(whole, home)
        monkeypatch.chdir(home)
        tried(home, name, kind, prune, sources / "images")
        assert shown(content(home / "store")) == shown(content(whole / "store")), (kind, name)
