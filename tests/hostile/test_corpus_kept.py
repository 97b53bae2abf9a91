"""The corpus of what is left out with its reason, while the rest is read."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.store import Store

Build = Callable[[Any, Path], object]  # (makers, folder) -> the dataset, where it is not the folder
PIXELS = ("--encoder", "pixels", "--workers", "0")
PAX = tarfile.PAX_FORMAT


def hf(**columns: Any) -> Build:
    """A parquet file with columns changed."""
    return lambda m, r: m.parquet(r, m.table(**columns))


def array(value: Any) -> Build:
    return lambda _m, r: (r.mkdir(), np.save(r / "x.npy", value), r / "x.npy")[-1]


def beside(*members: Any, format: int = tarfile.GNU_FORMAT) -> Build:
    """Good samples in a shard, and these members after them."""
    return lambda m, r: m.tar(r / "x.tar", [*m.pairs(range(4)), *members], format)


def odd(name: str, **fields: Any) -> Build:
    return lambda m, r: beside(m.member(name, **fields))(m, r)


def labelled(suffix: str, words: bytes) -> Build:
    return lambda m, r: beside(("z.png", m.picture(9)), (f"z.{suffix}", words))(m, r)


def picture(data: bytes) -> Build:
    return lambda m, r: m.folder(r, **{"z.jpg": data})


def linked(target: str) -> Build:
    return lambda m, r: (m.folder(r) / "a" / "z.png").symlink_to(target)


def held(**image: Any) -> Build:
    """A row whose image is this, after good ones."""
    return lambda m, r: m.parquet(r, m.table(image=[*m.table()["image"].to_pylist()[:5], image or None]))


def named(*names: str) -> Build:
    return lambda m, r: beside(*((f"{name}.png", m.picture(9)) for name in names))(m, r)


def unnamed_class(m: Any, r: Path) -> None:
    (m.folder(r) / "\udcff").mkdir()
    (r / "\udcff" / "z.png").write_bytes(m.picture(9))


def cut(kind: str) -> Build:
    return lambda m, r: picture(m.picture(7, kind, 64)[:-60])(m, r)


OUTSIDE = "the key is not a path inside"
SPARSE = {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "z.png",
    "GNU.sparse.realsize": "9",
}
LEFT_OUT: dict[str, list[tuple[str, Build, str]]] = {
    "tar shards": [
        ("an absolute name", named("/etc/z"), OUTSIDE),
        ("a name that climbs", named("../z"), OUTSIDE),
        ("a name that climbs late", named("a/../../z"), OUTSIDE),
        (
            "a symbolic link",
            odd("z.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "is a link or device",
        ),
        ("a hard link", odd("z.png", type=tarfile.LNKTYPE, linkname="000.png"), "is a link or device"),
        ("a pipe", odd("z.png", type=tarfile.FIFOTYPE), "is a link or device"),
        ("a device", odd("z.png", type=tarfile.CHRTYPE), "is a link or device"),
        ("a sparse file", odd("z.png", type=tarfile.GNUTYPE_SPARSE), "is a link or device"),
        (
            "a sparse file of PAX",
            lambda m, r: beside(m.member("s.png", b"1\n0\n9\n", pax_headers=SPARSE), format=PAX)(m, r),
            "is a link or device",
        ),
        ("members apart", beside(("000.txt", b"x")), "not adjacent"),
        ("two of one name", named("z", "z"), "two members .png"),
        ("no image", beside(("z.txt", b"x")), "has no image"),
        ("a tar in the tar", beside(("z.tar", bytes(10240))), "has no image"),
        ("an empty image", beside(("z.png", b"")), "the image is empty"),
        ("a very long key", named("k" * 201), "over 200 bytes"),
        ("a line break", named("a\nb"), "line break"),
        ("a key not UTF-8", named("\udcff"), "not UTF-8"),
        ("another Unicode form", named("\u00e9", "e\u0301"), "only by its Unicode form"),
        ("a name of webdataset's", beside(("z.__key__", b"x")), "keeps for itself"),
        (
            "a second shard with the keys",
            lambda m, r: [m.tar(r / f"{i}.tar", m.pairs(range(2))) for i in "ab"] and None,
            "duplicate key; first in a.tar",
        ),
    ],
    "keys and labels": [
        *(
            (words.decode("latin1")[:9], labelled("cls", words), "label|text")
            for words in (b"nan", b"\xff", b" ", b"x" * 65, b"a\x1bb")
        ),
        *(
            (words.decode()[:9], labelled("json", words), "label|JSON")
            for words in (
                b"{",
                b"[" * 100_000,
                b'{"label": [1]}',
                b'{"label": 1e999}',
                b'{"label": NaN}',
                b'{"label": "\\ud800"}',
                b'{"label": 0.5}',
                b'{"label": ' + b"9" * 5000 + b"}",
                b'{"label": {"a": 1}}',
            )
        ),
    ],
    "image files": [
        ("zero bytes", picture(b""), "empty"),
        *(
            (words[:12].decode("latin1"), picture(words), "not a JPEG")
            for words in (
                b"hello",
                b"<html>",
                b"<svg/>",
                b"%!PS-Adobe-3.0 EPSF",
                b"%PDF-1.4",
                b"RIFF\0\0\0\0WAVEfmt ",
                b"\0" * 99,
            )
        ),
        *(
            (f"{kind} cut", cut(kind), "broken|truncated")
            for kind in ("png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm")
        ),
        (
            "a size that is claimed",
            lambda m, r: picture(m.png_claiming(40_000, 40_000))(m, r),
            "40 megapixels",
        ),
        ("a link to nothing", linked("nowhere"), "is a link to nothing"),
        ("a link to itself", linked("z.png"), "is a link to nothing"),
        ("a link to a device", linked("/dev/zero"), "not a file"),
        (
            "a name not UTF-8",
            lambda m, r: (m.folder(r) / "a" / "\udcff.png").write_bytes(m.picture(9)),
            "not UTF-8",
        ),
        (
            "a class not UTF-8",
            unnamed_class,
            "not UTF-8",
        ),
        (
            "a line break",
            lambda m, r: (m.folder(r) / "a" / "z\n.png").write_bytes(m.picture(9)),
            "line break",
        ),
    ],
    "parquet and arrow": [
        ("no image", held(), "has no image"),
        ("an empty image", held(bytes=b"", path="z.png"), "the image is empty"),
        ("a path outside", held(bytes=None, path="../../etc/passwd"), "outside the dataset"),
        ("an absolute path", held(bytes=None, path="/etc/passwd"), "outside the dataset"),
        ("a path to nothing", held(bytes=None, path="z.png"), "is missing"),
        ("no key", hf(__key__=[*"abcde", None]), "the key is missing"),
        ("a key twice", hf(__key__=[*"abcdea"][:6]), "duplicate key"),
        ("a key that climbs", hf(__key__=[*"abcde", "../z"]), OUTSIDE),
    ],
    "arrays": [
        ("not a number", array(np.array([[[[0.5]] * 4] * 4, [[[np.nan]] * 4] * 4])), "non-finite"),
        ("infinity", array(np.array([[[[0.5]] * 4] * 4, [[[np.inf]] * 4] * 4])), "non-finite"),
    ],
}


@pytest.mark.parametrize(
    ("kind", "build", "words"),
    [
        pytest.param(kind, build, words, id=name)
        for kind, cases in LEFT_OUT.items()
        for name, build, words in cases
    ],
)
def test_what_is_left_out(
    kind: str, build: Build, words: str, make: Any, prune: Any, elsewhere: Path, tally: Any
) -> None:
    made = build(make, elsewhere / "in")
    data = made if isinstance(made, Path) and made.suffix == ".npy" else "in"
    said = prune("embed", *PIXELS, data)
    assert said.code == 3, said.err
    assert re.search(words, said.err), said.err
    said = prune("embed", *PIXELS, "--on-error", "skip", "--max-bad", 0.9, "--json", data)
    assert said.code == 0, said.err
    dataset = Store(".prune").dataset
    rejects = {**dataset.rejects, **Store(".prune").column("embedding.pixels").rejects}
    assert rejects
    assert all(re.search(words, reason) for reason in rejects.values()), rejects
    assert f'"rejects": {len(rejects)}' in said.out
    assert prune("select", "--method", "random", "--fraction", 1).code == 0
    assert len(Path(".prune/selections/random/keys.txt").read_text().splitlines()) == len(dataset) - len(
        rejects
    )
    tally("Hostile and broken input", kind, "left out", 1)
