"""Lines for a shell, of paths that may hold anything: quoted, with the interpreter that has our libraries."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from prune.readers.folders.first_entries import glance_paths


def then(line: str, place: Path) -> str:
    """Add what to name afterwards, behind the line."""
    return f"{line}   # then: prune embed {word(place)}"


def run(code: str) -> str:
    """Return a line that runs some Python."""
    return f"{python()} -c {shlex.quote(code)}"


def python() -> str:
    """Return the shortest word for the interpreter that has our libraries."""
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found).parent == Path(sys.executable).parent:
            return name
    return word(Path(sys.executable))


def decompressed(shard: Path, kind: str) -> str:
    """Return a line that decompresses a file which is called .tar all the same, where it lies."""
    if kind == "gzip" or shutil.which(kind):
        plain = word(shard.with_name(f"{shard.name}.plain"))
        return f"{kind} -dc < {word(shard)} > {plain} && mv {plain} {word(shard)}"
    codec = {"bzip2": "bz2"}.get(kind, kind)
    unpack = (
        f"import pathlib, pyarrow; p = pathlib.Path({text(shard)}); "
        f"d = pyarrow.CompressedInputStream(str(p), {text(codec)}).read(); p.write_bytes(d)"
    )
    return run(unpack)


def labels_of(out: Path) -> Path:
    """Return where the labels of a .npy file lie, so that they are found."""
    return out.with_name(f"{out.stem}_labels.npy")


def stem_of(file: Path) -> str:
    """Return the name of a compressed tar without its suffixes."""
    stem = file.name
    for suffix in (".gz", ".bz2", ".xz", ".zst", ".zstd", ".lz4", ".tgz", ".tbz2", ".tbz", ".txz", ".tzst"):
        stem = stem.removesuffix(suffix)
    return stem.removesuffix(".tar") or "unpacked"


def folder_of(place: Path) -> Path:
    """Return the folder beside a place that converted images go to."""
    return place.with_name(f"{place.stem if place.is_file() else place.resolve().name}-images")


def beside(place: Path, files: Sequence[Path]) -> Sequence[Path]:
    """Return the files of the folder that a named file lies in; of a named folder, those found."""
    if not place.is_file():
        return files
    return sorted(file for file in map(Path, glance_paths(place.parent)) if file.parent == place.parent)


def common(one: str, other: str) -> int:
    """Count the characters that two names begin with alike."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))


def pattern_of(files: Sequence[Path]) -> str:
    """Return a glob of the shell for files of one suffix, also in folders below."""
    folders = sorted({file.parent for file in files})
    ending = "".join(files[0].suffixes[-2:]) if ".tar" in files[0].suffixes else files[0].suffix
    return " ".join(f"{word(folder)}/*{ending}" for folder in folders)


def globbed(files: Sequence[Path]) -> str:
    """Return an expression for all files of this suffix below a folder."""
    ending = "".join(files[0].suffixes[-2:]) if ".tar" in files[0].suffixes else files[0].suffix
    return f"pathlib.Path({text(files[0].parent)}).rglob({text('*' + ending)})"


def text(value: str | Path) -> str:
    """Write a string of Python."""
    return json.dumps(str(value), ensure_ascii=False)


def bytes_(value: str) -> str:
    """Write bytes of Python."""
    return f"b{json.dumps(value)}"


def word(path: Path) -> str:
    """Quote a path for a shell."""
    return shlex.quote(str(path))
