"""Every file of a store and of an export, damaged in turn: found, never used in silence, and made again.

`prune verify` names the file and the command to type; the verbs that read the file refuse it, or end as if it
were whole; and after the commands that were named, every byte is as it was.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.store import Store

Content = Callable[[Path], dict[str, bytes]]

KINDS = {
    "flip": "a bit flipped",
    "cut": "cut short",
    "empty": "emptied",
    "remove": "removed",
    "grow": "grown",
}
NOTES = {"lock", "rejects.json"}  # written for the reader; nothing is computed from them
CACHES = {"scans", "timings.json"}  # may be removed: what they save is computed again


@pytest.fixture(scope="module")
def whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a store of all kinds of files, and two exports."""
    home = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store.write_column, "__kwdefaults__", {"part_rows": 16})
        patch.chdir(home)
        _make(sources)
    return home


def _make(sources: Path) -> None:
    training = {"proxy": "mlp", "epochs": 2, "size": 8}
    pipeline.embed("store", str(sources / "images"), encoder="pixels")
    pipeline.score("store", types=["grad_norm", "forgetting"], training=training)
    pipeline.score("store", imports=str(sources / "scores.csv"), high="hard")
    pipeline.select("store", method="top", score="mine", fraction="0.5", name="mine")
    pipeline.select("store", method="gradmatch", count=9, target=str(sources / "more"), on="pixels")
    pipeline.select("store", method="kcenter", fraction="0.3", on="pixels")
    for export in _EXPORTS.values():
        pipeline.export("store", **export)


@pytest.fixture
def home(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Path:
    """A copy of it, to work in."""
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    monkeypatch.chdir(home)
    return home


def anew(home: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(home)
    shutil.copytree(whole, home)
    monkeypatch.chdir(home)  # the folder of that name is another one now


def damage(path: Path, kind: str, seed: int = 0) -> None:
    data = path.read_bytes()
    path.unlink()
    if kind == "remove":
        return
    at = int(np.random.default_rng(seed).integers(max(len(data), 1)))
    changed = {
        "flip": data[:at] + bytes([data[at] ^ 1 << seed % 8]) + data[at + 1 :] if data else b"\0",
        "cut": data[: len(data) // 2],
        "empty": b"",
        "grow": data + b"\0",
    }
    path.write_bytes(changed[kind])


def files_of(home: Path, *, of: str) -> list[str]:
    paths = sorted(path for path in (home / of).rglob("*") if path.is_file())
    return [str(path.relative_to(home)) for path in paths if path.name not in NOTES]


def mend(result: dict[str, Any], prune: Callable[..., Any], data: Path) -> None:
    """Type what verify named, as it stands there."""
    commands = list(dict.fromkeys(f["command"] for f in result["findings"] if f["command"]))
    for command in commands:
        words = [str(data) if word == "DATA" else word for word in shlex.split(command, comments=True)]
        if words[0] == "mv":
            shutil.move(words[1], words[2])
            pipeline.export("store", **_EXPORTS[words[1]])
        elif words[0] == "rm":
            Path(words[1]).unlink()
        else:
            said = prune(*words[1:], *(["--workers", "0"] if words[1] != "export" else []))
            assert said.code == 0, (command, said.err)


_EXPORTS: dict[str, dict[str, Any]] = {
    "tars": {"format": "webdataset", "out": "tars", "selection": "kcenter"},
    "folders": {"format": "imagefolder", "out": "folders", "selection": "mine", "rejected": True},
}


def is_cache(name: str) -> bool:
    known_again = name.startswith("store/targets/") and name.endswith("store.json")  # what a target is
    return known_again or bool(CACHES & set(name.split("/")))


def uses(home: Path, whole: dict[str, bytes]) -> int:
    """Let every verb read a store: it refuses, or ends as on a whole one. Return how many refused.

    What is selected goes under names that are not taken: of those that are, nothing would be read or done.
    """
    verbs: list[Callable[[], Any]] = [
        lambda: pipeline.select("store", method="kcenter", fraction="0.3", on="pixels", name="kcenter-too"),
        lambda: pipeline.select("store", method="top", score="mine", fraction="0.5", name="mine-too"),
        lambda: pipeline.export("store", **{**_EXPORTS["tars"], "out": "again"}),
    ]
    refused = 0
    for verb in verbs:
        try:
            verb()
        except StoreError:
            refused += 1
    for path in sorted((home / "again").rglob("*")):
        if path.is_file():
            name = str(Path("tars") / path.relative_to(home / "again"))
            assert path.read_bytes() == whole[name], name
    for name in ("kcenter", "mine"):
        kept = home / f"store/selections/{name}-too/keys.txt"
        if kept.exists():
            assert kept.read_bytes() == whole[f"store/selections/{name}/keys.txt"], name
    return refused


def without_latest(content: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out which selection is the latest: the one that was made again."""
    state = json.loads(content["store/store.json"])
    del state["latest"], state["seal"]
    return {**content, "store/store.json": json.dumps(state).encode()}


def tried(
    home: Path,
    names: list[str],
    kind: str,
    prune: Callable[..., Any],
    content: Content,
    data: Path,
    seed: int = 0,
) -> int:
    before = without_latest(content(home))
    for place, name in enumerate(names, seed):
        place_of = name.split("/")[0]
        damage(home / name, kind, place)
        result = pipeline.verify("store", None if place_of == "store" else place_of)
        said = [finding for finding in result["findings"] if finding["kind"] != "note"]
        if kind != "remove" or not is_cache(name):
            assert said, f"{kind} {name} was not found"
            assert result["exit_code"] == 4
            assert any(name.startswith(finding["path"]) for finding in said), (name, said)
            assert all(finding["command"] for finding in said), said
        mend(result, prune, data)
        again = pipeline.verify("store", None if place_of == "store" else place_of)
        assert again["whole"], (name, result["findings"], again["findings"])
        shutil.rmtree(home / f"{place_of}.damaged", ignore_errors=True)
        assert without_latest(content(home)) == before, f"{kind} {name}"
    return len(names)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", ["store", "tars", "folders"])
def test_damage_is_found_and_mended_by_the_command_that_is_named(
    home: Path,
    sources: Path,
    of: str,
    kind: str,
    prune: Callable[..., Any],
    content: Content,
    tally: Callable[..., None],
) -> None:
    names = files_of(home, of=of)
    if of != "tars":  # mending costs a training now and then: a third of the files each
        names = names[list(KINDS).index(kind) % 3 :: 3]
    count = tried(home, names, kind, prune, content, sources / "images")
    tally("Damaged files", "store" if of == "store" else "export", KINDS[kind], count)


def test_what_was_typed_is_guessed_from_the_recipes(
    home: Path, sources: Path, prune: Callable[..., Any], content: Content
) -> None:
    """Nobody remembers it where the notes are lost; another training would take the place of this one."""
    before = without_latest(content(home))
    for name in ("trace.0", "probs", "images.8", "grad_norm.0", "score.forgetting"):
        (home / "store/timings.json").unlink(missing_ok=True)
        next((home / "store/columns" / name).rglob("part-*")).unlink()
        mend(pipeline.verify("store", None), prune, sources / "images")
        assert pipeline.verify("store", None)["whole"], name
        assert without_latest(content(home)) == before, name


def test_an_imported_score_is_imported_again(home: Path, sources: Path, prune: Callable[..., Any]) -> None:
    (home / "store/timings.json").unlink()
    next((home / "store/columns/score.mine").rglob("part-*")).unlink()
    found = pipeline.verify("store", None, source=False)["findings"][0]["command"]
    assert found == "prune score --store store --import FILE --type mine --high hard"
    words = shlex.split(found.replace("FILE", str(sources / "scores.csv")))
    assert prune(*words[1:]).code == 0
    assert pipeline.verify("store", None, source=False)["whole"]


READ = ("store/store.json", "store/columns/embedding.pixels/", "store/columns/score.mine/", "store/datasets/")


@pytest.mark.parametrize("kind", KINDS)
def test_no_verb_uses_a_damaged_file_in_silence(
    whole: Path, home: Path, kind: str, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = content(whole)
    names = files_of(home, of="store")[list(KINDS).index(kind) :: len(KINDS)]
    names += [name for name in files_of(home, of="store") if name.startswith(READ) and name not in names]
    for place, name in enumerate(names):
        damage(home / name, kind, place)
        refused = uses(home, expected)
        if name.startswith(READ) and not name.endswith("recipe.json"):
            assert refused, f"{kind} {name} was used"
        anew(home, whole, monkeypatch)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_column_is_made_again_by_the_same_command_which_says_that_something_changed(
    home: Path, sources: Path, kind: str, content: Content
) -> None:
    before = without_latest(content(home))
    training = {"proxy": "mlp", "epochs": 2, "size": 8}
    verbs: dict[str, Callable[[], Any]] = {
        "embedding.pixels": lambda: pipeline.embed("store", str(sources / "images"), encoder="pixels"),
        "score.grad_norm": lambda: pipeline.score("store", types=["grad_norm"], training=training),
        "trace.0": lambda: pipeline.score("store", types=["forgetting"], training=training),
        "score.mine": lambda: pipeline.score("store", imports=str(sources / "scores.csv"), high="hard"),
    }
    for name, verb in verbs.items():
        assert verb()["unchanged"], name
        for place, path in enumerate(sorted((home / "store/columns" / name).glob("*/part-*"))):
            damage(path, kind, place)
            assert not verb()["unchanged"], path
            assert verb()["unchanged"], path
    assert without_latest(content(home)) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_selection_is_chosen_again_by_the_same_command(
    home: Path, kind: str, content: Content
) -> None:
    before = without_latest(content(home))
    for place, path in enumerate(sorted((home / "store/selections/kcenter").iterdir())):
        damage(path, kind, place)
        said = pipeline.select("store", method="kcenter", fraction="0.3", on="pixels")
        assert not said["unchanged"], path
    assert pipeline.select("store", method="kcenter", fraction="0.3", on="pixels")["unchanged"]
    assert without_latest(content(home)) == before


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_in_ten_ways(
    whole: Path,
    home: Path,
    sources: Path,
    kind: str,
    prune: Callable[..., Any],
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for turn in range(10 if kind == "flip" else 1):
        for of in ("store", "tars", "folders"):
            tried(home, files_of(home, of=of), kind, prune, content, sources / "images", 1000 * turn)
        anew(home, whole, monkeypatch)  # what was typed is no longer known
