"""Texts in any order, read front to back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from prune.modalities.text.texts import Texts

WORDS = [f"text {row}" for row in range(700)]


def _found(texts: Texts) -> list[str]:
    found = [""] * texts.n
    for places, block in texts.blocks():
        assert len(block) <= 256
        for place, text in zip(places.tolist(), block, strict=True):
            found[place] = text
    return found


def test_every_text_comes_at_its_position_however_often() -> None:
    texts = Texts.of(WORDS)
    assert _found(texts) == _found(texts) == WORDS
    rows = np.random.default_rng(0).permutation(700)[:300]
    assert _found(texts.subset(rows)) == [WORDS[row] for row in rows]
    assert _found(texts.subset(rows).subset(np.arange(5))) == [WORDS[row] for row in rows[:5]]
    assert list(texts.subset(rows[:0]).blocks()) == []


def test_the_source_is_read_once_and_front_to_back() -> None:
    asked: list[np.ndarray] = []

    def read(rows: np.ndarray) -> Iterator[str]:
        asked.append(rows)
        return (WORDS[row] for row in rows)

    rows = np.random.default_rng(1).permutation(700)
    assert _found(Texts(rows, read)) == [WORDS[row] for row in rows]
    assert [one.tolist() for one in asked] == [list(range(700))]
