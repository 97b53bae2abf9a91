"""No secrets in files or output, and no network: addresses are refused, and what data says of them is cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.core.errors import DataError, PruneError, RejectsError
from prune.core.redaction import has_secrets, scheme_of, without_secrets
from prune.core.safe_text import printable
from prune.system.local_paths import require_local

Prune = Callable[..., Any]

SECRET = "hunter2"
ADDRESSES = {
    "password": f"https://me:{SECRET}@example.org/data/a.tar",
    "token": f"https://example.org/data/a.tar?token={SECRET}",
    "signature": f"s3://bucket/a.tar?X-Amz-Credential=AKIA&X-Amz-Signature={SECRET}",
    "slash": f"s3://AKIA:{SECRET}/x+y@bucket/a.tar",
    "fragment": f"gs://bucket/a.tar#access_token={SECRET}",
}
COMMANDS = {
    "data": ["embed", "{}"],
    "braces": ["embed", "{}{{0..3}}.tar"],
    "weights": ["embed", "data", "--weights", "{}"],
    "features": ["embed", "data", "--features", "{}"],
    "labels": ["embed", "data", "--labels", "{}"],
    "encoder": ["embed", "data", "--encoder", "{}"],
    "store": ["embed", "data", "--encoder", "pixels", "--store", "{}"],
    "store=": ["embed", "data", "--encoder", "pixels", "--store={}"],
    "import": ["score", "data", "--import", "{}"],
    "type": ["score", "data", "--type", "{}"],
    "checkpoint": ["score", "data", "--type", "el2n", "--checkpoint", "{}", "--model", "a:b"],
    "model": ["score", "data", "--type", "el2n", "--checkpoint", "a", "--model", "{}"],
    "target": ["select", "--method", "gradmatch", "--count", "3", "--target", "{}"],
    "given": ["select", "--count", "3", "--given", "{}"],
    "name": ["select", "--count", "3", "--name", "{}"],
    "errors": ["select", "--count", "3", "--quota", "drop", "--quota-errors", "{}"],
    "out": ["export", "--format", "manifest", "--out", "{}"],
    "selection": ["export", "--format", "manifest", "--selection", "{}"],
    "verify": ["verify", "{}"],
    "device": ["status", "--device", "{}"],
    "surplus": ["status", "{}"],
}


@pytest.fixture
def home(images: Path, elsewhere: Path) -> Path:
    """A folder with a dataset, and a store with a selection."""
    images.rename("data")
    pipeline.embed(data="data", encoder="pixels")
    pipeline.select(method="kcenter", count=12)
    return elsewhere


def traces(home: Path) -> list[str]:
    """Where the secret is to be found, in names and in bytes."""
    secret = SECRET.encode()
    return [
        str(path)
        for path in home.rglob("*")
        if SECRET in path.name or (path.is_file() and secret in path.read_bytes())
    ]


@pytest.mark.parametrize("kind", ADDRESSES)
def test_no_command_repeats_or_keeps_a_secret(
    home: Path, prune: Prune, kind: str, tally: Callable[..., None]
) -> None:
    before = sorted(path for path in home.rglob("*"))
    for place, words in COMMANDS.items():
        for extra in ([], ["--json"]):
            said = prune(*(word.format(ADDRESSES[kind]) for word in words), *extra)
            assert said.code in {2, 3, 4, 6}, (place, said)
            assert SECRET not in said.out + said.err, place
            assert "Traceback" not in said.err
    assert traces(home) == []
    assert sorted(path for path in home.rglob("*")) == before
    tally("Hostile and broken input", "addresses with secrets", "refused", len(COMMANDS))


@pytest.mark.parametrize("kind", ADDRESSES)
def test_no_function_repeats_or_keeps_a_secret(home: Path, kind: str) -> None:
    address = ADDRESSES[kind]
    calls: list[Callable[[], Any]] = [
        lambda: pipeline.embed(data=address),
        lambda: pipeline.embed(address, "data", encoder="pixels"),
        lambda: pipeline.embed(data="data", weights=address),
        lambda: pipeline.embed(data="data", encoder="precomputed", features=address),
        lambda: pipeline.score(data="data", imports=address),
        lambda: pipeline.select(method="gradmatch", count=3, target=address),
        lambda: pipeline.select(method="kcenter", count=3, given=address),
        lambda: pipeline.export(format="manifest", out=address),
        lambda: pipeline.verify(address),
        lambda: pipeline.verify(place=address),
    ]
    for place, call in enumerate(calls):
        with pytest.raises(PruneError) as caught:
            call()
        assert SECRET not in f"{caught.value} {caught.value.hint}", place
    assert traces(home) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/a b", "https://host/a b"),
        ("cannot read 's3://k:s@b/x?t=1': gone", "cannot read 's3://b/x': gone"),
        ("https:/me:pw@host/x", "https:/host/x"),  # as a path has it
        ("s3://AK:a/b@bucket/x", "s3://bucket/x"),
        ("https://host:8080/a@2x.png", "https://host:8080/a@2x.png"),
        ("https://host/a.tar#x and http://u@h?q", "https://host/a.tar and http://h"),
        ("hf://me:pw@hub/a http://x:y@z/b?c", "hf://hub/a http://z/b"),
        ("cat/a@b.png?c", "cat/a@b.png?c"),
        ("prune select --fraction 0.3", "prune select --fraction 0.3"),
    ],
)
def test_what_is_left_of_an_address(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown
    assert has_secrets(text) == (text != shown)
    assert printable(text) == shown
    assert str(DataError(text, text)) == shown == DataError(text, text).hint


def test_paths_are_no_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [scheme_of(text) for text in ("s3://a/b", "a/b", "/a:/b", "c:/x", "./s3://a")] == [
        "s3",
        None,
        None,
        None,
        None,
    ]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "here").mkdir(parents=True)
    require_local("s3://here")  # a folder of that name, odd as it is


def test_reasons_of_rejects_are_shown_without_secrets(monkeypatch: pytest.MonkeyPatch, prune: Prune) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise RejectsError("1 of 2 samples", [("k", f"cannot fetch {ADDRESSES['token']}")])

    monkeypatch.setattr(pipeline, "embed", failing)
    said = prune("embed", "data")
    assert "k: cannot fetch https://example.org/data/a.tar" in said.err
    assert SECRET not in said.err


def test_what_a_dataset_says_of_itself_is_exported_without_secrets(elsewhere: Path) -> None:
    from datasets import Dataset, DatasetInfo, Features, Image, Value

    from prune.store import Store

    info = DatasetInfo(
        description=f"From {ADDRESSES['token']}, as it was.",
        homepage=ADDRESSES["password"],
        license="see https://example.org/licence",
        features=Features({"image": Image(), "word": Value("string")}),
    )
    rows = {"image": [_png(number) for number in range(6)], "word": list("abcdef")}
    Dataset.from_dict(rows, features=info.features, info=info).save_to_disk("data")
    pipeline.embed(data="data", encoder="pixels")
    pipeline.select(method="random", count=3)
    for form in ("huggingface", "parquet"):
        pipeline.export(format=form, out=form)
        assert traces(elsewhere / form) == []
    said = json.loads(next(Path("huggingface").rglob("dataset_info.json")).read_bytes())
    assert said["description"] == "From https://example.org/data/a.tar as it was."
    assert said["homepage"] == "https://example.org/data/a.tar"
    assert said["license"] == "see https://example.org/licence"
    assert traces(Store().path) == []


def _png(number: int) -> dict[str, Any]:
    import io

    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), 20 * number, np.uint8)).save(sink, "PNG")
    return {"bytes": sink.getvalue(), "path": None}


NO_NETWORK = """
import socket, sys

def refuse(*words, **_):
    raise AssertionError(f"network: {words}")

for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse

import importlib, pkgutil
import prune
for module in pkgutil.walk_packages(prune.__path__, "prune."):
    if module.name not in {"prune.__main__", "prune.trace.lightning", "prune.trace.huggingface"}:
        importlib.import_module(module.name)  # those two need packages of their own

from prune import cli
from prune.core.errors import OptionError
from prune import pipeline

def run(*words):
    sys.argv = ["prune", *words]
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, words

quick = ("--workers", "0", "--quiet")
run("embed", "data", "--encoder", "pixels", *quick)
try:
    pipeline.embed(data="data", store="other")
    raise AssertionError("there were weights")
except OptionError as error:
    assert "has no weights on this machine" in str(error)
run("score", "--type", "grad_norm", "--proxy", "mlp", "--epochs", "1", "--proxy-size", "8", *quick)
run("select", "--method", "kcenter", "--fraction", "0.3", "--quiet")
for form in ("webdataset", "huggingface", "imagefolder", "parquet", "manifest"):
    run("export", "--format", form, "--out", form, "--quiet")
    run("verify", form, "--quiet")
for form in ("webdataset", "huggingface", "parquet"):
    run("embed", form, "--encoder", "pixels", "--store", f"{form}.prune", *quick)
run("verify", "--quiet")
run("status", "--quiet")
run("methods", "--quiet")
"""


def test_no_verb_and_no_import_opens_a_connection(home: Path, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PRUNE_"))}
    env |= {"TORCH_HOME": str(tmp_path / "torch"), "HF_HOME": str(tmp_path / "hf")}
    run = [sys.executable, "-W", "ignore", "-c", NO_NETWORK]
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
