"""Near duplicates among texts: planted ones are found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from prune.modalities.text.near_duplicates import NearSearch, NearTexts, sketches
from prune.modalities.text.texts import Texts
from prune.modalities.text.word_hashes import WordHashes, runs


def _text(rng: np.random.Generator, words: int = 80) -> list[str]:
    return [f"w{word}" for word in rng.integers(0, 5000, words)]


def _changed(words: Sequence[str], *places: int) -> list[str]:
    return ["other" if place in places else word for place, word in enumerate(words)]


def _found(texts: Sequence[str], *, memory: int = 2**30, **how: object) -> NearTexts:
    source = Texts.of(texts, memory=memory)
    order = np.asarray(how.pop("order", np.arange(len(texts))))
    return NearSearch(texts=source, known=sketches(source), order=order, **how).run()  # type: ignore[arg-type]


def _jaccard(one: str, two: str, n: int = 5) -> float:
    sets = [
        {tuple(words[at : at + n]) for at in range(max(len(words) - n, 0) + 1)}
        for words in (one.split(), two.split())
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.fixture(scope="module")
def planted() -> tuple[list[str], list[int]]:
    """Two hundred texts, and after them copies of the first forty, changed in case or by one word."""
    rng = np.random.default_rng(0)
    whole = [_text(rng) for _ in range(200)]
    texts = [" ".join(words) for words in whole]
    texts += texts[:10]
    texts += [text.upper().replace(" ", ",\n") for text in texts[10:20]]
    texts += [" ".join(_changed(whole[at], 40)) for at in range(20, 40)]
    return texts, [*range(200), *range(40)]


def test_planted_copies_are_found_and_nothing_else(planted: tuple[list[str], list[int]]) -> None:
    texts, of = planted
    found = _found(texts)
    assert np.flatnonzero(~found.kept).tolist() == list(range(200, 240))
    assert found.partner[200:].tolist() == of[200:]
    assert found.similarity[200:220].tolist() == [1.0] * 20
    for at in range(220, 240):
        assert found.similarity[at] == _jaccard(texts[at], texts[of[at]])


def test_a_smaller_memory_changes_nothing(planted: tuple[list[str], list[int]]) -> None:
    texts, _ = planted
    one, two = _found(texts), _found(texts, memory=4000)
    assert np.array_equal(one.partner, two.partner)
    assert np.array_equal(one.similarity, two.similarity)


def test_what_is_dropped_is_no_reason_to_drop_others() -> None:
    first = _text(np.random.default_rng(1), 60)
    chain = [" ".join(_changed(first, *range(10, 10 + 4 * step, 4))) for step in range(4)]
    assert _jaccard(chain[0], chain[1]) >= 0.75 > _jaccard(chain[0], chain[3])
    found = _found(chain)
    kept = np.flatnonzero(found.kept)
    assert 0 in kept
    for at in np.flatnonzero(~found.kept):
        assert _jaccard(chain[at], chain[found.partner[at]]) >= 0.75
        assert found.kept[found.partner[at]]


def test_copies_of_what_is_dropped_are_like_what_is_kept() -> None:
    first = _text(np.random.default_rng(2))
    near = " ".join(_changed(first, 40))
    found = _found([" ".join(first), near, near.title()])
    assert found.kept.tolist() == [True, False, False]
    assert found.partner.tolist() == [-1, 0, 0]
    assert found.similarity[1] == found.similarity[2] < 1


def test_the_order_says_who_stays_and_what_is_fixed_stays() -> None:
    text = " ".join(_text(np.random.default_rng(3)))
    assert _found([text, text, text], order=[2, 0, 1]).partner.tolist() == [2, 2, -1]
    kept = _found([text, text, text], order=[2, 0, 1], fixed=np.array([2, 0])).kept
    assert kept.tolist() == [True, False, True]


def test_short_texts_and_those_without_words_are_alike_if_they_are_the_same() -> None:
    texts = ["one two", "One, two!", "one", "two one", "...", "?", "  ", "..."]
    found = _found(texts)
    assert np.flatnonzero(~found.kept).tolist() == [1, 7]
    assert found.partner.tolist() == [-1, 0, -1, -1, -1, -1, -1, 4]
    assert _found([]).kept.tolist() == []


def test_at_a_threshold_of_one_only_the_same_words_are_alike(planted: tuple[list[str], list[int]]) -> None:
    assert np.flatnonzero(~_found(planted[0], threshold=1).kept).tolist() == list(range(200, 220))


def test_runs_stay_within_their_text_and_a_short_text_has_one() -> None:
    words = [["a", "b", "c"], [], ["a"], ["b", "c"], ["a", "b"]]
    found, starts = runs(*WordHashes().of(words), 2, short=True)
    assert starts.tolist() == [0, 2, 2, 3, 4, 5]
    assert found[1] == found[3]  # b c
    assert found[0] == found[4]  # a b
    assert len(np.unique(found)) == 3
    assert runs(*WordHashes().of(words), 2, short=False)[1].tolist() == [0, 2, 2, 2, 3, 4]


def test_hashes_are_the_same_on_every_machine() -> None:
    found, _ = runs(*WordHashes().of([["a", "b"]]), 2, short=False)
    assert found.tolist() == [3_675_239_392_993_425_973]


def test_texts_without_spaces_are_compared_by_their_characters() -> None:
    rng = np.random.default_rng(1)
    texts = ["".join(chr(0x4E00 + sign) for sign in rng.integers(0, 3000, 120)) for _ in range(20)]
    changed = f"{texts[3][:60]}中{texts[3][61:]}。"
    found = _found([*texts, changed])
    assert np.flatnonzero(~found.kept).tolist() == [20]
    assert found.partner[20] == 3
