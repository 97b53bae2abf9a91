"""What is written of columns is what the `datasets` library would write of them."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from datasets import Features

from prune.core.errors import DataError
from prune.exporters.features import feature_of, features_of_types

PLAIN = [
    *(pa.null(), pa.bool_(), pa.string(), pa.large_string(), pa.string_view()),
    *(pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(16)),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.decimal128(7, 2), pa.decimal256(40, 0)),
    *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ms", "Europe/Paris"), pa.duration("us")),
]
NESTED = [
    *(pa.list_(pa.int64()), pa.list_(pa.float32(), 3), pa.large_list(pa.string()), pa.json_()),
    *(
        pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        pa.struct([]),
        pa.dictionary(pa.int8(), pa.string()),
    ),
    pa.list_(pa.struct({"box": pa.list_(pa.float64(), 4), "at": pa.large_list(pa.date32())})),
]
NONE = [pa.map_(pa.string(), pa.int8()), pa.list_view(pa.int8()), pa.month_day_nano_interval(), pa.uuid()]


@pytest.mark.parametrize("kind", [*PLAIN, *NESTED], ids=str)
def test_the_feature_of_a_type(kind: pa.DataType) -> None:
    schema = pa.schema({"x": kind, "list": pa.list_(kind)})
    wanted = Features.from_arrow_schema(schema).to_dict()
    assert features_of_types(schema) == wanted
    assert Features.from_dict(json.loads(json.dumps(features_of_types(schema)))).to_dict() == wanted


@pytest.mark.parametrize("kind", NONE, ids=str)
def test_a_type_without_one_is_refused_with_the_column(kind: pa.DataType) -> None:
    with pytest.raises(ValueError, match="does not have a datasets dtype"):
        Features.from_arrow_schema(pa.schema({"x": kind}))
    with pytest.raises(DataError, match=r"a\.b is of Arrow's type") as caught:
        feature_of(pa.struct({"b": kind}), "a")
    assert caught.value.hint.startswith("prune export --format manifest ")
