from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest

from prune.modalities.text.ngram_ids import NgramIds, words_of

BUCKETS = 1 << 16


def oracle(words: list[str]) -> list[int]:
    """The ids of a text, in Python's own numbers."""
    odd, other, whole = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, (1 << 64) - 1

    def bucket(product: int) -> int:
        mixed = ((product ^ (product >> 29)) * other) & whole
        return 1 + (mixed >> 33) % (BUCKETS - 1)

    hashes = [zlib.crc32(word.encode()) for word in words]
    ids = []
    for place, one in enumerate(hashes):
        if place:
            ids.append(bucket((hashes[place - 1] * other + one * odd) & whole))
        ids.append(bucket((one * odd) & whole))
    return ids


def test_a_text_is_its_words_with_the_pairs_between_them() -> None:
    ids = NgramIds(10, BUCKETS).of(["one two three", "", "two"])
    assert ids.dtype == np.int32
    assert ids[0].tolist() == [*oracle(["one", "two", "three"]), 0, 0, 0, 0, 0]
    assert ids[1].tolist() == [0] * 10
    assert ids[2].tolist() == [ids[0, 2], *[0] * 9]


def test_ids_are_those_of_every_process_and_version() -> None:
    assert NgramIds(6, BUCKETS).of(["Good morning"])[0].tolist() == [3017, 27345, 24749, 0, 0, 0]


@pytest.mark.parametrize(("words", "cut"), [(1, False), (4, False), (5, True), (9, True)])
def test_the_last_id_tells_texts_that_were_cut(words: int, cut: bool) -> None:
    found = NgramIds(8, BUCKETS).of([" ".join(f"w{i}" for i in range(words))])[0]
    assert (found[-1] > 0) == cut
    assert found.tolist() == (oracle([f"w{i}" for i in range(words)]) + [0] * 8)[:8]


def test_the_neighbours_of_a_text_do_not_change_its_ids() -> None:
    texts = ["a b c", "", "b c", "d"]
    together = NgramIds(8, BUCKETS).of(texts)
    alone = np.concatenate([NgramIds(8, BUCKETS).of([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP!", ["don't", "stop", "!"]),
        ("ﬁne\u00a0day", ["fine", "day"]),
        ("Straße, 12.5", ["strasse", ",", "12", ".", "5"]),
        ("我喜欢 it", ["我", "喜", "欢", "it"]),
        ("\x00\u202e  \n", ["\x00", "\u202e"]),
    ],
)
def test_words_are_in_lower_case_and_signs_are_words(text: str, words: list[str]) -> None:
    assert list(words_of(text, 10)) == words


def test_a_huge_text_costs_no_more_than_its_first_words() -> None:
    hashed, huge = NgramIds(16, BUCKETS), ["x" * 5_000_000, "a b " * 1_000_000]
    tracemalloc.start()
    ids = hashed.of(huge)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
    assert (ids[1] > 0).all()


def test_an_odd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of ids, not 7"):
        NgramIds(7, BUCKETS)
