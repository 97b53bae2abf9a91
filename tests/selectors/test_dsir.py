"""DSIR against its formula, in plain Python, on small texts."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import prune
from prune import pipeline
from prune.core.errors import DataError, OptionError
from prune.store import read_selection
from prune.store.store import Store

BUCKETS = 50
MASK = 2**64 - 1
RNG = np.random.default_rng(0)
FOOD = ["bread", "cheese,", "Wine", "soup", "oven", "salt!", "butter"]
SHIPS = ["sail", "mast.", "Anchor", "deck", "harbour", "tide;", "crew"]


def _written(words: list[str], count: int) -> str:
    return " ".join(RNG.choice(words, count))


POOL = [_written(FOOD if row % 4 == 0 else SHIPS, 20 + row % 5) for row in range(40)]
TARGET = [_written(FOOD, 30) for _ in range(5)]


def _bucket(*words: str) -> int:
    value = 0
    for word in words:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        value = (value * 0x9E3779B97F4A7C15 + int.from_bytes(digest, "big")) & MASK
    value = (value + len(words)) & MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = ((value ^ (value >> shift)) * factor) & MASK
    return (value ^ (value >> 31)) % BUCKETS


def _counts(text: str) -> np.ndarray:
    words = re.findall(r"\w+|[^\w\s]+", text.lower())
    pairs = list(itertools.pairwise(words))
    counts = np.zeros(BUCKETS)
    for run in [(word,) for word in words] + pairs:
        counts[_bucket(*run)] += 1
    return counts


def _log_odds(smoothing: float = 0.0) -> np.ndarray:
    pool = np.array([_counts(text) for text in POOL])
    wanted, raw = sum(_counts(text) for text in TARGET) + smoothing, pool.sum(0)
    ratio = np.log(wanted / wanted.sum() + 1e-8) - np.log(raw / raw.sum() + 1e-8)
    return pool @ ratio


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_the_odds_are_those_of_the_formula(smoothing: float) -> None:
    odds = _log_odds(smoothing)
    words = {"shortest": 0, "buckets": BUCKETS, "smoothing": smoothing, "tau": 0.0}
    found = prune.select_rows(texts=POOL, target=TARGET, method="dsir", k=40, **words)
    assert found.rows.tolist() == np.argsort(-odds, kind="stable").tolist()
    np.testing.assert_allclose(found.gains, odds[found.rows], rtol=1e-6)


def test_a_draw_follows_the_odds() -> None:
    """Over many seeds, the first taken is each text as often as its share of the odds says."""
    tau = 30.0
    shares = np.exp(_log_odds() / tau)
    shares /= shares.sum()
    words = {"shortest": 0, "buckets": BUCKETS, "tau": tau, "target": TARGET, "method": "dsir", "k": 1}
    first = [int(prune.select_rows(texts=POOL, seed=seed, **words).rows[0]) for seed in range(300)]
    of_food = sum(shares[row] for row in range(0, 40, 4))
    drawn = np.mean([row % 4 == 0 for row in first])
    assert abs(drawn - of_food) < 4 * math.sqrt(of_food * (1 - of_food) / 300)


def test_short_texts_are_left_out_and_too_few_are_refused() -> None:
    found = prune.select_rows(texts=POOL, target=TARGET, method="dsir", k=3, shortest=25)
    long = [row for row, text in enumerate(POOL) if len(re.findall(r"\w+|[^\w\s]+", text)) >= 25]
    assert 3 < len(long) < 40
    assert set(found.rows.tolist()) <= set(long)
    assert found.facts["too_short"] == 40 - len(long)
    with pytest.raises(OptionError, match=f"{len(long)} are left, fewer than the 40 to keep") as caught:
        prune.select_rows(texts=POOL, target=TARGET, method="dsir", k=40, shortest=25)
    assert caught.value.hint == f"--set shortest=0, or --count {len(long)}"


def test_weights_of_the_target_count_its_texts() -> None:
    words = {"method": "dsir", "k": 40, "shortest": 0, "tau": 0.0, "texts": POOL}
    mixed = [TARGET[0], _written(SHIPS, 30)]
    one = prune.select_rows(target=mixed, target_weights=[1, 0], **words)
    assert one.rows.tolist() == prune.select_rows(target=mixed[:1], **words).rows.tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"shortest": -1}, "shortest=-1 is negative"),
        ({"buckets": 0}, "buckets=0 is not at least 1"),
        ({"smoothing": -1.0}, "smoothing=-1.0 is not a number of at least 0"),
        ({"tau": -1.0}, "tau=-1.0 is not a number of at least 0"),
        ({"target": ["  "], "shortest": 0}, "the target has no words"),
    ],
)
def test_what_does_not_fit_is_refused(words: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prune.select_rows(texts=POOL, method="dsir", k=2, **{"target": TARGET, **words})  # type: ignore[arg-type]


def _lines(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def test_by_the_verb_with_a_file_as_target(tmp_path: Path) -> None:
    data, wanted = _lines(tmp_path / "data.jsonl", POOL), _lines(tmp_path / "wanted.jsonl", TARGET)
    pipeline.score(tmp_path / "s", data, types=["length"])
    asked = {"method": "dsir", "count": 5, "options": {"shortest": 25, "tau": 0}}
    done = pipeline.select(tmp_path / "s", target=wanted, **asked)
    table = read_selection(Store(tmp_path / "s"), "dsir").manifest.to_pylist()
    assert [row["row"] % 4 for row in table if row["selected"]] == [0] * 5
    short = [row for row in table if row["reason"] == "fewer than 25 words"]
    assert len(short) == done["facts"]["too_short"] > 0
    with pytest.raises(OptionError, match="dsir wants something to match"):
        pipeline.select(tmp_path / "s", **asked)
    with pytest.raises(DataError, match="gone"):
        pipeline.select(tmp_path / "s", target=str(tmp_path / "gone.jsonl"), **asked)


def test_images_are_no_target_of_texts(images: Path, tmp_path: Path) -> None:
    pipeline.score(tmp_path / "s", _lines(tmp_path / "data.jsonl", POOL), types=["length"])
    with pytest.raises(OptionError, match="is of images, and "):
        pipeline.select(tmp_path / "s", method="dsir", target=str(images), count=3)
