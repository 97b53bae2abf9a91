"""A corpus of hostile and broken data: what is refused, by one sentence and an exit code."""

from __future__ import annotations

import gzip
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

Build = Callable[[Any, Path], object]  # (makers, folder) -> the dataset, where it is not the folder
PIXELS = ("--encoder", "pixels", "--workers", "0")
PAX = tarfile.PAX_FORMAT


def patched(change: Callable[[bytes], bytes]) -> Build:
    """A whole shard with its bytes changed."""
    return lambda m, r: (p := m.tar(r / "x.tar", m.pairs(range(6)))).write_bytes(change(p.read_bytes()))


def at(place: int, value: bytes) -> Build:
    return patched(lambda d: d[:place] + value + d[place + len(value) :])


def header(place: int, value: bytes) -> Build:
    """The first header changed, and its checksum made right again."""

    def change(data: bytes) -> bytes:
        plain = data[:place] + value + data[place + len(value) : 512]
        plain = plain[:148] + b" " * 8 + plain[156:]
        return plain[:148] + b"%06o\0 " % sum(plain) + plain[156:] + data[512:]

    return patched(change)


def file(name: str, data: bytes) -> Build:
    return lambda _m, r: (r.mkdir(), (r / name).write_bytes(data))


def hf(*changes: dict[str, Any]) -> Build:
    """Parquet files with columns changed."""
    return lambda m, r: m.parquet(r, *(m.table(**columns) for columns in changes))


def state(words: str) -> Build:
    return lambda m, r: (m.arrow(r, m.table()) / "state.json").write_text(f'{{"_data_files": {words}}}')


def array(value: Any, labels: Any = None) -> Build:
    def build(m: Any, r: Path) -> Path:
        r.mkdir()
        np.save(r / "x.npy", value)
        if labels is not None:
            np.save(r / "labels.npy", labels)
        return r / "x.npy"

    return build


def npy(words: str) -> Build:
    return lambda m, r: (r.mkdir(), m.npy(r / "x.npy", words))[1]


def arrow_file(m: Any, r: Path) -> None:
    with pa.ipc.new_file(m.arrow(r, m.table()) / "data.arrow", m.table().schema) as out:
        out.write_table(m.table())


def several(m: Any, r: Path) -> Path:
    r.mkdir()
    np.savez(r / "x.npz", a=np.ones(3))
    return (r / "x.npz").rename(r / "x.npy")


def not_text(*values: bytes) -> pa.Array:
    return pa.array(values * (6 // len(values))).view(pa.string())


WRONG = pa.StructArray.from_arrays([pa.array([b"x"] * 6), not_text(b"\xff")], names=["bytes", "path"])
SHAPED = "{'descr': '<f4', 'fortran_order': False, 'shape': %s}"
BAD_HEADERS = [
    "(" * 5000,
    "-" * 9000 + "1",
    "'''",
    "{[]: 1}",
    "   (\n ",
    "__import__('os').mkdir('owned')",
    *(SHAPED % s for s in ("(1000000000000, 4)", f"({'9' * 23}, 4)", "(-1, 4)", "(True, 4)")),
    *(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': (2, 4)}}" for kind in (",,", "|O")),
]
LATE = "truncated or damaged after byte"
REFUSED: dict[str, list[tuple[str, Build, str]]] = {
    "tar shards": [
        ("cut in data", patched(lambda d: d[:700]), f"{LATE} 0 of 700"),
        ("cut at a block", patched(lambda d: d[:2048]), f"{LATE} 2048 of 2048"),
        ("no end", patched(lambda d: d[:-9000]), LATE),
        ("a bit in a header", at(100, b"\xff"), f"{LATE} 0"),
        ("a bit in a later header", at(1124, b"\xff"), f"{LATE} 1024"),
        ("empty", file("x.tar", b""), f"{LATE} 0 of 0"),
        ("zeros", file("x.tar", bytes(10240)), "no samples in"),
        ("text", file("x.tar", b"hello" * 300), f"{LATE} 0"),
        ("gzip", patched(gzip.compress), "compressed with gzip"),
        ("two in one", patched(lambda d: d + d), LATE),
        ("words after the end", patched(lambda d: d + b"x" * 512), LATE),
        ("a member of 8 EiB", header(124, b"\x80" + b"\x7f" * 11), f"{LATE} 0"),
        ("a negative size", header(124, b"\xff" * 12), f"{LATE} 0"),
        ("a size not octal", header(124, b"9" * 11 + b"\0"), f"{LATE} 0"),
        ("no key", lambda m, r: m.tar(r / "x.tar", [("README", b"x"), (".png", b"y")]), "2 files but no"),
        ("a name not UTF-8", lambda m, r: m.tar(r / "\udcff.tar", m.pairs(range(2))), "is not UTF-8"),
        ("unbalanced braces", lambda _m, r: str(r / "{a,b.tar"), "braces of .* are unbalanced"),
        ("a billion names", lambda _m, r: str(r / "{0..999999999}.tar"), "names over 1000000 shards"),
        ("braces in braces", lambda _m, _r: "{a," * 60 + "a" + "}" * 60 + ".tar", "shards are missing|twice"),
        (
            "class names not text",
            lambda m, r: (patched(bytes)(m, r), (r / "classnames.txt").write_bytes(b"\xff")),
            "is not UTF-8 text",
        ),
    ],
    "image files": [
        ("no image", file("a.xml", b"x"), "holds no dataset"),
        ("nothing", lambda _m, r: r.mkdir(), "is empty"),
        ("splits", lambda m, r: [m.folder(r / s) for s in ("train", "test")] and None, "holds splits"),
        ("none readable", file("a.png", b"x"), "none of 1 samples"),
    ],
    "parquet and arrow": [
        ("no images", hf({"image": None}), "no column holds images"),
        ("numbers as images", hf({"image": [1] * 6}), "no column holds images"),
        ("lists as images", hf({"image": [[b"x"]] * 6}), "no column holds images"),
        ("no rows", lambda m, r: m.parquet(r, m.table().slice(0, 0)), "no samples in"),
        ("no parquet", file("x.parquet", b"hello"), "x.parquet cannot be read"),
        ("cut", file("x.parquet", b"PAR1" + bytes(50)), "x.parquet cannot be read"),
        ("another type", hf({}, {"label": list("abcdef")}), "column label of .* is string, but int64 in"),
        ("a column missing", hf({}, {"label": None}), "column label of .* is missing"),
        ("a key not UTF-8", hf({"__key__": not_text(b"\xff")}), "cannot be read: 'utf-8'"),
        ("a label not UTF-8", hf({"label": not_text(b"a", b"\xff")}), "cannot be read: 'utf-8'"),
        ("a path not UTF-8", hf({"image": WRONG}), "cannot be read: 'utf-8'"),
        (
            "arrow cut",
            lambda m, r: (m.arrow(r, m.table()) / "data.arrow").write_bytes(b"\xff" * 99),
            "cut short",
        ),
        ("arrow of another kind", arrow_file, "data.arrow cannot be read"),
        ("a name that climbs", state('[{"filename": "../x.arrow"}]'), "no list of names"),
        ("a NUL in a name", state('[{"filename": "a\\u0000.arrow"}]'), "no list of names"),
        ("half a character in a name", state('[{"filename": "\\ud800.arrow"}]'), "no list of names"),
        ("names that are numbers", state("[5]"), "no list of names"),
        ("JSON too deep", file("dataset_dict.json", b"[" * 100_000), "missing or damaged"),
    ],
    "arrays": [
        ("objects", array(np.array([[object()]], dtype=object)), "Python objects"),
        ("several", several, "holds several arrays"),
        ("complex numbers", array(np.ones((3, 4), complex)), "want numbers"),
        ("records", array(np.zeros(3, [("a", "f4")])), "want numbers"),
        ("five axes", array(np.ones((2, 2, 2, 2, 2))), "want numbers"),
        ("no rows", array(np.ones((0, 4))), "has the shape"),
        ("too many labels", array(np.ones((4, 4)), np.ones(5, int)), "but there are 4 samples"),
        (
            "labels that are fractions",
            array(np.ones((4, 4)), np.full(4, 0.5)),
            "holds 0.5, which is no class",
        ),
        ("labels that are objects", array(np.ones((4, 4)), np.array([None] * 4)), "Python objects"),
        ("empty", lambda m, r: (file("x.npy", b"")(m, r), r / "x.npy")[1], "cannot be read as .npy"),
        *((words[:32], npy(words), "cannot be read as .npy") for words in BAD_HEADERS),
    ],
}


@pytest.mark.parametrize(
    ("kind", "build", "words"),
    [
        pytest.param(kind, build, words, id=name)
        for kind, cases in REFUSED.items()
        for name, build, words in cases
    ],
)
def test_what_is_refused(
    kind: str, build: Build, words: str, make: Any, prune: Any, elsewhere: Path, tally: Any
) -> None:
    made = build(make, elsewhere / "in")
    data = made if isinstance(made, str) or (isinstance(made, Path) and made.suffix == ".npy") else "in"
    said = prune("embed", *PIXELS, data)
    assert said.code in {2, 3}, said.err
    assert re.search(words, said.err), said.err
    assert said.err.splitlines()[-2].startswith("error: ")
    assert said.err.splitlines()[-1].startswith("try:   ")
    assert "Traceback" not in said.err
    assert not Path("owned").exists()
    assert prune("embed", *PIXELS, "--on-error", "skip", "--max-bad", 1, data).code == said.code
    tally("Hostile and broken input", kind, "refused", 1)
