"""No name moves the cursor, turns a line around or opens a tag: it is shown as text and kept as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from prune.commands import console
from prune.store import Store

PIXELS = ("--encoder", "pixels", "--workers", "0")
QUICK = ("--proxy", "mlp", "--epochs", "1", "--proxy-size", "8", "--workers", "0")
NAMES = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mc1",
    "\x07bell",
    "\x08\x08\x08back",
    "\x7fdel",
    "tab\there",
    "\u202egnp.exe",
    "\u2066isolate\u2069",
    "\u200bzero\ufeff",
    "\u2028line",
    "[bold]x[/bold]",
    "[/]",
    "[link=http://x]y",
    "<script>alert(1)</script>",
    "=cmd|' C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "%s{0}$(id)`id`",
]
SHOWN = (
    {chr(c) for c in range(32) if c not in (9, 10)}
    | {chr(c) for c in range(127, 160)}
    | {*"\u202e\u2066\u200b\u2028\ufeff"}
)


def clean(said: Any, *, tabs: bool = False) -> None:
    """Nothing on the terminal does more than show itself."""
    for text in (said.out, said.err):
        assert not SHOWN & set(text), text
        assert tabs or "\t" not in text


@pytest.fixture(params=["imagefolder", "webdataset", "huggingface"])
def named(request: pytest.FixtureRequest, make: Any, elsewhere: Path) -> str:
    """A dataset with these names as keys, as classes, and as images that cannot be read."""
    root = elsewhere / "in"
    if request.param == "imagefolder":
        flat = [name.replace("/", "_") for name in NAMES]
        for i, name in enumerate(flat):
            (root / name).mkdir(parents=True)
            for j, key in enumerate(flat[i : i + 2]):
                (root / name / f"{key}.png").write_bytes(make.picture(2 * i + j) if j or i % 5 else b"broken")
        return request.param
    pictures = [b"broken" if i % 5 == 0 else make.picture(i) for i in range(len(NAMES))]
    if request.param == "webdataset":
        members = []
        for name, data in zip(NAMES, pictures, strict=True):
            stem = name.replace(".", "_").replace("/", "_")
            members += [(f"{stem}.png", data), (f"{stem}.json", json.dumps({"label": name[-64:]}).encode())]
        make.tar(root / "x.tar", members)
    else:
        make.parquet(root, make.table(20, image=pictures, label=NAMES, __key__=NAMES))
    return request.param


def test_every_verb_shows_names_as_text(
    named: str, prune: Any, elsewhere: Path, make: Any, tally: Any
) -> None:
    skip = ("--on-error", "skip", "--max-bad", "0.9")
    for words, code in (
        (["embed", *PIXELS, "in"], 3),
        (["embed", *PIXELS, "in", "--json"], 3),
        (["embed", *PIXELS, *skip, "in"], 0),
        (["score", "--type", "el2n", *QUICK, *skip], {0, 3}),
        (["select", "--fraction", 0.5], 0),
        (["select", "--fraction", 0.5, "--quota", "equal", "--json", "--name", "b"], {0, 2, 3}),
        (["status"], 0),
        (["status", "--json"], 0),
        *((["export", "--format", f, "--out", f], 0) for f in ("webdataset", "parquet", "manifest")),
        (["export", "--format", "imagefolder", "--out", "stopped"], {0, 2}),
        (["export", "--format", "imagefolder", "--empty-classes", "keep", "--out", "imagefolder"], 0),
        (["export", "--format", "imagefolder", "--empty-classes", "drop", "--out", "dropped"], 0),
        (["verify"], {0, 4}),
    ):
        said = prune(*words)
        clean(said)
        assert said.code == code or said.code in (code if isinstance(code, set) else ()), (words, said.err)
        if "--json" in words:
            json.loads(said.out)
    keys = set(Store(".prune").dataset.keys)
    latest = Store(".prune").state["latest"]
    kept = Path(f".prune/selections/{latest}/keys.txt").read_text().split("\n")[:-1]
    assert set(kept) <= keys
    manifest = pq.read_table("manifest/manifest.parquet")
    assert set(manifest["key"].to_pylist()) == keys
    assert manifest["key"].filter(manifest["selected"]).to_pylist() == kept
    assert {path.name for path in Path().rglob("*.csv")} <= {
        "classes.csv"
    }  # the one table of names, for libraries
    assert not list(Path().rglob("*.html"))
    tally("Hostile and broken input", "names on the terminal", "read", len(keys))


def test_a_refusal_shows_names_as_text(prune: Any, make: Any, elsewhere: Path, tally: Any) -> None:
    nasty = "a\x1b[31m\u202e[/]b"
    for words in (
        ["embed", nasty],
        ["embed", f"{nasty}*.tar"],
        ["embed", "--as", nasty, "."],
        ["select", "--method", nasty],
    ):
        said = prune(*words)
        assert said.code in {2, 3, 4}
        clean(said)
    make.folder(elsewhere / nasty)
    assert prune("embed", *PIXELS, nasty).code == 0
    (elsewhere / nasty / "a" / "000.png").unlink()
    said = prune("select", "--count", 2)
    assert said.code == 4
    clean(said)
    make.tar(elsewhere / "in" / f"{nasty}.tar", make.pairs(range(3))).write_bytes(bytes(700))
    said = prune("embed", *PIXELS, "in", "--store", f"{nasty}.store")
    assert said.code == 3
    clean(said)
    np.save("f.npy", np.full((5, 2), np.nan))
    for words in (
        ["score", "--import", nasty],
        ["embed", "--features", nasty],
        ["select", "--given", nasty, "--count", 1],
        ["export", "--format", nasty],
        ["verify", nasty],
    ):
        said = prune(*words)
        assert said.code in {2, 3, 4, 6}, said.err
        clean(said)
    tally("Hostile and broken input", "names on the terminal", "refused", 11)


@pytest.mark.parametrize(
    "words",
    [["embed", "a", "\x1b[31mb"], ["embed", "--\x1b[31mx"], ["\x1b[31m"], ["select", "--count", "\x1b[31m"]],
)
def test_a_wrong_command_line_shows_words_as_text(words: list[str], prune: Any, tally: Any) -> None:
    """A shell puts the names of files there: `prune embed *`."""
    said = prune(*words)
    assert said.code == 2
    clean(said)
    tally("Hostile and broken input", "names on the terminal", "refused", 1)


def test_a_terminal_with_bars(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    bars = console.Bars()
    for name in NAMES:
        with bars.stage(name, 3) as advance:
            advance(1)
        bars.say(name)
    shown = capfd.readouterr().err
    assert not {"\x07", "\x08", "\x9b", "\u202e", "\u2066", "\u2028"} & set(shown)
    assert "]0;title" in shown.replace("\\x1b", "")
    assert "\x1b]" not in shown
