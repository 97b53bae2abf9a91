from __future__ import annotations

import itertools

import numpy as np
import pytest

from prune.modalities.text import texts as of_texts
from prune.modalities.text.one_word import LEAST, MOST, same_but_for_a_word
from prune.modalities.text.plain_words import plain_words
from prune.modalities.text.texts import Texts

HELD = "one two three four five six seven eight nine"


def left_out(text: str) -> set[tuple[str, ...]]:
    words = tuple(plain_words(text).split())
    return {words, *(words[:i] + words[i + 1 :] for i in range(len(words)))}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One, two: three FOUR five six seven eight ten", True),
        ("zero two three four five six seven eight nine", True),
        ("one two three four six seven eight nine", True),
        ("one two three four five and six seven eight nine", True),
        ("two three four five six seven eight nine one", True),
        ("one three two four five six seven nine eight", False),
        ("one two three four five six seven", False),
        ("one two three four five six seven ten eleven", False),
        ("", False),
    ],
)
def test_one_word_may_be_changed_added_left_out_or_moved(text: str, found: bool) -> None:
    partner, share = same_but_for_a_word(Texts.of([HELD, text]), 1)
    assert partner.tolist() == [0 if found else -1]
    assert share.tolist() == [1 - 1 / len(plain_words(text).split()) if found else 0]


def test_is_what_a_comparison_of_all_pairs_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_texts, "_BLOCK", 7)
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(["a", "b"], size)) for size in draw.integers(6, 12, 120)]
    known, expected = 50, []
    for text in texts[known:]:
        alike = [
            place
            for place, other in enumerate(texts[:known])
            if min(len(text.split()), len(other.split())) >= LEAST and left_out(text) & left_out(other)
        ]
        expected.append(alike[0] if alike else -1)
    assert same_but_for_a_word(Texts.of(texts), known)[0].tolist() == expected
    assert {-1} < set(expected)


def test_long_texts_are_for_others() -> None:
    long = [str(word) for word in range(MOST)]
    for size, expected in ((MOST, 0), (MOST + 1, -1)):
        text = " ".join(itertools.islice(itertools.chain(long, ["more"]), size))
        assert same_but_for_a_word(Texts.of([text, text]), 1)[0].tolist() == [expected]


@pytest.mark.parametrize("known", [0, 2])
def test_nothing_meets_nothing(known: int) -> None:
    assert same_but_for_a_word(Texts.of([HELD, HELD]), known)[0].tolist() == [-1] * (2 - known)
