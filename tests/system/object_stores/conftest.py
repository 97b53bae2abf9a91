"""A server of S3 on this machine, a proxy before it that does harm when told to, and a plain web server."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import s3fs

from prune.system.object_stores import block_cache, remote_object, retries

moto_server = pytest.importorskip("moto.server", reason="no server of S3 is installed")


@dataclass
class Faults:
    """What the proxy does to the next answers, and what it was asked."""

    waiting: list[tuple[str, str]] = field(default_factory=list)  # (part of the request line, what happens)
    asked: list[str] = field(default_factory=list)  # method and path, with the range where there is one
    before: Callable[[str], None] | None = None  # called with each request before it is passed on

    def on(self, line: str, *kinds: str) -> None:
        """The next requests with these words fail in these ways, one after the other."""
        self.waiting += [(line, kind) for kind in kinds]

    def take(self, line: str) -> str:
        """Return what happens to a request."""
        self.asked.append(line)
        if self.before is not None:
            self.before(line)
        for place, (words, kind) in enumerate(self.waiting):
            if all(word in line for word in words.split()):
                del self.waiting[place]
                return kind
        return "pass"

    def count(self, *words: str) -> int:
        """Return how many requests held all these words."""
        return sum(all(word in line for word in words) for line in self.asked)


SLOW = (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>'
    b"</Error>"
)

UNKNOWN = b'<?xml version="1.0"?><Error><Code>NotImplemented</Code><Message>No such header.</Message></Error>'


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server, and answers back with the fault that is waiting."""

    protocol_version = "HTTP/1.1"
    upstream: tuple[str, int]
    faults: Faults

    def _pass(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else None
        line = " ".join(filter(None, [self.command, self.path, self.headers.get("Range")]))
        kind = self.faults.take(line)
        if kind == "busy":
            return self._answer(503, {"Content-Type": "application/xml"}, SLOW)
        if kind == "unknown":
            return self._answer(501, {"Content-Type": "application/xml"}, UNKNOWN)
        if kind == "refuse":
            self.close_connection = True
            return None
        if kind == "silent":  # until who asked has hung up
            self.connection.settimeout(30)
            with contextlib.suppress(OSError):
                self.connection.recv(1)
            self.close_connection = True
            return None
        upstream = http.client.HTTPConnection(*self.upstream)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        told = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        if kind == "lost":  # it was done, and nobody hears of it
            self.close_connection = True
            return None
        if kind == "short":
            data = data[: len(data) // 2]
        if kind == "other":
            told["ETag"] = '"0123456789abcdef0123456789abcdef"'
        return self._answer(answer.status, told, data, cut=kind == "drop")

    def _answer(self, status: int, told: dict[str, str], data: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in told.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        head = self.command == "HEAD"
        length = next((v for n, v in told.items() if n.lower() == "content-length"), "0")
        self.send_header("Content-Length", length if head else str(len(data)))
        self.end_headers()
        if not head:
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - as the server calls them

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


_HOP = {"connection", "transfer-encoding", "date", "server"}


def serve(handler: type) -> Iterator[str]:
    """Run a server on a free port; yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def proxied() -> Iterator[tuple[str, Faults]]:
    """The address of the proxy before a server of S3, and its faults."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    faults = Faults()
    handler = type("OneProxy", (Proxy,), {"upstream": server.get_host_and_port(), "faults": faults})
    for address in serve(handler):
        yield address, faults
    server.stop()


_numbers = itertools.count()


@pytest.fixture
def faults(proxied: tuple[str, Faults], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """No faults yet; the environment of a user of this server, and a cache of one's own."""
    address, found = proxied
    found.waiting.clear()
    found.asked.clear()
    found.before = None
    given = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (given | {"AWS_ENDPOINT_URL": address}).items():
        monkeypatch.setenv(name, value)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PRUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(retries.POLICY, "sleep", lambda _: None)
    monkeypatch.setattr(block_cache, "BLOCK", 4096)
    monkeypatch.setattr(remote_object, "BLOCK", 4096)
    yield found
    found.before = None
    remote_object.cache_at.cache_clear()


@pytest.fixture
def bucket(faults: Faults) -> str:
    """The address of an empty bucket."""
    name = f"bucket-{next(_numbers)}"
    store().mkdir(name)
    faults.asked.clear()
    return f"s3://{name}"


def store() -> Any:
    """Return the server as another program sees it, which keeps nothing it has seen."""
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


@pytest.fixture
def outside(faults: Faults) -> Any:
    """The server as another program sees it."""
    return store()
