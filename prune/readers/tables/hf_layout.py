"""Splits of a Hugging Face folder: their files, as `save_to_disk` noted or by names of parquet files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import DataError, OptionError
from prune.readers.folders.descriptions import is_description
from prune.readers.folders.splits import canonical
from prune.readers.foreign.shell_lines import run, text, then
from prune.readers.sample import refuse_unnameable
from prune.readers.split_choice import by_split, choose, meaning
from prune.readers.tables.rows import open_rows
from prune.readers.tar.shard_list import from_pattern, is_pattern, refuse_missing
from prune.system import contents, files

_PART = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split, relative to the root, in order."""

    root: Path
    files: tuple[str, ...]
    kind: str  # parquet or arrow
    split: str | None
    cached: bool = False  # in the cache of `datasets`


def is_saved(path: Path) -> bool:
    """Say whether `save_to_disk` wrote this folder."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def is_cache(path: Path) -> bool:
    """Say whether `datasets` keeps a dataset in this folder of its cache."""
    return not is_saved(path) and any(is_stream(file) for file in path.glob("*.arrow"))


def is_stream(file: Path) -> bool:
    """Say whether this is an Arrow stream, as `datasets` writes it; one called `cache-…` holds no dataset."""
    if file.suffix != ".arrow" or file.name.startswith("cache-") or not file.is_file():
        return False
    with contents.stream(file) as opened:
        return opened.read(4) == b"\xff\xff\xff\xff"


def find(path: Path, split: str | None) -> SplitFiles:
    """Return the files of a split; without a name, of `train` or of the only one.

    The split of a parquet file is what stands before `-00000-of-00002` in its name, else the first of train,
    validation, test (or a common other word for one of them) in its path below `path`, else train.

    Raises
    ------
    DataError
        There are no files, or those of the split lie in several folders.
    OptionError
        There is no such split, or there are several and none is called train.
    """
    if (path / "dataset_dict.json").is_file():
        splits = _names(_json(path / "dataset_dict.json"), "splits", path / "dataset_dict.json")
        chosen = choose(splits, split, path)
        names = [f"{chosen}/{name}" for name in _arrow_files(path / chosen)]
        return SplitFiles(path, tuple(names), "arrow", chosen)
    if (path / "state.json").is_file():
        return _saved(path, split)
    if is_stream(path) or (path.is_dir() and is_cache(path)):
        return _cached(path, split)
    if not path.exists() and is_pattern(str(path)):
        return _matching(path, split)
    return _parquet(path, split)


def splits(path: Path) -> list[str]:
    """Return the names of the splits in a folder; none where it is one dataset without splits."""
    if (path / "dataset_dict.json").is_file():
        return list(_names(_json(path / "dataset_dict.json"), "splits", path / "dataset_dict.json"))
    if is_cache(path):
        return sorted(_cached_splits(path))
    return [] if (path / "state.json").is_file() else sorted(_by_split(path, path))


def _saved(path: Path, split: str | None) -> SplitFiles:
    own = _json(path / "state.json").get("_split")
    if split is not None and (not own or meaning(split) != meaning(str(own))):
        what = f"it is the split {own}" if own else "it has no splits"
        raise OptionError(f"no split of {path} is called {split!r}", f"{what}: leave --split out")
    name = own.encode(errors="backslashreplace").decode() if isinstance(own, str) else None
    return SplitFiles(path, tuple(_arrow_files(path)), "arrow", name)


def _arrow_files(folder: Path) -> Sequence[str]:
    state = _json(folder / "state.json")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise DataError(
            f"{folder} was saved with an index over its rows, by an old version of datasets",
            "load it, call flatten_indices() and save it again",
        )
    entries = state.get("_data_files")
    rows = [entry.get("filename") if isinstance(entry, dict) else None for entry in entries or ()]
    return _names({"_data_files": rows}, "_data_files", folder / "state.json")


def _parquet(path: Path, split: str | None) -> SplitFiles:
    root = path if path.is_dir() else path.parent
    splits = _by_split(path, root)
    chosen = choose(sorted(splits), split, path)
    folders = sorted({name.rpartition("/")[0] for name in splits[chosen]})
    if len(folders) > 1:
        raise DataError(
            f"the parquet files of the split {chosen} lie in several folders: {', '.join(folders[:5])}",
            f"name one of them: {root / folders[0]}",
        )
    return SplitFiles(root, tuple(splits[chosen]), "parquet", chosen)


def _matching(path: Path, split: str | None) -> SplitFiles:
    """Return the parquet files that a pattern names, of one split."""
    root, names = from_pattern(str(path), ".parquet")
    if not names:
        raise DataError(f"no .parquet file matches {path}", "name the folder that holds them")
    refuse_missing(root, names)
    refuse_unnameable(root, names)
    splits = by_split(names)
    chosen = choose(sorted(splits), split, path)
    return SplitFiles(root, tuple(splits[chosen]), "parquet", chosen)


def _cached(path: Path, split: str | None) -> SplitFiles:
    """Return the files of a split in the cache of `datasets`: `NAME-train-00000-of-00002.arrow`."""
    splits = _cached_splits(path)
    chosen = choose(sorted(splits), split, path)
    return SplitFiles(
        path if path.is_dir() else path.parent, tuple(splits[chosen]), "arrow", chosen, cached=True
    )


def _cached_splits(path: Path) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {}
    for file in sorted(path.glob("*.arrow")) if path.is_dir() else [path]:
        if is_stream(file):
            stem = _PART.sub("", file.stem)
            name = stem.rpartition("-")[2]
            splits.setdefault(canonical(name), []).append(file.name)
    refuse_unnameable(path, [name for names in splits.values() for name in names])
    return splits


def refuse_pictures_elsewhere(found: SplitFiles, column: str) -> None:
    """Raise `DataError` where a cache only points to its pictures: prune follows no path out of a dataset."""
    rows = open_rows(found.root / found.files[0], found.kind)
    _, first = next(iter(rows.batches([column])), (0, None))
    held = first[column][0].as_py() if first is not None and first.num_rows else None
    if not isinstance(held, dict) or held.get("bytes") is not None or not held.get("path"):
        return
    listed = ", ".join(text(found.root / name) for name in found.files)
    out = found.root.parent / f"{found.root.name}-saved"
    code = (
        "from datasets import Dataset, concatenate_datasets; "
        f"concatenate_datasets([Dataset.from_file(f) for f in [{listed}]]).save_to_disk({text(out)})"
    )
    raise DataError(
        f"{found.root / found.files[0]} is of the cache of datasets, and its pictures lie elsewhere: "
        f"{held['path']}",
        then(run(code), out),
    )


def _by_split(path: Path, root: Path) -> dict[str, list[str]]:
    found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    folders = {parent for file in found for parent in file.parents if parent.is_relative_to(path)}
    ours = {folder for folder in folders if folder != path and is_description(str(folder))}
    found = [file for file in found if file.is_file() and not ours.intersection(file.parents)]
    names = [file.relative_to(root).as_posix() for file in found]
    names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    refuse_unnameable(root, names)
    if not names:
        raise DataError(f"no .parquet files in {path}", "name the folder that holds them")
    return by_split(names)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = files.read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is missing or damaged", "save the dataset again") from error
    return value if isinstance(value, dict) else {}


def _names(value: dict[str, Any], field: str, path: Path) -> list[str]:
    """Return a list of plain file names; what stands in a file must not choose a path."""
    names = value.get(field)
    sound = isinstance(names, list) and names
    if not sound or not all(isinstance(n, str) and _is_plain(n) for n in names or ()):
        raise DataError(f"{path} has no list of names in {field!r}", "save the dataset again")
    return list(names or ())


def _is_plain(name: str) -> bool:
    """Say whether a name is that of a file in this very folder."""
    return name not in {"", ".", ".."} and not any(c in "/\0" or "\ud800" <= c <= "\udfff" for c in name)
