"""Imported tables: the files that a name stands for, a table, a folder or a pattern, as one table."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from prune.core.errors import DataError, OptionError
from prune.scorers.score_lines import is_of_lines, read_score_lines
from prune.store.join import FILE, KEYS

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = ".jsonl"  # stands for all suffixes of lines of JSON
_KINDS = (".parquet", *_DELIMITERS, _LINES)


def _kind(path: Path) -> str:
    return _LINES if is_of_lines(path) else path.suffix.lower()


def read_tables(name: str | Path) -> pa.Table:
    """Read a file, every file of a folder, or those that a pattern matches, in the order of their names.

    Of several files, a column `FILE` holds the name of each row's file, without suffix.

    Raises
    ------
    OptionError
        A file is neither parquet nor csv.
    DataError
        There is none, one cannot be read, or the same column is of two kinds.
    """
    path = Path(name)
    if path.is_file():
        return _read(path)
    found = _in_folder(path) if path.is_dir() else _matching(str(name))
    tables = [_read(file) for file in found]
    names = [
        table.append_column(FILE, pa.array([file.stem] * len(table)))
        for table, file in zip(tables, found, strict=True)
    ]
    try:
        return pa.concat_tables(names, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(f"the files of {name} do not fit together: {_first_line(error)}") from error


def _in_folder(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if _kind(path) in _KINDS and path.is_file()]
    files = [path for path in files if not any(p.startswith(".") for p in path.relative_to(folder).parts)]
    files = [path for path in files if _kind(path) != _LINES] or files
    kinds = sorted({_kind(path) for path in files})
    if not files:
        raise DataError(f"{folder} holds no parquet or csv file, nor .jsonl", "name a table after --import")
    if len(kinds) > 1:
        what = f"{folder} holds {' and '.join(kinds)} files"
        raise DataError(what, f"name those with scores: --import '{folder}/*{kinds[0]}'")
    return files


def _matching(pattern: str) -> list[Path]:
    """Return the files of a pattern; a pipe is no file, it would be waited for."""
    if any(sign in pattern for sign in "*?[{"):
        from braceexpand import UnbalancedBracesError, braceexpand  # type: ignore[attr-defined]

        try:
            words = braceexpand(pattern)
            names = [name for word in words for name in sorted(glob.glob(word, recursive=True))]  # noqa: PTH207
        except UnbalancedBracesError as error:
            raise OptionError(
                f"the braces of {pattern} are unbalanced", "for example '{000..099}.parquet'"
            ) from error
        if names:
            return [Path(name) for name in dict.fromkeys(names)]
    raise DataError(
        f"there is no file {pattern}", "name a parquet or csv file after --import, or a folder of them"
    )


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"there is no file {path}", "name a parquet or csv file after --import")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic != b"PAR1" and is_of_lines(path):
            return read_score_lines(path)
        table = pq.read_table(path) if magic == b"PAR1" else _read_text(path)
        _ = table.column_names  # those that are not UTF-8 fail here, and values in the next line
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {_first_line(error)}") from error


def _read_text(path: Path) -> pa.Table:
    if path.suffix.lower() not in _DELIMITERS:
        raise OptionError(
            f"{path} is neither parquet nor csv", "give it the suffix .csv, .tsv, .jsonl or .parquet"
        )
    return pv.read_csv(
        path,
        parse_options=pv.ParseOptions(delimiter=_DELIMITERS[path.suffix.lower()], newlines_in_values=True),
        convert_options=pv.ConvertOptions(column_types=dict.fromkeys(KEYS, pa.string())),
    )


def listed(names: Sequence[str]) -> str:
    """Return the first names of columns, for a message."""
    return ", ".join(repr(name)[1:-1] for name in names[:20] if name != FILE)


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:200]
