"""From what the user types to a list of shards: a folder, a file, a glob or a brace pattern."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from prune.core.errors import DataError, OptionError
from prune.readers.braces import MAX_NAMES, expanded
from prune.readers.folders.first_entries import glance
from prune.readers.folders.splits import canonical, tokens, words_in
from prune.readers.foreign.formats import refuse_unread
from prune.readers.sample import refuse_unnameable

_SCHEME = re.compile(r"\{?(?:(pipe|file):|([a-z][a-z0-9+.-]*):/+)", re.IGNORECASE)


def refuse_url(data: str) -> None:
    """Refuse anything with a scheme, and repeat no more of it than the scheme: the rest may hold a password.

    Raises
    ------
    OptionError
        `data` begins with `SCHEME://` or `pipe:`.
    """
    found = _SCHEME.match(data)
    if found:
        scheme = (found[1] or found[2]).lower()
        raise OptionError(
            f"DATA begins with '{scheme}:', but prune reads local files only", "copy the shards here"
        )


def is_pattern(data: str) -> bool:
    """Say whether a name holds glob characters or braces."""
    return any(letter in data for letter in "*?[{")


def looks_like_shards(path: Path) -> bool:
    """Say whether this is a `.tar`, a pattern of them, or a folder with one among its first 4096 entries."""
    name = os.fspath(path)
    if _SCHEME.match(name):
        return True  # so that the refusal is ours
    if path.is_dir():
        return any(name.endswith(".tar") for name in glance(path))
    return name.endswith(".tar") and (path.is_file() or is_pattern(name))


def find_shards(data: str, split: str | None) -> tuple[Path, tuple[str, ...]]:
    """Return the root and the shards below it, relative to it.

    A folder stands for every `.tar` in it and in its subfolders (hidden ones and links to folders left out),
    a glob for what it matches; both are sorted by the bytes of their names. Names from braces stay in the
    order of the braces. The root is the folder, or the lowest folder that holds every shard of a pattern.

    Parameters
    ----------
    data
        Folder, file or pattern.
    split
        Keep shards with this word in their path below the root: `train/0.tar`, `cifar-train-0.tar`.

    Raises
    ------
    OptionError
        A URL, unbalanced braces, a pattern that names a shard twice, or a split that no shard belongs to.
    DataError
        No shards, missing shards, or shards of several splits in one folder and no split named.
    """
    refuse_url(data)
    path = Path(data)
    if path.is_dir():
        root, names = path, sorted(_tars(path), key=_bytes)
    elif path.exists() or not is_pattern(data):
        root, names = path.parent, [path.name]
    else:
        root, names = from_pattern(data, ".tar")
    if not names:
        refuse_unread(data)
        raise DataError(f"there are no .tar shards in {data}", "name the folder that holds them")
    refuse_missing(root, names)
    refuse_unnameable(root, names)
    if split is not None:
        return root, _of_split(names, split)
    if path.is_dir():
        _refuse_mixture(data, names)
    return root, tuple(names)


def from_pattern(pattern: str, suffix: str) -> tuple[Path, list[str]]:
    """Return the lowest folder that holds what a pattern names, and its names below it; globs by suffix.

    Raises
    ------
    OptionError
        Unbalanced braces, over a million names, or one of them twice.
    """
    paths = list(itertools.islice(_expand(pattern, suffix), MAX_NAMES + 1))
    if len(paths) > MAX_NAMES:
        raise OptionError(f"{pattern} names over {MAX_NAMES} shards", "name fewer")
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise OptionError(f"{pattern} names {path} twice", "name each shard once")
        seen.add(path)
    if not paths:
        return Path(), []
    parents = [os.path.dirname(path) for path in paths]  # noqa: PTH120 - as typed
    root = os.path.commonpath(parents) if _alike(paths) else ""
    return Path(root), [os.path.relpath(path, root or ".") for path in paths]


def _alike(paths: Iterable[str]) -> bool:
    return len({os.path.isabs(path) for path in paths}) == 1  # noqa: PTH117 - text, as typed


def _expand(pattern: str, suffix: str) -> Iterator[str]:
    for name in expanded(pattern):
        if any(letter in name for letter in "*?["):
            found = glob.glob(name, recursive=True)  # noqa: PTH207 - the pattern may be absolute
            yield from sorted((path for path in found if path.endswith(suffix)), key=_bytes)
        else:
            yield name


def refuse_missing(root: Path, names: list[str]) -> None:
    """Raise `DataError` for names from braces that are no files."""
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        count = f"{len(missing)} of {len(names)} shards are missing, the first is " if len(names) > 1 else ""
        tail = "" if count else " is missing"
        raise DataError(f"{count}{root / missing[0]}{tail}", "check the name of DATA")


def _of_split(names: list[str], split: str) -> tuple[str, ...]:
    """Return the shards that have this word in their path, or else one of the same meaning."""
    words = set(tokens(split))
    kept = tuple(name for name in names if words <= {*tokens(name), *_plain(name)})
    if not kept:
        kept = tuple(name for name in names if canonical(split) in words_in(name).values())
    if not kept:
        raise OptionError(
            f"no shard has the split {split!r} in its name, the first is {names[0]}", "leave out --split"
        )
    return kept


def _refuse_mixture(data: str, names: list[str]) -> None:
    """Refuse shards of which some belong to another split than others, by the words in their paths."""
    words = [words_in(name) for name in names]
    found = {word: split for of_one in words for word, split in of_one.items()}
    if len(set(found.values())) > 1 and any(of_one != words[0] for of_one in words):
        choice = next((word for word in sorted(found) if found[word] == "train"), min(found))
        raise DataError(
            f"{data} holds shards of several splits: {', '.join(sorted(found))}",
            f"choose one: --split {choice}",
        )


def _plain(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name.lower()))


def _tars(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(parent, folder)
        for name in names:
            if name.endswith(".tar") and not name.startswith("."):
                yield name if below == "." else f"{below}/{name}"


def _bytes(name: str) -> bytes:
    return os.fsencode(name)
