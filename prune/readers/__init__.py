"""Dataset -> samples, always in the same order. The format is recognised by looking."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.core.errors import DataError, OptionError, UnknownNameError
from prune.readers.foreign.formats import refuse_unread
from prune.readers.labels.file import LabelFile, open_labels
from prune.readers.patterns import recognise_pattern
from prune.readers.sample import Reader, Unit

__all__ = ["READERS", "Reader", "Unit", "open_reader", "recognise"]

READERS = {
    "imagefolder": "class folders of images; nested; flat folders are unlabelled",
    "webdataset": "a folder, glob or brace pattern of .tar shards",
    "huggingface": "a dataset saved to disk, or parquet files with an image column; a pattern of them",
    "arrays": "a .npy matrix of features or of images, labels beside it",
    "jsonl": "lines of JSON with a text each: a .jsonl file, or a folder of them",
}

_WRITTEN = {"keys"}  # formats that prune writes itself: a store names them, nobody types them
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def open_reader(data: str, *, as_: str | None = None, settled: bool = False, **options: Any) -> Reader:
    """Open a dataset where it lies.

    Parameters
    ----------
    data
        A folder, a file, or a glob or brace pattern of shards or parquet files.
    as_
        Name of the format, where looking is not enough.
    settled
        Whether a store was made of it, so that nobody need look what its folders mean.
    options
        `split`, `label_field`, `image_column`, `labels`, `no_labels`, `skip_shards`: what differs from the
        default.

    Raises
    ------
    DataError
        Nothing there, nothing in it, or two formats at once.
    OptionError
        A URL, an unknown format, or an option that the format does not have.
    """
    data = os.fspath(data)
    _refuse_url(data)
    name = as_ or recognise(data)
    if name not in READERS and name not in _WRITTEN:
        raise UnknownNameError("dataset format", name, READERS)
    module = importlib.import_module(f"prune.readers.{name}")
    if options.get("no_labels") and (options.get("labels") or options.get("label_field")):
        raise OptionError("--no-labels leaves out what --labels and --label-field name", "give one of them")
    given = {key: value for key, value in options.items() if value is not None}
    file = _label_file(name, given)
    given = dict(_accepted(module, name, given))
    if name == "imagefolder":
        given |= {"as_it_stands": as_ is not None, "settled": settled}
    try:
        reader: Reader = getattr(module, f"open_{name}")(data, **given)
    except OSError as error:  # such as a folder that may not be entered
        raise DataError(f"{data} cannot be opened: {error.strerror}") from error
    return reader if file is None else reader.with_labels(file)


def _label_file(name: str, given: dict[str, Any]) -> LabelFile | None:
    """Take a file of labels out of the options; arrays read one that is an array themselves."""
    labels = given.get("labels")
    if labels is None or (name == "arrays" and str(labels).endswith(".npy")):
        return None
    if str(labels).endswith(".npy"):
        raise OptionError(
            f"--labels {labels} is matched by row, and a dataset of format {name} is matched by key",
            "name a .csv or .parquet file with a column of keys or file names, and one of labels",
        )
    return open_labels(given.pop("labels"), given.pop("label_field", None))


def recognise(data: str) -> str:
    """Return the name of the format that `data` looks like."""
    path = Path(data)
    if not _exists(path):
        if any(sign in data for sign in "*?[{"):
            return recognise_pattern(data)
        raise DataError(f"no data at {data}", _nearest(path))
    found = [name for name in READERS if importlib.import_module(f"prune.readers.{name}").looks_like(path)]
    if not found:
        refuse_unread(data)
        empty = path.is_dir() and not any(path.iterdir())
        what = f"{data} is empty" if empty else f"{data} holds no dataset that prune knows"
        raise DataError(what, "prune methods readers   # lists what prune reads")
    if len(found) > 1 and "jsonl" in found:  # notes beside a dataset of another form
        found.remove("jsonl")
    if len(found) > 1:
        choices = " or ".join(f"--as {name}" for name in found)
        raise DataError(f"{data} looks like {' and like '.join(found)}", f"say which: {choices}")
    return found[0]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # such as a name that is too long
        raise DataError(f"no data at {path}: {error.strerror}") from error


def _accepted(module: Any, name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    known = getattr(module, "OPTIONS", ())
    for option in given:
        if option not in known:
            flag = f"--{option.replace('_', '-')}"
            hint = f"its options: {', '.join('--' + o.replace('_', '-') for o in known) or 'none'}"
            raise OptionError(f"a dataset of format {name} has no {flag}", hint)
    return given


def _refuse_url(data: str) -> None:
    match = _SCHEME.match(data)
    if match and not Path(data).exists():
        raise OptionError(
            f"prune reads local files only, not {match[1]}: addresses", "copy the data to this machine first"
        )


def _nearest(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"{parent} does not exist either"
    import difflib

    near = difflib.get_close_matches(path.name, [p.name for p in parent.iterdir()], n=1)
    return (
        f"did you mean {parent / near[0]}?"
        if near
        else "name a folder, a .npy file or a pattern of .tar files"
    )
