"""Where samples are texts, what is said of them says how they begin: harmless, short, and on one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from prune import pipeline
from prune.core.errors import DataError, OptionError
from prune.steps.settings import Settings
from prune.store import Store, read_selection

CPU = Settings(device="cpu")
HOSTILE = '=cmd|"x"!A1 \x1b[31m\0\u202egnp\r\nsecond line'
LONG = "long " * 4000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 400 texts, of which forty labels are in doubt by a score, and two selections."""
    place = tmp_path_factory.mktemp("texts")
    texts = [f"text number {n}" for n in range(400)]
    texts[0], texts[1], texts[3] = HOSTILE, LONG, texts[2]
    lines = [json.dumps({"text": text, "label": "ab"[n % 2]}) for n, text in enumerate(texts)]
    (place / "texts.jsonl").write_text("\n".join(lines) + "\n")
    np.save(place / "x.npy", np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32))
    hard = np.random.default_rng(1).normal(0, 0.1, 400)
    hard[:40] = np.linspace(3.4, 2.6, 40)
    rows = "".join(f"texts.jsonl:{row + 1},{value}\n" for row, value in enumerate(hard))
    (place / "hard.csv").write_text(f"key,mine\n{rows}")
    store = Store(place / "store")
    pipeline.embed(store, str(place / "texts.jsonl"), features=str(place / "x.npy"), settings=CPU)
    pipeline.score(store, imports=str(place / "hard.csv"), high="hard", settings=CPU)
    pipeline.select(store, method="top", score="mine", count=6, settings=CPU)
    pipeline.select(store, method="bottom", score="mine", count=6, settings=CPU)
    return place


def test_a_list_of_doubts_says_how_texts_begin(made: Path) -> None:
    listed = pipeline.suspects(made / "store")["list"]
    assert len(listed) == 40
    assert [one["key"] for one in listed[:6]] == [f"texts.jsonl:{n}" for n in range(1, 7)]
    assert listed[0]["text"] == HOSTILE.replace("\r\n", " ⏎ ")
    assert len(listed[1]["text"]) <= 240
    assert listed[1]["text"].endswith("long …")
    assert listed[2]["text"] == "text number 2"


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_list_on_disk_has_the_texts_and_is_read_back(made: Path, elsewhere: Path, suffix: str) -> None:
    out = Path(f"list.{suffix}")
    assert not pipeline.suspects(made / "store", out=out)["unchanged"]
    assert pipeline.suspects(made / "store", out=out)["unchanged"]
    if suffix == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        rows = (pyarrow.csv.read_csv(out) if suffix == "csv" else pq.read_table(out)).to_pylist()
    quote = "'" if suffix == "csv" else ""  # no formula in a spreadsheet
    assert rows[0]["text"] == f'{quote}=cmd|"x"!A1 \\x1b[31m\\x00\\u202egnp ⏎ second line'
    assert len(rows[1]["text"]) <= 10_000
    assert left_out(made, out) == 40
    if suffix != "parquet":  # a line is a label: what is right may be taken out with any editor
        lines = out.read_text().splitlines(keepends=True)
        assert len(lines) == 40 + (suffix == "csv")
        out.write_text("".join(lines[:-1]))
        assert left_out(made, out) == 39


def left_out(made: Path, listed: Path) -> int:
    """Return how many samples a choice leaves out for their labels."""
    store = Store(made / "store")
    pipeline.select(store, method="random", fraction=0.5, drop_suspects=str(listed))
    return read_selection(store, "random").manifest["reason"].to_pylist().count("suspect")


@pytest.mark.parametrize("line", ["{", "[1]", '{"rank": 1}', '{"key": 3}', "[" * 20_000])
def test_a_broken_list_is_one_sentence(made: Path, elsewhere: Path, line: str) -> None:
    Path("list.jsonl").write_text(f"{line}\n")
    with pytest.raises(OptionError, match="cannot read a list of suspects"):
        pipeline.select(made / "store", method="random", fraction=0.5, drop_suspects="list.jsonl")


def test_texts_are_no_files_for_a_folder(made: Path, elsewhere: Path) -> None:
    with pytest.raises(DataError, match="texts are no files to lay in a folder") as wrong:
        pipeline.suspects(made / "store", out="doubts")
    assert wrong.value.hint == "--out doubts.csv"


def test_why_says_how_the_texts_begin_that_it_speaks_of(made: Path, prune: Callable[..., Any]) -> None:
    said = prune("why", "--store", made / "store", "texts.jsonl:1", "texts.jsonl:9")
    lines = said.out.splitlines()
    assert lines[1] == '  text: =cmd|"x"!A1 \\x1b[31m\\x00\\u202egnp ⏎ second line'
    assert lines[2].startswith("  in texts.jsonl, line")
    near = next(place for place, line in enumerate(lines) if line.startswith("  nearest kept: "))
    assert lines[near + 1].startswith("    text: ")
    told = pipeline.why(made / "store", ["texts.jsonl:9"])
    assert set(told["texts"]) == {"texts.jsonl:9", told["samples"][0]["nearest_kept"]["key"]}
    assert told["samples"][0]["place"].endswith(f"bytes from byte {told_offset(made, 8)}")


def told_offset(made: Path, row: int) -> str:
    return f"{Store(made / 'store').dataset.samples['offset'][row].as_py():,}"


def test_diff_says_how_the_texts_begin_that_moved(made: Path, prune: Callable[..., Any]) -> None:
    lines = prune("diff", "--store", made / "store", "top", "bottom").out.splitlines()
    at = lines.index("left:")
    assert lines[at + 1].startswith('  texts.jsonl:1: =cmd|"x"!A1 \\x1b')
    assert all(len(line) < 280 for line in lines)
    assert lines[at + 6] == "  …"


def test_a_table_of_doubts_is_narrow(made: Path, prune: Callable[..., Any]) -> None:
    lines = prune("suspects", "--store", made / "store").out.splitlines()
    assert lines[1].split()[-1] == "text"
    assert lines[2].split("  ")[-1].startswith('=cmd|"x"!A1 \\x1b')
    assert max(map(len, lines[1:8])) < 150


def test_texts_that_are_gone_are_passed_over(made: Path, prune: Callable[..., Any]) -> None:
    (made / "texts.jsonl").rename(made / "away")
    try:
        assert pipeline.why(made / "store", ["texts.jsonl:9"])["texts"] == {}
        assert pipeline.suspects(made / "store")["list"][0]["text"] is None
        assert (
            "  texts.jsonl:1: cannot be read"
            not in prune("diff", "--store", made / "store", "top", "bottom").out
        )
    finally:
        (made / "away").rename(made / "texts.jsonl")
