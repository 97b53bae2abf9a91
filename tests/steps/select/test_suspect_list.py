"""Labels in doubt that a choice leaves out: found now, or in a list that somebody went through."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune import pipeline
from prune.core.column_name import HELD_OUT
from prune.core.errors import DataError, OptionError
from prune.steps.select.suspect_list import suspect_keys
from prune.steps.settings import Settings
from prune.store import Store, identity

CPU = Settings(device="cpu")
DOUBTED = ["cat/03.png", "dog/04.png"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of forty images, with predictions by hand that contradict two labels."""
    place = tmp_path_factory.mktemp("suspect_list")
    for label in ("cat", "dog"):
        (place / "data" / label).mkdir(parents=True)
        for number in range(20):
            Image.new("RGB", (4, 4), (number * 10, 0, 0)).save(place / "data" / label / f"{number:02d}.png")
    store = Store(place / "s")
    pipeline.score(store, str(place / "data"), types=["input_norm"], settings=CPU)
    publish(store, version=1)
    return place / "s"


def publish(store: Store, version: int) -> None:
    probs = np.repeat(np.array([[0.9, 0.1], [0.2, 0.8]], np.float16), 20, axis=0)
    probs[3], probs[24] = [0.05, 0.95], [0.92, 0.08]
    with store.writing():
        recipe = {"column": HELD_OUT, "version": version, "traces": [], "epoch": 2}
        writer = store.write_column(HELD_OUT, recipe, rows=40)
        for part in writer.missing():
            writer.put(part, probs[part.start : part.stop])
        writer.finish()
        store.publish(columns={HELD_OUT: identity(recipe)})


def chosen(made: Path, **asked: Any) -> tuple[dict[str, Any], dict[str, str | None]]:
    """Choose all that may be chosen; return the result, and the reason of each sample that was left."""
    result = pipeline.select(made, method="random", fraction=1.0, settings=CPU, **asked)
    table = Store(made).selection("random").to_arrow(dropped=True)
    left = table.filter(pa.compute.invert(table["selected"]))
    return result, dict(zip(left["key"].to_pylist(), left["reason"].to_pylist(), strict=True))


def test_those_that_are_found_are_left_out(made: Path, elsewhere: Path) -> None:
    result, left = chosen(made, drop_suspects="auto")
    assert left == dict.fromkeys(DOUBTED, "suspect")
    assert (result["suspects"]["samples"], result["suspects"]["held_out"]) == (2, True)
    assert result["asked"]["drop_suspects"] == "auto"
    assert list(result["from"]) == [HELD_OUT]
    told = pipeline.why(made, DOUBTED[0])["samples"][0]
    assert told["why"] == "it was left out: its label is in doubt (--drop-suspects)"
    assert chosen(made, drop_suspects="auto")[0]["unchanged"]
    publish(Store(made), version=2)  # predictions of another training
    assert not chosen(made, drop_suspects="auto")[0]["unchanged"]


def test_a_list_is_taken_back_as_it_was_edited(made: Path, elsewhere: Path) -> None:
    for name in ("list.csv", "list.parquet"):
        pipeline.suspects(made, out=name)
        assert chosen(made, drop_suspects=name)[1] == dict.fromkeys(DOUBTED, "suspect")
    lines = Path("list.csv").read_text().splitlines()
    Path("list.csv").write_text("\n".join(line for line in lines if DOUBTED[0] not in line))
    result, left = chosen(made, drop_suspects="list.csv")
    assert left == {DOUBTED[1]: "suspect"}
    assert (result["asked"]["drop_suspects"], result["suspects"]) == (1, {"source": "list", "samples": 1})
    table = pq.read_table("list.parquet")
    pq.write_table(table.slice(0, 1), "list.parquet")
    assert chosen(made, drop_suspects="list.parquet")[1] == {DOUBTED[0]: "suspect"}
    Path("list.csv").write_text(lines[0] + "\n")
    assert chosen(made, drop_suspects="list.csv")[1] == {}


def test_a_spreadsheet_may_write_it_its_own_way(elsewhere: Path) -> None:
    Path("list.csv").write_bytes(b"\xef\xbb\xbfrank;key;given\n1;007;cat\n2;NA;dog\n")
    assert suspect_keys("list.csv") == ("007", "NA")


LIST = "rank,key,given\n1,007,cat\n2,NA,dog\n"
EDITED = {
    "semicolons, CRLF, BOM": LIST.replace(",", ";").replace("\n", "\r\n").encode("utf-8-sig"),
    "as Unicode text": LIST.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "every word in quotes": b'"rank","key","given"\n"1","007","cat"\n"2","NA","dog"\n',
    "columns moved and added": b'note,key,rank\n"ok; yes, sure",007,1\n,NA,2\n',
    "key alone": b"key\n007\nNA\n",
    "capitals and spaces": b"rank, Key \n1,007\n2,NA\n",
    "lines of nothing": f"{LIST}\n,,\n,,\n".encode(),
    "no last line break": LIST.rstrip().encode(),
}


@pytest.mark.parametrize("how", EDITED)
def test_however_a_spreadsheet_left_it(how: str, elsewhere: Path) -> None:
    Path("list.csv").write_bytes(EDITED[how])
    assert suspect_keys("list.csv") == ("007", "NA")


def test_keys_one_a_line_are_a_list_too(elsewhere: Path) -> None:
    Path("keys.txt").write_bytes(b"007\r\na, b\n\n")
    assert suspect_keys("keys.txt") == ("007", "a, b")


@pytest.mark.parametrize("text", ["1,007,cat,,,\n2,NA,dog,,,\n", "007\nNA\n"])
def test_a_list_without_its_first_line_says_how_to_give_it_one(text: str, elsewhere: Path) -> None:
    Path("my list.csv").write_text(text)
    with pytest.raises(OptionError, match="has no column 'key'") as wrong:
        suspect_keys("my list.csv")
    subprocess.run(shlex.split(wrong.value.hint, comments=True), check=True)
    assert suspect_keys("my list.csv") == ("007", "NA")


def test_pictures_that_were_deleted_are_kept(made: Path, elsewhere: Path) -> None:
    pipeline.suspects(made, out="pictures")
    assert chosen(made, drop_suspects="pictures")[1] == dict.fromkeys(DOUBTED, "suspect")
    next(Path("pictures").glob("*03.png")).unlink()
    assert chosen(made, drop_suspects="pictures")[1] == {DOUBTED[1]: "suspect"}


def test_keys_are_taken_as_a_list(made: Path, elsewhere: Path, prune: Any) -> None:
    assert chosen(made, drop_suspects=["cat/00.png"])[1] == {"cat/00.png": "suspect"}
    words = ("select", "--method", "random", "--fraction", "1", "--store", str(made))
    result = json.loads(prune(*words, "--drop-suspects", "auto", "--json").out)
    assert result["suspects"]["samples"] == 2
    assert (
        "left out as suspects: 2 samples; confident learning expects"
        in prune(*words, "--drop-suspects", "auto", "--seed", "5").out
    )


def test_what_is_no_list_is_refused(made: Path, elsewhere: Path) -> None:
    with pytest.raises(DataError, match="2 of 3 suspects are not in the dataset; the first is 'nothing'"):
        chosen(made, drop_suspects=["cat/00.png", "nothing", "neither"])
    with pytest.raises(OptionError, match=r"cannot read a list of suspects from none\.csv") as wrong:
        chosen(made, drop_suspects="none.csv")
    assert wrong.value.hint.startswith("prune suspects --out")
    Path("odd.csv").write_text("name,given\na,b\n")
    with pytest.raises(OptionError, match=r"odd\.csv has no column 'key' \(it has: name, given\)"):
        chosen(made, drop_suspects="odd.csv")
    Path("empty").mkdir()
    with pytest.raises(OptionError, match="cannot read a list of suspects"):
        chosen(made, drop_suspects="empty")
