"""Exports pushed to a hub: a small server that speaks its protocol keeps what is sent."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import logging
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

import prune as library
from prune.core.errors import OutputError

Prune = Callable[..., Any]
TOKEN = "hf_a_secret_of_nobody"


class Hub(http.server.BaseHTTPRequestHandler):
    """Datasets in memory; `failing` answers so many commits with an error first."""

    files: dict[str, bytes]
    commits: list[list[str]]
    seen: list[tuple[str, str | None]]
    failing: int
    created: dict[str, Any]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlparse(self.path).path
        self.seen.append((path, self.headers.get("Authorization")))
        if path == "/api/repos/create":
            type(self).created = json.loads(body)
            self.answer({"url": f"{self.root}/datasets/me/small", "id": "me/small", "name": "me/small"})
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            asked = json.loads(body)["files"]
            self.answer({"files": [{**f, "uploadMode": "regular", "shouldIgnore": False} for f in asked]})
        elif "/commit/" in path and self.failing:
            type(self).failing -= 1
            self.answer({"error": "the disk of the hub is full"}, 507)
        else:
            lines = [json.loads(line) for line in body.splitlines()]
            if lines[0]["value"].get("parentCommit") == self.head:
                self.commit(lines)
            else:
                self.answer({"error": "A commit has happened since."}, 412)

    def commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del self.files[value["path"]]
        self.commits.append([line["value"].get("path", "") for line in lines if line["key"] != "header"])
        url = f"{self.root}/datasets/me/small/commit/{self.head}"
        self.answer({"success": True, "commitOid": self.head, "commitUrl": url, "pullRequestUrl": None})

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        if path.startswith("/api/datasets/") and path.count("/") == 4:
            self.answer({"id": path.removeprefix("/api/datasets/"), "sha": self.head})
        elif "/tree/" in path:
            listed = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in sorted(self.files.items())
            ]
            self.answer(listed)
        elif "/resolve/" in path:
            data = self.files[path.split("/resolve/", 1)[1].split("/", 1)[1]]
            self.answer(data, X_Repo_Commit="0" * 40, ETag=f'"{hashlib.sha1(data).hexdigest()}"')
        else:
            self.answer({"error": "no such page"}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    @property
    def head(self) -> str:
        return hashlib.sha1(repr(self.commits).encode()).hexdigest()

    @property
    def root(self) -> str:
        return f"http://{self.headers['Host']}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Hub]]:
    handler = type("OneHub", (Hub,), {"files": {}, "commits": [], "seen": [], "failing": 0, "created": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    constants = pytest.importorskip("huggingface_hub.constants")
    place = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", place)
    pages = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{place}{pages}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    logging.getLogger("huggingface_hub").addHandler(logging.NullHandler())
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"text": f"text number {n} of some", "label": n % 2, "site": "ab"[n % 2]} for n in range(20)]
    (folder / "texts of ours.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    library.embed(folder / ".prune", str(folder / "texts of ours.jsonl"))
    library.select(folder / ".prune", method="random", fraction=0.5, by="site")
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "own")
    return tmp_path / "own" / ".prune"


def test_an_export_is_pushed_with_its_card_in_one_commit(
    store: Path, hub: type[Hub], prune: Prune, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    said = prune("export", "--store", store, "--format", "parquet", "--out", out, "--push", "me/small")
    assert (said.code, len(hub.commits)) == (0, 1)
    assert "pushed to me/small" in said.out
    assert hub.created.get("visibility", hub.created.get("private")) in {"private", True}
    there = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    kept = {name: data for name, data in there.items() if "/parts/" not in name}
    assert {name: data for name, data in hub.files.items() if name in kept} == hub.files
    assert {"README.md", ".prune-export/export.json"} < set(hub.files)
    assert any(name.startswith("data/train-") for name in hub.files)
    everything = b"".join(there.values()) + b"".join(p.read_bytes() for p in store.rglob("*") if p.is_file())
    assert TOKEN.encode() not in everything
    assert TOKEN not in said.out + said.err
    assert {token for _, token in hub.seen} == {f"Bearer {TOKEN}"}


def test_another_push_replaces_the_files_of_the_first_and_leaves_an_edited_card(
    store: Path, hub: type[Hub], tmp_path: Path
) -> None:
    out = tmp_path / "small"
    library.export(store, format="webdataset", out=out, push="me/small")
    first = set(hub.files)
    hub.files["LICENSE"] = b"of the user"
    library.export(store, format="parquet", out=out, overwrite=True, push="me/small")
    assert not any(name.endswith(".tar") for name in hub.files)
    assert any(name.endswith(".tar") for name in first)
    assert hub.files["LICENSE"] == b"of the user"
    hub.files["README.md"] += b"license: cc0-1.0\n"
    library.export(store, format="parquet", out=out, push="me/small", fraction=0.1, overwrite=True)
    assert hub.files["README.md"].endswith(b"license: cc0-1.0\n")
    assert b'"n":2' in hub.files[".prune-export/export.json"].replace(b" ", b"")


def test_a_file_of_somebody_else_that_has_the_name_of_one_of_ours_stays(
    store: Path, hub: type[Hub], tmp_path: Path
) -> None:
    library.export(store, format="webdataset", out=tmp_path / "small", push="me/small")
    hub.files["data/train-00000-of-00001.parquet"] = b"of the user"
    with pytest.raises(OutputError, match=r"holds data/train-\S+, which prune did not push"):
        library.export(store, format="parquet", out=tmp_path / "other", push="me/small")
    assert hub.files["data/train-00000-of-00001.parquet"] == b"of the user"


def test_what_somebody_else_commits_meanwhile_is_not_written_over(
    store: Path, hub: type[Hub], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listing = huggingface_api().list_repo_files

    def and_then_another(*asked: Any, **named: Any) -> Any:
        found = listing(*asked, **named)
        hub.commits.append(["of somebody else"])
        return found

    monkeypatch.setattr(huggingface_api(), "list_repo_files", and_then_another)
    with pytest.raises(OutputError, match="A commit has happened since"):
        library.export(store, format="parquet", out=tmp_path / "small", push="me/small")
    assert not hub.files


def huggingface_api() -> Any:
    return pytest.importorskip("huggingface_hub").HfApi


def test_a_dataset_of_others_is_left_alone(store: Path, hub: type[Hub], prune: Prune, tmp_path: Path) -> None:
    hub.files["data.csv"] = b"theirs"
    said = prune("export", "--store", store, "--format", "parquet", "--out", tmp_path / "o", "--push", "a/b")
    assert (said.code, hub.files) == (6, {"data.csv": b"theirs"})
    assert "holds files that prune did not push, such as data.csv" in said.err


def test_a_push_that_fails_is_two_lines_and_can_be_gone_on_with(
    store: Path, hub: type[Hub], prune: Prune, tmp_path: Path
) -> None:
    hub.failing = 9
    words = ["export", "--store", store, "--format", "parquet", "--out", tmp_path / "o", "--push", "me/small"]
    said = prune(*words)
    assert (said.code, hub.files) == (6, {})
    assert "error: cannot push to me/small" in said.err
    assert "try:" in said.err
    assert "Traceback" not in said.err
    assert TOKEN not in said.err
    hub.failing = 0
    again = prune(*words)
    assert again.code == 0
    assert "unchanged" in again.out
    assert "README.md" in hub.files


@pytest.mark.parametrize("name", ["small", "a/b/c", "../x", "a b/c", "a/", "/b", "-a/b"])
def test_what_names_no_dataset_is_refused_before_anything_is_written(
    name: str, store: Path, prune: Prune, tmp_path: Path
) -> None:
    said = prune("export", "--store", store, "--format", "parquet", "--out", tmp_path / "o", f"--push={name}")
    assert said.code == 2
    assert not (tmp_path / "o").exists()


def test_without_the_library_it_says_what_to_install(
    store: Path, prune: Prune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    said = prune("export", "--store", store, "--format", "parquet", "--out", tmp_path / "o", "--push", "a/b")
    assert said.code == 2
    assert 'pip install "dataset-prune[hub]"' in said.err
    assert not (tmp_path / "o").exists()
