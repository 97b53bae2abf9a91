"""MinHash as a selector: which of near duplicates stay, how many, and what is said of the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import prune
from prune import pipeline
from prune.core.errors import OptionError
from prune.store import read_selection
from prune.store.store import Store

RNG = np.random.default_rng(0)
WORDS = [[f"w{word}" for word in row] for row in RNG.integers(0, 3000, (30, 60))]
TEXTS = [" ".join(words) for words in WORDS]
COPY, CASE = TEXTS[3], TEXTS[4].upper() + " !!"
LONGER = " ".join([*WORDS[5], "and", "more"])
ALL = [*TEXTS, COPY, CASE, LONGER]


def _keys(n: int) -> list[str]:
    return [f"k{row}" for row in range(n)]


def test_asked_for_no_number_it_keeps_what_is_no_duplicate() -> None:
    found = prune.select_rows(texts=ALL, method="minhash")
    assert len(found) == 30
    assert found.facts["duplicates"] == 3
    assert found.facts["threshold"] == 0.75
    dropped = dict(zip(found.facts["partners"]["rows"], found.facts["partners"]["of"], strict=True))
    assert dropped[5] == 32  # the longest stays
    assert dropped[4] == 31
    assert set(dropped) - {4, 5} < {3, 30}
    assert len(found.facts["cluster_of"]["rows"]) == 6


def test_the_first_stays_if_asked_and_the_better_score() -> None:
    found = prune.select_rows(texts=ALL, method="minhash", keep="first")
    assert sorted(found.rows.tolist()) == list(range(30))
    scores = np.arange(len(ALL), dtype=np.float32)
    high = prune.select_rows(texts=ALL, method="minhash", keep="score", scores=scores)
    assert set(high.facts["partners"]["rows"]) == {3, 4, 5}
    low = prune.select_rows(texts=ALL, method="minhash", keep="score", scores=scores, lowest=True)
    assert set(low.facts["partners"]["rows"]) == {30, 31, 32}


def test_a_number_takes_the_least_redundant_first() -> None:
    found = prune.select_rows(texts=ALL, method="minhash", k=32, keep="first")
    assert found.rows[:30].max() < 30
    assert found.gains[:30].tolist() == [1.0] * 30
    assert found.rows[30] == 32  # of the three the least like
    assert 0 < found.gains[30] < 0.25
    assert found.gains[31] == 0
    assert found.facts["threshold"] is None


def test_given_texts_stay_and_those_like_them_go() -> None:
    found = prune.select_rows(texts=ALL, method="minhash", given=[30])
    assert 3 not in found.rows
    assert 30 not in found.rows


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"threshold": 0.0}, "threshold=0.0 is not over 0 and at most 1"),
        ({"words": 0}, "words=0 is not at least 1"),
        ({"keep": "score"}, "keep=score needs scores"),
        ({"k": 31, "threshold": 0.75}, "threshold=0.75 leaves 30 of 33 texts, fewer than the 31 to keep"),
    ],
)
def test_what_does_not_fit_is_refused(words: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prune.select_rows(texts=ALL, method="minhash", **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the texts with their lengths."""
    home = tmp_path_factory.mktemp("minhash")
    lines = [json.dumps({"text": text, "label": "ab"[row % 2]}) for row, text in enumerate(ALL)]
    (home / "data.jsonl").write_text("\n".join(lines) + "\n")
    pipeline.score(home / "s", str(home / "data.jsonl"), types=["length"])
    return home / "s"


def test_the_manifest_says_of_whom_each_is_a_copy(scored: Path) -> None:
    done = pipeline.select(scored, method="minhash", options={"keep": "first"})
    assert (done["k"], done["facts"]["duplicates"]) == (30, 3)
    table = read_selection(Store(scored), "minhash").manifest.to_pylist()
    keys = [row["key"] for row in table]
    told = {row["key"]: (row["duplicate_of_key"], row["reason"]) for row in table if not row["selected"]}
    assert told == {keys[at]: (keys[of], "duplicate") for at, of in ((30, 3), (31, 4), (32, 5))}
    why = pipeline.why(scored, [keys[32]], selection="minhash")
    assert f"it is like {keys[5]}" in json.dumps(why)
    assert pipeline.check(scored, selection="minhash", max_duplicates=0.0)["passed"]


def test_check_counts_near_duplicates_among_what_is_kept(scored: Path) -> None:
    pipeline.select(scored, method="random", fraction=1.0, name="all")
    done = pipeline.check(scored, selection="all", max_duplicates=0.0)
    (condition,) = done["conditions"]
    assert not condition["passed"]
    assert condition["value"] == pytest.approx(3 / 33)
    assert str(done["advice"]).endswith("--drop-duplicates")
    pipeline.select(scored, method="random", fraction=1.0, name="all", drop_duplicates=True)
    assert pipeline.check(scored, selection="all", max_duplicates=0.0)["passed"]


def test_images_are_compared_by_another_method(images: Path, tmp_path: Path) -> None:
    pipeline.score(tmp_path / "s", str(images), types=["input_norm"], training={"size": 8})
    with pytest.raises(OptionError, match="minhash looks at texts, and the dataset is of images") as caught:
        pipeline.select(tmp_path / "s", method="minhash")
    assert caught.value.hint.startswith("--method semdedup")
