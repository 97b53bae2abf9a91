"""The lines that unpack archives, write tables as parquet, and name what stands beside a table of labels."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from prune.core.errors import DataError
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers.folders.first_entries import glance_paths
from prune.readers.foreign.peek import class_root, holds_tars
from prune.readers.foreign.shell_lines import globbed, pattern_of, python, run, stem_of, text, then, word


def compressed(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Decompress shards beside themselves, or unpack a folder of images."""
    said = ", and shards are read in place"
    below = class_root(files[0]) if len(files) == 1 else None
    if below is not None:
        out = files[0].with_name(stem_of(files[0]))
        line = f"mkdir -p {word(out)} && tar -xf {word(files[0])} -C {word(out)}"
        return " with a folder of images in it", then(line, out / below)
    tool = next(t for t in _TOOLS if files[0].name.lower().endswith(_TOOLS[t]))
    plain = files[0].with_name(f"{stem_of(files[0])}.tar")
    there = place if place.is_dir() else plain if len(files) == 1 else files[0].parent
    if tool == "gzip" or shutil.which(tool):
        listed = " ".join(word(file) for file in files) if len(files) < _FEW else pattern_of(files)
        return said, then(f"{tool} -dk {listed}", there)
    named = f"[{', '.join(text(file) for file in files)}]" if len(files) < _FEW else globbed(files)
    code = (
        "import pathlib, pyarrow, shutil; "
        f"[shutil.copyfileobj(pyarrow.CompressedInputStream(f, {text(tool)}), "
        f"open(f[:f.rindex({text('.t')})] + {text('.tar')}, {text('wb')})) for f in map(str, {named})]"
    )
    return said, then(run(code), there)


def refuse_folder(shards: Sequence[Path]) -> None:
    """Raise `DataError` where a plain tar is a folder of images in one file, and no shard of samples.

    A shard of nothing but pictures in folders looks the same; the hint says how it is read as one.
    """
    below = class_root(shards[0])
    if below is None:
        _refuse_tars(shards[0])
        return
    first, count = shards[0], len(shards)
    out = first.with_name(stem_of(first)) if count == 1 else first.with_name("unpacked")
    each = f"tar -xf {word(first)} -C {word(out)}"
    if count > 1:
        listed = " ".join(map(word, shards)) if count < _FEW else pattern_of(shards)
        each = f'for f in {listed}; do tar -xf "$f" -C {word(out)}; done'
    raise DataError(
        f"{first} is a folder of images in a tar, no shard: no two files make a sample",
        f"{then(f'mkdir -p {word(out)} && {each}', out / below)}; or: --no-labels, which reads it as a shard",
    )


def _refuse_tars(shard: Path) -> None:
    """Raise `DataError` for a tar of tars, one a class, as ImageNet comes."""
    if not holds_tars(shard):
        return
    out = shard.with_name(stem_of(shard))
    each = 'mkdir -p "${f%.tar}" && tar -xf "$f" -C "${f%.tar}" && rm "$f"'
    line = f"mkdir -p {word(out)} && tar -xf {word(shard)} -C {word(out)}"
    raise DataError(
        f"{shard} is a tar of tars, no shard: it holds no picture of its own",
        then(f"{line} && for f in {word(out)}/*.tar; do {each}; done", out),
    )


_TOOLS = {
    "gzip": ("gz",),
    "bzip2": ("bz2", "tbz"),
    "xz": ("xz",),
    "zstd": ("zst", "zstd"),
    "lz4": ("lz4",),
}
_FEW = 9  # files that are named one by one


def zipped(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Unpack zip archives beside themselves."""
    unpack = "; ".join(
        f"{python()} -m zipfile -e {word(file)} {word(file.with_suffix(''))}" for file in files[:_FEW]
    )
    out = files[0].with_suffix("") / (class_root(files[0]) or "")
    return ", which is not read as it is", then(unpack, out if len(files) == 1 else place)


def archived(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Unpack a rar or 7z archive."""
    del place
    out = files[0].with_suffix("")
    return "; the line needs 7z", then(f"7z x {word(files[0])} -o{word(out)}", out)


def feather(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write a Feather table as parquet."""
    del place
    return _as_parquet("feather", files[0])


def orc(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write an ORC table as parquet."""
    del place
    return _as_parquet("orc", files[0])


def _as_parquet(module: str, file: Path) -> tuple[str, str]:
    out = file.with_suffix(".parquet")
    code = (
        f"import pyarrow.{module} as t, pyarrow.parquet as p; "
        f"p.write_table(t.read_table({text(file)}), {text(out)}, row_group_size=1000)"
    )
    return "", then(run(code), out)


def table(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Name the folder of images that a table of labels stands beside."""
    del place
    folder = files[0].parent
    pictures = (f for f in map(Path, glance_paths(folder)) if f.suffix[1:].lower() in IMAGE_SUFFIXES)
    first = next(pictures, None)
    said = ", and a table names samples but does not hold them"
    if first is None:
        return said, f"ls {word(folder)}   # name the folder of images; the table comes after --labels"
    root = folder if first.parent == folder else folder / first.relative_to(folder).parts[0]
    return said, f"prune embed {word(root)} --labels {word(files[0])}"
