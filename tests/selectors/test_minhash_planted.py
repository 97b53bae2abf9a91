"""Copies planted among real snippets of text: which are found, and that nothing else goes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from prune.commands import demos
from prune.core.selection import Selection
from prune.modalities.text.texts import Texts
from prune.selectors.minhash import minhash

COUNT = 40
Pairs = dict[str, list[tuple[int, int]]]


def chosen(texts: list[str], **options: float) -> Selection:
    keys = [str(number) for number in range(len(texts))]
    return minhash(Texts.of(texts), keys, k=None, seed=0, **options)  # type: ignore[arg-type]


def dropped(texts: list[str], **options: float) -> set[int]:
    return set(range(len(texts))) - set(chosen(texts, **options).rows.tolist())


@pytest.fixture(scope="module")
def pool() -> list[str]:
    """The snippets of the demo, without those that have another's words."""
    packed = Path(demos.__file__).with_name("snippets.jsonl.gz").read_bytes()
    texts = [json.loads(line)["text"] for line in gzip.decompress(packed).splitlines()]
    return [texts[place] for place in sorted(set(range(len(texts))) - dropped(texts, threshold=1))]


@pytest.fixture(scope="module")
def planted(pool: list[str]) -> tuple[list[str], Pairs]:
    """The pool, and behind it copies of some; the pairs of places of each kind."""
    draw = np.random.default_rng(0)
    long = [place for place, text in enumerate(pool) if len(set(text.lower().split())) >= 20]
    places = iter(draw.permutation(long).tolist())
    texts, pairs = list(pool), Pairs()
    for kind in ("copied", "other case", "one word"):
        pairs[kind] = []
        for _ in range(COUNT):
            place = next(places)
            words = pool[place].split()
            if kind == "other case":
                words = [word.swapcase() for word in [*words, "!"]]
            elif kind == "one word":
                words[int(draw.integers(len(words)))] = "othernesses"
            pairs[kind].append((place, len(texts)))
            texts.append("  ".join(words) if kind == "other case" else " ".join(words))
    return texts, pairs


def test_copies_and_changed_cases_are_found_and_nothing_else(
    pool: list[str], planted: tuple[list[str], Pairs]
) -> None:
    texts, pairs = planted
    gone, before = dropped(texts, threshold=1), dropped(pool, threshold=1)
    assert before == set()
    assert all(not gone.isdisjoint(pair) for kind in ("copied", "other case") for pair in pairs[kind])
    assert len(gone) == 2 * COUNT  # one of each pair


def test_a_changed_word_of_a_short_text_is_found_by_single_words(
    pool: list[str], planted: tuple[list[str], Pairs]
) -> None:
    texts, pairs = planted
    of_pairs = {place for kind in pairs.values() for pair in kind for place in pair}
    gone, before = dropped(texts, words=1), dropped(pool, words=1)
    assert all(not gone.isdisjoint(pair) for kind in pairs.values() for pair in kind)
    assert gone - of_pairs <= before
    by_runs = dropped(texts)
    found = [pair for pair in pairs["one word"] if not by_runs.isdisjoint(pair)]
    assert 0 < len(found) < COUNT  # of runs of five, one word in twenty breaks a quarter
    assert by_runs - of_pairs <= dropped(pool)
