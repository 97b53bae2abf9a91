"""Features: the types of columns as the `datasets` library writes them into a schema's metadata, as JSON.

Equal to its ``Features.from_arrow_schema(schema).to_dict()``; the library itself takes two seconds to load.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError

_CALLED = {
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_VALUES = re.compile(  # the names of plain types, which are Arrow's but for those above
    r"null|bool|u?int(8|16|32|64)|float(16|32|64)|date(32|64)"
    r"|(time(32|64)|duration)\[(s|ms|us|ns)\]|timestamp\[(s|ms|us|ns)(, tz=.+)?\]"
    r"|decimal(128|256)\(\d+, -?\d+\)|(large_)?(string|binary)|(string|binary)_view|fixed_size_binary\[\d+\]"
)


def features_of_types(schema: pa.Schema) -> dict[str, Any]:
    """Return the feature of every column by its type alone.

    Raises
    ------
    DataError
        There is none for one of the types.
    """
    return {field.name: feature_of(field.type, field.name) for field in schema}


def feature_of(kind: pa.DataType, column: str = "a column") -> Any:
    """Return the feature of a type; of a struct, those of its fields by name.

    Raises
    ------
    DataError
        There is none, such as for a map.
    """
    if pa.types.is_struct(kind):
        return {field.name: feature_of(field.type, f"{column}.{field.name}") for field in kind}
    if pa.types.is_fixed_size_list(kind):
        return {"feature": feature_of(kind.value_type, column), "length": kind.list_size, "_type": "List"}
    if pa.types.is_list(kind):
        return {"feature": feature_of(kind.value_type, column), "_type": "List"}
    if pa.types.is_large_list(kind):
        return {"feature": feature_of(kind.value_type, column), "_type": "LargeList"}
    if pa.types.is_dictionary(kind):
        return feature_of(kind.value_type, column)
    if isinstance(kind, pa.JsonType):
        return {"_type": "Json"}
    name = _CALLED.get(str(kind), str(kind))
    if not _VALUES.fullmatch(name):
        what = f"{column} is of Arrow's type {kind}, for which the datasets library has no feature"
        raise DataError(what, "prune export --format manifest   # lists the samples, without their columns")
    return {"dtype": name, "_type": "Value"}
