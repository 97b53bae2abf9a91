"""Data and exports at gs://, by gcsfs and a server of that API on this machine."""

from __future__ import annotations

import itertools
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import DataError, StoreError
from prune.store import Store
from prune.system.object_stores import file_systems, remote_object, retries

from .test_reading import FORMATS, WRITE, bytes_below, chain

with pytest.MonkeyPatch.context() as _patch:
    _patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # which asks Google of which kind a bucket is
    gcsfs = pytest.importorskip("gcsfs", reason="the extra gcs is not installed")
emulator = pytest.importorskip("gcp_storage_emulator.server", reason="no server of gs:// is installed")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread = emulator.APIThread("127.0.0.1", 0, emulator.Storage(use_memory_fs=True), daemon=True)
        thread.start()
        thread.is_running.wait()
    yield f"http://127.0.0.1:{thread._httpd.server_port}"
    thread.join()
    threading.Thread.join(thread)


@pytest.fixture
def gs(server: str, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The server as another program sees it."""
    import fsspec.config

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon", "project": "p"})
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PRUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(retries.POLICY, "sleep", lambda _: None)
    gcsfs.GCSFileSystem.clear_instance_cache()
    yield file_systems.file_system("gs")
    gcsfs.GCSFileSystem.clear_instance_cache()
    remote_object.cache_at.cache_clear()


@pytest.fixture
def bucket(gs: Any) -> str:
    name = f"bucket-{next(_numbers)}"
    gs.mkdir(name)
    return f"gs://{name}"


@pytest.mark.parametrize("kind", FORMATS)
def test_the_chain_there_equals_the_one_here(gs: Any, bucket: str, kind: str) -> None:
    WRITE[kind](Path(kind))
    gs.put(f"{kind}/", f"{bucket}/{kind}/", recursive=True)
    chain(f"{bucket}/{kind}", kind, "there", f"{bucket}/out")
    chain(kind, kind, "here", "out")
    root = bucket.removeprefix("gs://")
    sent = {name.removeprefix(f"{root}/out/"): gs.cat_file(name) for name in gs.find(f"{bucket}/out")}
    assert sent == bytes_below("out")
    assert Store("there").state["dataset"] == Store("here").state["dataset"]
    assert pipeline.verify(place=f"{bucket}/out", source=False)["exit_code"] == 0
    assert pipeline.export("there", format=FORMATS[kind], out=f"{bucket}/out")["unchanged"]


def test_an_object_that_changed_is_told(gs: Any, bucket: str) -> None:
    WRITE["shards"](Path("shards"))
    gs.put("shards/", f"{bucket}/in/", recursive=True)
    pipeline.embed("there", f"{bucket}/in", encoder="pixels")
    pipeline.select("there", method="random", count=4)
    gs.pipe_file(f"{bucket}/in/a-1.tar", Path("shards/a-0.tar").read_bytes())
    with pytest.raises((StoreError, DataError), match=r"a-1\.tar changed"):
        pipeline.export("there", format="webdataset", out="out")
    assert not Path("out").exists()
