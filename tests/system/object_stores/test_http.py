"""Files of a web server: by ranges, known by an ETag or when they changed, one by one or in braces."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError, OptionError
from prune.system import contents
from prune.system.object_stores import mirror
from prune.system.object_stores.listing import mirrored

from .conftest import serve

DATA = bytes(range(256)) * 200


class Files(http.server.SimpleHTTPRequestHandler):
    """A web server that knows ranges; `forgetful` of what a test names."""

    forgetful: set[str] = set()
    broken: list[int] = []
    beside = 0  # bytes that the part which comes begins behind the one asked for
    slow: list[float] = []  # seconds before the next answers
    unsized = False  # whether it tells no size where it is asked for no bytes
    refuses = 0  # what it answers where it is asked for no bytes
    hides = False  # whether it answers 403 for what is not there

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if self.hides and not path.exists():
            self.send_error(403)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if self.slow:
            threading.Event().wait(self.slow.pop())
        if self.broken:
            self.send_error(self.broken.pop())
            return
        if asked is None or "Range" in self.forgetful or not path.is_file():
            super().do_GET()
            return
        data, (start, stop) = path.read_bytes(), map(int, asked.groups())
        if start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206)
        told = start + self.beside
        self.send_header("Content-Range", f"bytes {told}-{min(stop, len(data) - 1)}/{len(data)}")
        self.send_header("Content-Length", str(len(data[start : stop + 1])))
        self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
        self.end_headers()
        self.wfile.write(data[start : stop + 1])

    def do_HEAD(self) -> None:
        if self.refuses or (self.hides and not Path(self.translate_path(self.path)).exists()):
            self.send_error(self.refuses or 403)
            return
        super().do_HEAD()

    def send_header(self, keyword: str, value: str) -> None:
        unsized = self.unsized and self.command == "HEAD" and keyword == "Content-Length"
        if keyword not in self.forgetful and not unsized:
            super().send_header(keyword, value)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path, faults: Any) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(Files, directory=str(folder))
    for address in serve(handler):  # type: ignore[arg-type]
        yield address, folder
    Files.forgetful = set()
    Files.broken = []
    Files.hides = False
    Files.refuses = 0
    Files.slow, Files.unsized = [], False
    Files.beside = 0


def test_a_file_is_read_by_ranges(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    content = contents.opened(path)
    assert content.read(10_000, 5000) == DATA[10_000:15_000]
    assert contents.whole(path) == DATA
    assert mirror.address_of(path) == f"{address}/x.bin"


def test_braces_name_several_files_and_what_lists_a_folder_is_refused(web: tuple[str, Path]) -> None:
    address, folder = web
    for number in range(2):
        (folder / f"x-{number}.bin").write_bytes(DATA)
    path = mirrored(f"{address}/x-{{0..2}}.bin", [f"{address}/x-{number}.bin" for number in range(3)])
    assert sorted(found.name for found in path.parent.iterdir()) == ["x-0.bin", "x-1.bin"]
    for pattern in ("/", "/*.bin"):
        with pytest.raises(OptionError, match="does not list its folders"):
            mirrored(address + pattern, [address + pattern])


def test_a_file_that_changed_is_known_by_its_time(web: tuple[str, Path]) -> None:
    import os

    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    os.utime(folder / "x.bin", (1_000_000, 1_000_000))
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    content = contents.opened(path)
    (folder / "x.bin").write_bytes(DATA[::-1])
    with pytest.raises(DataError, match="changed while it was read"):
        content.read(0, 10)
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    assert contents.whole(path) == DATA[::-1]


def test_a_server_that_is_busy_is_asked_again_and_one_without_ranges_refused(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    Files.broken = [500, 503, 429]
    assert contents.whole(path) == DATA
    Files.forgetful = {"Range"}
    (folder / "y.bin").write_bytes(DATA)
    path = mirrored(f"{address}/y.bin", [f"{address}/y.bin"])
    with pytest.raises(DataError, match="gives no part of a file"):
        contents.whole(path)
    Files.forgetful, Files.beside = set(), 1
    with pytest.raises(DataError, match="gives no part of a file"):
        contents.whole(path)


def test_a_server_that_tells_nothing_of_a_change_is_refused(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    Files.forgetful = {"Last-Modified"}
    with pytest.raises(DataError, match="neither an ETag nor when it changed"):
        mirrored(f"{address}/x.bin", [f"{address}/x.bin"])


def test_what_is_not_there_or_not_allowed(web: tuple[str, Path]) -> None:
    address, _ = web
    assert not mirrored(f"{address}/none.tar", [f"{address}/none.tar"]).exists()


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_server_that_answers_no_question_without_bytes_is_asked_for_one(
    web: tuple[str, Path], status: int
) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    (folder / "empty.bin").write_bytes(b"")
    Files.refuses = status
    assert contents.whole(mirrored(f"{address}/x.bin", [f"{address}/x.bin"])) == DATA
    assert mirrored(f"{address}/empty.bin", [f"{address}/empty.bin"]).stat().st_size == 0
    assert not mirrored(f"{address}/none.bin", [f"{address}/none.bin"]).exists()


def test_a_server_that_tells_no_size_is_asked_for_one_byte(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    Files.unsized = True
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    assert path.stat().st_size == len(DATA)
    assert contents.whole(path) == DATA


def test_class_names_need_not_be_told_of_where_what_is_missing_is_forbidden(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "x.tar").write_bytes(DATA)
    Files.hides = True
    assert contents.whole(mirrored(f"{address}/x.tar", [f"{address}/x.tar"])) == DATA
    with pytest.raises(DataError, match="may not be read"):
        mirrored(f"{address}/y.tar", [f"{address}/y.tar"])
