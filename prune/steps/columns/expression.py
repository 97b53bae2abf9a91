"""A condition in SQL: read, checked piece by piece, and asked of columns; by DuckDB.

What is asked is not the text that was typed: that is parsed into a tree, of which every piece has to be
listed here, names of columns are replaced by our own, and the text is written anew from the tree. So there
are no statements, subqueries, files, settings or clocks in it, and the same columns give the same answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from prune.core.errors import OptionError

if TYPE_CHECKING:
    import duckdb

LONGEST = 4000  # characters
_UNWRITTEN = re.compile("[\0\ud800-\udfff]")  # bytes of a command line that are no UTF-8 are the latter
_PIECES = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
    "OPERATOR", "TYPE",
}  # fmt: skip
_TYPES = frozenset(
    [
        "tinyint",
        "smallint",
        "int",
        "integer",
        "bigint",
        "hugeint",
        "float",
        "real",
        "double",
        "decimal",
        "numeric",
        "varchar",
        "text",
        "string",
        "bool",
        "boolean",
        "date",
        "time",
        "timestamp",
        "interval",
    ]
)  # of casts; none looks at the clock or the time zone
FUNCTIONS = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "^",
        "~~",
        "!~~",
        "~~*",
        "!~~*",
        "~~~",
        "||",
        "&",
        "|",
        "abs",
        "ceil",
        "ceiling",
        "floor",
        "round",
        "trunc",
        "sqrt",
        "ln",
        "log",
        "log10",
        "exp",
        "pow",
        "power",
        "sign",
        "mod",
        "greatest",
        "least",
        "isnan",
        "isfinite",
        "lower",
        "upper",
        "length",
        "len",
        "strlen",
        "trim",
        "ltrim",
        "rtrim",
        "left",
        "right",
        "substring",
        "substr",
        "replace",
        "reverse",
        "concat",
        "contains",
        "prefix",
        "suffix",
        "starts_with",
        "ends_with",
        "instr",
        "strpos",
        "position",
        "like_escape",
        "ilike_escape",
        "not_like_escape",
        "not_ilike_escape",
        "regexp_matches",
        "regexp_full_match",
        "regexp_extract",
        "split_part",
        "ifnull",
        "nullif",
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "date_part",
        "to_days",
        "to_months",
        "to_years",
        "to_hours",
        "to_minutes",
        "to_seconds",
    ]
)
_TAKEN_APART = {"SUBQUERY": "a query", "WINDOW": "a window", "STAR": "*", "PARAMETER": "a parameter"}
_SETTINGS = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",  # no variable of a program is a table
    "preserve_insertion_order": "true",
    "memory_limit": "1GB",
    "threads": "1",
    "lock_configuration": "true",
}
_CAST = "try_cast(x as double) makes a number of a text; texts stand in single quotes"
EXAMPLE = "--where \"width >= 256 and lang = 'en'\""


class Condition:
    """A condition on columns of the samples.

    Raises
    ------
    OptionError
        It cannot be read, or is more than a condition on columns.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if not text.strip() or len(text) > LONGEST or _UNWRITTEN.search(text):
            what = f"{len(text):,} characters" if len(text) > LONGEST else repr(text)
            raise OptionError(f"--where {what} is no condition", EXAMPLE)
        self._tree = self._parsed(text)
        columns: dict[str, int] = {}
        for piece in _pieces(self._tree["where_clause"], text):
            if piece.get("class") == "COLUMN_REF":
                name = ".".join(piece["column_names"])
                columns.setdefault(name, len(columns))
                piece["column_names"] = [f"c{columns[name]}"]
        if not columns:
            raise OptionError(f"--where {text!r} names no column of the dataset", EXAMPLE)
        self.columns: Sequence[str] = list(columns)

    def holds(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        """Return for each row true, false, or null where a value that it depends on is missing.

        Parameters
        ----------
        columns
            Those in `columns`, of one length.

        Raises
        ------
        OptionError
            Values and condition do not go together: a text beside a number.
        """
        import duckdb

        connection = self._connection
        connection.register(
            "samples", pa.table({f"c{at}": columns[name] for at, name in enumerate(self.columns)})
        )
        try:
            found = connection.sql(self._query).to_arrow_table().column(0).combine_chunks()
        except duckdb.Error as error:
            raise OptionError(f"--where {self.text!r}: {self._said(error)}", _CAST) from error
        finally:
            connection.unregister("samples")
        if not pa.types.is_boolean(found.type):
            raise OptionError(f"--where {self.text!r} is a value and no condition", EXAMPLE)
        return found

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = duckdb.connect(":memory:")
        for name, value in _SETTINGS.items():
            connection.execute(f"SET {name} = '{value}'")
        return connection

    def _parsed(self, text: str) -> dict[str, Any]:
        """Return the one SELECT whose condition the text is, as DuckDB writes it."""
        query = f"SELECT 1 FROM samples WHERE ({text}\n)"  # the line ends a comment
        rows = self._connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
        try:
            found = json.loads(rows[0][0])
        except RecursionError as error:
            raise OptionError(f"--where {text[:40]!r}… is nested too deep", EXAMPLE) from error
        if found.get("error"):
            said = " ".join(str(found.get("error_message", "it cannot be read")).split())
            raise OptionError(f"--where {text!r} is not SQL: {said}", EXAMPLE)
        statements = found["statements"]
        if len(statements) != 1 or not _is_plain(statements[0]["node"]):
            raise OptionError(f"--where {text!r} is more than one condition", EXAMPLE)
        node: dict[str, Any] = statements[0]["node"]
        return node

    @cached_property
    def _query(self) -> str:
        """The condition as a column, written from the checked tree."""
        node = self._tree | {"select_list": [self._tree["where_clause"]], "where_clause": None}
        text = json.dumps({"error": False, "statements": [{"node": node, "named_param_map": []}]})
        rows = self._connection.execute("SELECT json_deserialize_sql(?::JSON)", [text]).fetchall()
        return str(rows[0][0])

    def _said(self, error: BaseException) -> str:
        """Return what DuckDB says is wrong, with the names of the columns that were typed."""
        said = str(error).partition("\n")[0]
        for place, name in reversed(list(enumerate(self.columns))):
            said = said.replace(f'"c{place}"', repr(name))
        return said


def _is_plain(node: Mapping[str, Any]) -> bool:
    """Whether a statement selects from our table by a condition, and that is all."""
    table = node.get("from_table", {})
    empty = ("modifiers", "group_expressions", "group_sets", "having", "sample", "qualify")
    return (
        node.get("type") == "SELECT_NODE"
        and not any(node.get(name) for name in empty)
        and not node.get("cte_map", {}).get("map")
        and table.get("type") == "BASE_TABLE"
        and table.get("table_name") == "samples"
        and len(node.get("select_list", ())) == 1
        and node.get("where_clause") is not None
    )


def _pieces(tree: Any, text: str) -> Iterator[dict[str, Any]]:
    """Yield every piece of a condition; refuse those that are not listed."""
    waiting = [tree]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, list):
            waiting.extend(reversed(piece))
            continue
        if not isinstance(piece, dict):
            continue
        _require_listed(piece, text)
        yield piece
        waiting.extend(reversed(list(piece.values())))


def _require_listed(piece: Mapping[str, Any], text: str) -> None:
    kind = piece.get("class")
    if kind is not None and kind not in _PIECES:
        what = _TAKEN_APART.get(kind, kind.lower())
        raise OptionError(f"--where {text!r} holds {what}, which is no part of a condition", EXAMPLE)
    if kind == "FUNCTION" and piece.get("function_name") not in FUNCTIONS:
        what = f"{piece.get('function_name')!r}, which is not among the functions of a condition"
        raise OptionError(f"--where {text!r} uses {what}", _FUNCTIONS)
    if kind == "TYPE" and (piece.get("schema") or str(piece.get("type_name")).lower() not in _TYPES):
        what = f"the type {piece.get('type_name')!r}"
        raise OptionError(f"--where {text!r} has no use for {what}", "try_cast(x as double)")


_FUNCTIONS = "lower(x), length(x), contains(x, 'y'), x like 'y%', abs(x), round(x), regexp_matches(x, 'y')"
