"""Datasets of the Hugging Face hub at `hf://`: a small server answers as the hub does."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from prune import pipeline
from prune.core.errors import DataError
from prune.store import Store
from prune.system import contents
from prune.system.object_stores.listing import mirrored

from .conftest import serve
from .test_reading import WRITE

HOME = "hf://datasets/me/data"
PAGE = "/api/datasets/me/data"


class Hub(http.server.BaseHTTPRequestHandler):
    """One dataset, as it lies in a folder; large files have a SHA-256 there, small ones a blob."""

    protocol_version = "HTTP/1.1"
    folder: Path
    faults: list[str]
    asked: list[str]

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        self.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        fault = self.faults.pop() if self.faults and self.headers.get("Range") else ""
        if fault == "drop":
            self.close_connection = True
        elif fault == "busy":
            self._answer(b"{}", 503)
        elif path.startswith(f"{PAGE}/tree/main"):
            below = path.removeprefix(f"{PAGE}/tree/main").strip("/")
            self._list(below, deep="recursive=true" in self.path.lower())
        elif path in (PAGE, f"{PAGE}/revision/main"):
            self._answer(json.dumps({"id": "me/data", "sha": "0" * 40}).encode())
        elif path.startswith("/datasets/me/data/resolve/main/"):
            self._send(self.folder / path.removeprefix("/datasets/me/data/resolve/main/"), fault)
        else:
            self._answer(b'{"error": "no such dataset"}', 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET  # noqa: N815 - as the server calls it

    def _list(self, below: str, *, deep: bool) -> None:
        place = self.folder / below
        if not place.is_dir():
            self._answer(b'{"error": "no such folder"}', 404, X_Error_Code="EntryNotFound")
            return
        found = sorted(place.rglob("*") if deep else place.iterdir())
        self._answer(json.dumps([self._entry(path) for path in found]).encode())

    def _entry(self, path: Path) -> dict[str, Any]:
        name = path.relative_to(self.folder).as_posix()
        if path.is_dir():
            return {"type": "directory", "path": name, "oid": "0" * 40}
        data = path.read_bytes()
        entry = {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry | ({"lfs": large} if len(data) > 4096 else {})

    def _send(self, path: Path, fault: str) -> None:
        data = path.read_bytes()
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span is None:
            self._answer(data)
            return
        part = data[int(span[1]) : int(span[2]) + 1]
        self._answer(part[: len(part) // 2] if fault == "short" else part, 206)

    def _answer(self, data: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hub(elsewhere: Path, faults: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """The hub, with the dataset of the folder `there`."""
    constants = pytest.importorskip("huggingface_hub.constants")
    del faults  # the cache of this test, and no waiting
    Path("there").mkdir()
    known = {"folder": Path("there").absolute(), "faults": [], "asked": []}
    handler = type("OneHub", (Hub,), known)
    for address in serve(handler):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        pages = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{address}{pages}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield handler


def test_a_pattern_of_the_hub(hub: type[Hub]) -> None:
    WRITE["shards"](Path("there/shards"))
    pipeline.embed("far", f"{HOME}/shards/a-*.tar", encoder="pixels")
    assert len(Store("far").dataset) == 20


def test_a_file_of_the_hub_that_changes_is_refused(hub: type[Hub]) -> None:
    place = Path("there/x.bin")
    place.write_bytes(bytes(range(256)) * 64)
    content = contents.opened(mirrored(f"{HOME}/x.bin"))
    assert content.read(100, 10) == bytes(range(100, 110))
    place.write_bytes(bytes(reversed(range(256))) * 64)
    with pytest.raises(DataError, match=r"x\.bin changed while it was read"):
        content.read(9000, 10)


def test_what_is_not_on_the_hub(hub: type[Hub]) -> None:
    assert not mirrored(f"{HOME}/none.tar").exists()
    assert not mirrored("hf://datasets/me/other/none").exists()
    assert os.environ.get("HF_TOKEN") is None
