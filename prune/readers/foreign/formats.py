"""What prune does not read, by name and first bytes alone: what it is, and the line that converts it.

Nothing is unpacked but the first headers of a compressed tar, and nothing is ever unpickled.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.braces import expanded
from prune.readers.folders.first_entries import glance_paths
from prune.readers.foreign import convert_archives as archives
from prune.readers.foreign import convert_arrays as arrays
from prune.readers.foreign import convert_records as records

Convert = Callable[[Path, Sequence[Path]], tuple[str, str]]

_HEAD = 600  # bytes of a file that are looked at

_SUFFIXES: dict[str, tuple[str, Convert]] = {
    ".tar.gz": ("a tar compressed with gzip", archives.compressed),
    ".tgz": ("a tar compressed with gzip", archives.compressed),
    ".tar.bz2": ("a tar compressed with bzip2", archives.compressed),
    ".tbz2": ("a tar compressed with bzip2", archives.compressed),
    ".tbz": ("a tar compressed with bzip2", archives.compressed),
    ".tar.xz": ("a tar compressed with xz", archives.compressed),
    ".txz": ("a tar compressed with xz", archives.compressed),
    ".tar.zst": ("a tar compressed with zstd", archives.compressed),
    ".tar.zstd": ("a tar compressed with zstd", archives.compressed),
    ".tzst": ("a tar compressed with zstd", archives.compressed),
    ".tar.lz4": ("a tar compressed with lz4", archives.compressed),
    ".zip": ("a zip archive", archives.zipped),
    ".rar": ("a rar archive", archives.archived),
    ".7z": ("a 7z archive", archives.archived),
    ".npz": ("a numpy archive of several arrays", arrays.npz),
    ".tfrecord": ("a TFRecord file of TensorFlow", records.tfrecord),
    ".tfrecords": ("a TFRecord file of TensorFlow", records.tfrecord),
    ".tfrec": ("a TFRecord file of TensorFlow", records.tfrecord),
    ".beton": ("a file of FFCV", records.ffcv),
    ".mds": ("a shard of MosaicML streaming (MDS)", records.mds),
    ".mds.zstd": ("a shard of MosaicML streaming (MDS)", records.mds),
    ".h5": ("an HDF5 file", arrays.hdf5),
    ".hdf5": ("an HDF5 file", arrays.hdf5),
    ".hdf": ("an HDF5 file", arrays.hdf5),
    ".he5": ("an HDF5 file", arrays.hdf5),
    ".lmdb": ("an LMDB database", records.lmdb),
    ".mdb": ("an LMDB database", records.lmdb),
    ".mat": ("a MATLAB file", arrays.matlab),
    ".rec": ("a RecordIO file of MXNet", records.recordio),
    ".pt": ("a file of torch.save", arrays.torch_save),
    ".pth": ("a file of torch.save", arrays.torch_save),
    ".pkl": ("a Python pickle", arrays.pickled),
    ".pickle": ("a Python pickle", arrays.pickled),
    ".feather": ("a Feather table", archives.feather),
    ".orc": ("an ORC table", archives.orc),
    ".csv": ("a table of text", archives.table),
    ".tsv": ("a table of text", archives.table),
}
_MAGIC: tuple[tuple[int, bytes, str], ...] = (  # (place, first bytes, the suffix that stands for the kind)
    (0, b"\x89HDF\r\n\x1a\n", ".h5"),
    (512, b"\x89HDF\r\n\x1a\n", ".mat"),
    (0, b"MATLAB 5.0", ".mat"),
    (0, b"Rar!\x1a\x07", ".rar"),
    (0, b"7z\xbc\xaf\x27\x1c", ".7z"),
    (0, b"\x0a\x23\xd7\xce", ".rec"),
    (16, b"\xde\xc0\xef\xbe", ".lmdb"),
    (0, b"ARROW1\0\0", ".feather"),
    (0, b"PK\x03\x04", ".zip"),
)
_IDX = ("an idx file of MNIST", arrays.idx)
_CIFAR = ("batches of CIFAR, which are Python pickles", arrays.cifar)
_CIFAR_BINARY = ("binary batches of CIFAR", arrays.cifar_binary)
_CIFAR_NAMES = ("data_batch_", "test_batch", "batches.meta")


def refuse_unread(data: str) -> None:
    """Raise `DataError` where a file, a folder or a pattern is of a kind that prune knows by name only.

    The hint is a line that converts it, for a shell, and what to name afterwards.
    """
    files = list(_candidates(data))
    kinds = [(file, kind) for file in files if (kind := kind_of(file)) is not None]
    if not kinds:
        return
    first, (what, convert) = next((pair for pair in kinds if pair[1][1] is not archives.table), kinds[0])
    same = [file for file, kind in kinds if kind[1] is convert]
    named = _is_named(data)
    subject = f"{first} is {what}" if named else f"{data} holds {first.name}, {what}"
    if not named and len(same) > 1:
        subject = f"{data} holds {len(same)} files like {first.name}, {what}"
    said, hint = convert(first if named else Path(data), same)
    raise DataError(f"{subject}{said}", hint)


def kind_of(file: Path) -> tuple[str, Convert] | None:
    """Return what a file is that prune cannot read, and how it is converted; None for any other."""
    name = file.name.lower()
    if file.suffix == "" and name.startswith(_CIFAR_NAMES):
        return _CIFAR
    if name in {"train", "test", "meta"} and "cifar" in file.parent.name.lower():
        return _CIFAR
    if name.endswith(".bin") and "cifar" in file.parent.name.lower():
        return _CIFAR_BINARY
    if _is_idx(name):
        return _IDX
    found = unread_suffix(name)
    if found in {None, ".zip", ".mat", ".pt", ".pth"} or "tfrecord" in name:
        found = _by_magic(file, name) or found
    return None if found is None else _SUFFIXES[found]


def unread_suffix(name: str) -> str | None:
    """Return the suffix of a file that is known and not read, such as `.tar.gz`."""
    return next((s for s in sorted(_SUFFIXES, key=len, reverse=True) if name.lower().endswith(s)), None)


def _is_idx(name: str) -> bool:
    stem = name.removesuffix(".gz")
    return stem.endswith("-ubyte") or (stem.endswith((".idx", ".ubyte")) and "idx" in stem)


def _by_magic(file: Path, name: str) -> str | None:
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return None
    found = next((suffix for at, magic, suffix in _MAGIC if head[at : at + len(magic)] == magic), None)
    if found == ".zip" and name.endswith((".pt", ".pth")):
        return ".pt"
    if found == ".zip" and not name.endswith(".zip"):
        return ".npz" if b".npy" in head[:80] else None
    if found == ".h5" and name.endswith(".mat"):
        return ".mat"
    return found or (".tfrecord" if "tfrecord" in name else None)


def _is_named(data: str) -> bool:
    return Path(data).is_file()


def _candidates(data: str) -> Iterator[Path]:
    """Yield the file, or the files of a folder or a pattern, as far as a glance goes."""
    path = Path(data)
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(map(Path, glance_paths(path)), key=lambda file: (len(file.parts), str(file)))
    else:
        yield from matched(data)


def matched(pattern: str) -> Sequence[Path]:
    """Return the files that a pattern names, as far as a glance goes."""
    found: list[Path] = []
    for name in expanded(pattern):
        found += [Path(file) for file in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207 - as typed
        if len(found) > _MANY:
            break
    return [file for file in found if file.is_file()]


_MANY = 4096  # files of a pattern that are looked at
