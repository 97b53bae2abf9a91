from __future__ import annotations

import pyarrow as pa
import pytest

from prune.store.tables import content_hash, from_parquet, to_parquet

TABLE = pa.table({"a": pa.array(["x", None, "", "yy"]), "b": pa.array([1, None, 0, 7], pa.int32())})


def test_a_table_comes_back() -> None:
    assert from_parquet(to_parquet(TABLE)).equals(TABLE)


def test_the_hash_is_of_the_content_alone() -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1, 2), TABLE.slice(3)])
    padded = pa.concat_tables([TABLE.slice(2), TABLE, TABLE.slice(0, 1)]).slice(2, 4)
    stored = from_parquet(to_parquet(TABLE))
    assert {content_hash(t) for t in (chunked, padded, stored)} == {content_hash(TABLE)}


@pytest.mark.parametrize(
    "other",
    [
        {"a": ["x", "", None, "yy"], "b": [1, None, 0, 7]},
        {"a": ["x", None, "y", "y"], "b": [1, None, 0, 7]},
        {"a": ["x", None, "", "yy"], "b": [1, 0, None, 7]},
        {"a": ["x", None, "", "yy"], "c": [1, None, 0, 7]},
    ],
)
def test_every_value_and_name_is_in_the_hash(other: dict[str, list[object]]) -> None:
    changed = pa.table(
        {name: pa.array(v, TABLE.schema.types[i]) for i, (name, v) in enumerate(other.items())}
    )
    assert content_hash(changed) != content_hash(TABLE)
