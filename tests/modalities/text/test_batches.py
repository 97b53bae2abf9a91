from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from prune.modalities.text.batches import read_texts


class Source:
    def payloads(self, samples: pa.Table) -> Iterator[str]:
        return iter(samples["key"].to_pylist())


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_batches_are_the_texts_in_order_and_rejected_rows_are_empty(batch: int) -> None:
    samples = pa.table({"key": ["a", "b", "c", "d", "e"], "reason": [None, "broken", None, None, "broken"]})
    found = list(read_texts(Source(), samples, batch=batch))
    assert [start for start, _ in found] == list(range(0, 5, batch))
    assert [text for _, texts in found for text in texts] == ["a", "", "c", "d", ""]


def test_long_texts_come_in_batches_of_fewer() -> None:
    keys = ["abc", "defg", "h", "", "ijklmnop", "q"]
    samples = pa.table({"key": keys, "reason": [None, None, None, "broken", None, None]})
    found = list(read_texts(Source(), samples, batch=4, room=6))
    assert found == [(0, keys[:2]), (2, ["h", "", "ijklmnop"]), (5, ["q"])]
