from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from prune.modalities.text.ngram_ids import NgramIds
from prune.proxy.ngram_cache import FEWEST, MOST, USUAL, cache_ngrams, cut_texts, fitting
from prune.store import SAMPLES, Dataset, Store


class Texts:
    """A reader of texts that lie in memory, by key."""

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.read = texts, 0

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        for key in samples["key"].to_pylist():
            self.read += 1
            yield self.texts[int(key)]


def described(texts: list[str], bad: frozenset[int] = frozenset()) -> Dataset:
    n = len(texts)
    columns = {name: [None] * n for name in SAMPLES.names}
    columns |= {"key": [str(i) for i in range(n)], "image_size": [len(text.encode()) for text in texts]}
    columns["reason"] = ["no text" if i in bad else None for i in range(n)]
    return Dataset("jsonl", None, [], {}, pa.table(columns, schema=SAMPLES), modality="text")


TEXTS = [f"sample number {i} " + "word " * (i % 7) for i in range(300)]


def test_the_column_holds_the_ids_of_every_text_that_can_be_read(tmp_path: Path) -> None:
    dataset = described(TEXTS, bad=frozenset({3}))
    column = cache_ngrams(Store(tmp_path / "store"), Texts(TEXTS), dataset)
    length, buckets = column.shape[1], column.recipe["buckets"]
    expected = NgramIds(length, buckets).of(["" if i == 3 else text for i, text in enumerate(TEXTS)])
    assert (column.name, column.dtype) == (f"ngrams.{length}", np.int32)
    np.testing.assert_array_equal(column.read(), expected)


def test_a_finished_column_is_not_made_again(tmp_path: Path) -> None:
    store, reader = Store(tmp_path / "store"), Texts(TEXTS)
    for _ in range(2):
        cache_ngrams(store, reader, described(TEXTS))
    assert reader.read == len(TEXTS)


def test_another_dataset_gets_the_ids_of_the_first(tmp_path: Path) -> None:
    first = cache_ngrams(Store(tmp_path / "first"), Texts(TEXTS), described(TEXTS))
    others = [TEXTS[0], "x" * 5000]
    second = cache_ngrams(Store(tmp_path / "second"), Texts(others), described(others), like=first)
    assert (second.name, second.recipe["buckets"]) == (first.name, first.recipe["buckets"])
    np.testing.assert_array_equal(second.read()[0], first.read()[0])


@pytest.mark.parametrize(
    ("sizes", "length", "buckets"),
    [
        ([], MOST, USUAL),
        ([1], 16, FEWEST),
        ([100] * 99 + [10**9], 64, USUAL),  # five in a hundred may be cut
        ([100] * 10_000, 64, 1 << 17),  # a million bytes
        ([5000] * 10, MOST, 1 << 13),
        ([33] * 2000, 32, 1 << 14),
    ],
)
def test_length_and_buckets_follow_from_the_bytes_of_the_texts(
    sizes: list[int], length: int, buckets: int
) -> None:
    assert fitting(np.array(sizes, np.int64)) == (length, buckets)


def test_texts_that_are_cut_are_counted(tmp_path: Path) -> None:
    texts = [*["a b c"] * 99, "word " * 50]
    said: list[str] = []

    class Told:
        def say(self, line: str) -> None:
            said.append(line)

        def stage(self, what: str, total: int, unit: str = "samples") -> AbstractContextManager[Any]:
            return contextlib.nullcontext(lambda _: None)

    column = cache_ngrams(Store(tmp_path / "store"), Texts(texts), described(texts), reporter=Told())
    assert cut_texts(column) == 1
    assert said == ["ngrams.16: 1 of 100 texts have more than 8 words and are cut"]
