"""Dataset -> samples, always in the same order. The format is recognised by looking."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prune.core.errors import DataError, OptionError, UnknownNameError
from prune.core.object_names import address
from prune.readers import arrays, huggingface, imagefolder, keys, webdataset
from prune.readers.braces import expanded
from prune.readers.foreign.formats import refuse_unread
from prune.readers.format import Format
from prune.readers.labels.file import LabelFile, open_labels
from prune.readers.lines import csv, json, jsonl, txt
from prune.readers.patterns import recognise_pattern
from prune.readers.sample import Reader, Unit
from prune.readers.several import one_of
from prune.system import contents

__all__ = ["READERS", "Reader", "Unit", "open_reader", "recognise"]

READERS = {
    "imagefolder": Format(
        open=imagefolder.open_imagefolder,
        looks_like=imagefolder.looks_like,
        summary="class folders of images; nested; flat folders are unlabelled",
    ),
    "webdataset": Format(
        open=webdataset.open_webdataset,
        looks_like=webdataset.looks_like,
        summary="a folder, glob or brace pattern of .tar shards, of images or of texts",
        suffixes=(".tar",),
        at_addresses=True,
    ),
    "huggingface": Format(
        open=huggingface.open_huggingface,
        looks_like=huggingface.looks_like,
        summary="a dataset saved to disk, or parquet files, of images or of texts; a pattern of them",
        exported_texts="parquet",
        suffixes=(".parquet",),
        at_addresses=True,
    ),
    "arrays": Format(
        open=arrays.open_arrays,
        looks_like=arrays.looks_like,
        summary="a .npy matrix of features or of images, labels beside it",
        labels_by_row=True,
        exported="manifest",
    ),
    "jsonl": Format(
        open=jsonl.open_jsonl,
        looks_like=jsonl.looks_like,
        summary="lines of JSON with a text each, plain, .gz or .zst: a file, a folder or a pattern",
        exported="jsonl",
        counts="line",
        suffixes=jsonl.SUFFIXES,
        at_addresses=True,
        only_alone=1,  # notes beside a dataset of another form
    ),
    "csv": Format(
        open=csv.open_csv,
        looks_like=csv.looks_like,
        summary="tables of text, .csv or .tsv, plain, .gz or .zst: a row a sample",
        exported="csv",
        counts="line",
        suffixes=csv.SUFFIXES,
        at_addresses=True,
        only_alone=1,  # labels of images
    ),
    "json": Format(
        open=json.open_json,
        looks_like=json.looks_like,
        summary='arrays of records with a text each, [{…}, …] or {"data": [{…}, …]}: .json, .gz or .zst',
        exported="json",
        counts="record",
        suffixes=json.SUFFIXES,
        only_alone=2,  # what a dataset of another form is about
    ),
    "txt": Format(
        open=txt.open_txt,
        looks_like=txt.looks_like,
        summary="plain text, a line a sample, plain, .gz or .zst; labels by the names of files or folders",
        exported="txt",
        counts="line",
        suffixes=txt.SUFFIXES,
        at_addresses=True,
        only_alone=3,
    ),
}
WRITTEN = {  # formats that prune writes itself: a store names them, nobody types them
    "keys": Format(
        open=keys.open_keys,
        looks_like=lambda _: False,
        summary="keys and labels of a training",
        exported="manifest",
    ),
}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def open_reader(data: str, *, as_: str | None = None, settled: bool = False, **options: Any) -> Reader:
    """Open a dataset where it lies.

    Parameters
    ----------
    data
        A folder, a file, or a glob or brace pattern of shards or parquet files; also at an address.
    as_
        Name of the format, where looking is not enough.
    settled
        Whether a store was made of it, so that nobody need look what its folders mean.
    options
        `split`, `label_field`, `image_column`, `text_field`, `template`, `labels`, `no_labels`,
        `skip_shards`: what differs from the default.

    Raises
    ------
    DataError
        Nothing there, nothing in it, or two formats at once.
    OptionError
        An address that is not read, an unknown format, or an option that the format does not have.
    """
    data = os.fspath(data)
    data = _place(data)
    name = as_ or recognise(data)
    format_ = READERS.get(name) or WRITTEN.get(name)
    if format_ is None:
        raise UnknownNameError("dataset format", name, READERS)
    _refuse_remote(data, name, format_)
    if options.get("no_labels") and (options.get("labels") or options.get("label_field")):
        raise OptionError("--no-labels leaves out what --labels and --label-field name", "give one of them")
    given = {key: value for key, value in options.items() if value is not None}
    file = _label_file(format_, name, given)
    _require_options(format_, name, given)
    told = {"as_it_stands": as_ is not None, "settled": settled, "labelled": file is not None}
    told["certain"] = any(told.values())
    try:
        reader: Reader = format_.open(data, **given, **{word: told[word] for word in format_.told})
    except OSError as error:  # such as a folder that may not be entered
        raise DataError(f"{data} cannot be opened: {error.strerror}") from error
    return reader if file is None else reader.with_labels(file)


def _label_file(format_: Format, name: str, given: dict[str, Any]) -> LabelFile | None:
    """Take a file of labels out of the options; an array is read by the format itself, where it can."""
    labels = given.get("labels")
    if labels is None or (format_.labels_by_row and str(labels).endswith(".npy")):
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
            return recognise_pattern(data, READERS)
        raise DataError(f"no data at {data}", _nearest(path))
    found = [name for name, format_ in READERS.items() if format_.looks_like(path)]
    if not found:
        refuse_unread(data)
        empty = path.is_dir() and not any(path.iterdir())
        what = f"{data} is empty" if empty else f"{data} holds no dataset that prune knows"
        raise DataError(what, "prune methods readers   # lists what prune reads")
    return one_of(found, READERS, data)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # such as a name that is too long
        raise DataError(f"no data at {path}: {error.strerror}") from error


def _require_options(format_: Format, name: str, given: Iterable[str]) -> None:
    known = format_.options
    for option in given:
        if option not in known:
            flag = f"--{option.replace('_', '-')}"
            hint = f"its options: {', '.join('--' + o.replace('_', '-') for o in known) or 'none'}"
            raise OptionError(f"a dataset of format {name} has no {flag}", hint)


def _place(data: str) -> str:
    """Return where a dataset lies: of one at an address, the names that its objects have on this machine."""
    if (remote := address(data)) is not None:
        from prune.system.object_stores.listing import is_unfinished, mirrored

        path = mirrored(remote, list(expanded(remote)))
        if is_unfinished(path):
            raise DataError(f"{remote} is an export that is not finished", "run the same prune export again")
        return str(path)
    match = _SCHEME.match(data)
    if match and not Path(data).exists():
        raise OptionError(
            f"prune reads no {match[1]}: addresses",
            "name a path, or s3://, gs://, hf://, https:// with what lies there",
        )
    return data


def _refuse_remote(data: str, name: str, format_: Format) -> None:
    if contents.is_remote(data) and not format_.at_addresses:
        what = f"{data} is of format {name}, which is read file by file, so from this machine only"
        raise OptionError(what, "copy it to this machine, or make shards or parquet files of it there")


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
