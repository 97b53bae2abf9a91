"""How a row of docs/data.md is tried: a builder makes the data, `prune embed` or (texts) `score` reads it."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune.store import Store

EMBED = ("embed", "--encoder", "pixels", "--workers", 0, "--json")
MEASURE = ("score", "--type", "length", "--json")  # what looks at texts


def picture(number: int = 0, form: str = "PNG", **options: Any) -> bytes:
    """An encoded picture of 12 pixels a side, another one for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, form, **options)
    return sink.getvalue()


def put(path: Path, data: bytes) -> Path:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def folder(root: Path, *names: str, form: str = "PNG") -> Path:
    """Files of pictures, all different, or of some text where the suffix is not that of a picture."""
    for name in names:
        seed = sum(map(ord, name)) * 1000 + len(name)
        text = name.endswith((".txt", ".xml", ".json", ".csv"))
        put(root / name, name.encode() if text else picture(seed, form))
    return root


def tar(path: Path, **members: bytes) -> Path:
    """A shard; `__` in the name of a member stands for its first dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as out:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("__", ".", 1))
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def make() -> SimpleNamespace:
    """What builders make data of."""
    return SimpleNamespace(picture=picture, put=put, folder=folder, tar=tar)


@pytest.fixture
def tried(prune: Callable[..., Any], make: SimpleNamespace, tmp_path: Path) -> Callable[..., None]:
    """Try one row: `(builder, expected)`.

    `builder(make, root)` returns DATA. `expected` says what `prune embed` finds: `n`, `classes` (samples of
    each by name), `split`, `passed_over`, each only if it is there; `words` are more options to type;
    `texts`: the samples are some.
    `refused` is a pattern that the error matches, `then` what is expected of the `words` of its advice: they
    have to stand in the error as they are typed (`{root}` stands for the folder of the data).
    """

    def run(builder: Callable[..., Any], expected: dict[str, Any]) -> None:
        root = tmp_path / "data"
        check(root, builder(make, root), expected, "")

    def check(root: Path, data: Any, expected: dict[str, Any], advised: str) -> None:
        words = [word.format(root=root) for word in expected.get("words", ())]
        data = expected["data"].format(root=root) if "data" in expected else data
        if advised:
            for said in [*([] if "data" not in expected else [str(data)]), " ".join(words)]:
                assert said in advised
        store = tmp_path / f"store-{len(words)}-{bool(advised)}"
        said = prune(*(MEASURE if expected.get("texts") else EMBED), str(data), *words, "--store", store)
        if "refused" in expected:
            assert said.code in {2, 3}, said
            assert re.search(expected["refused"], said.err), said.err
            if "then" in expected:
                check(root, data, expected["then"], said.err)
            return
        assert said.code == 0, said.err
        again = prune("select", "--method", "random", "--count", 1, "--store", store)
        assert (again.code, "stale" in again.err) == (0, False), again.err
        assert found(store, json.loads(said.out)) == {
            name: value for name, value in expected.items() if name not in {"words", "data", "texts"}
        }

    return run


def found(store: Path, said: dict[str, Any]) -> dict[str, Any]:
    """Return what `expected` says of a dataset: what the command printed, and what the store knows."""
    about, dataset = said["dataset"], Store(store).dataset
    counts = Counter(label for label in dataset.labels.tolist() if label >= 0)
    result = {"n": about["n"], "classes": {name: counts[i] for i, name in enumerate(dataset.classes)}}
    result |= {name: about[name] for name in ("split", "passed_over") if about[name]}
    return result | ({"rejects": said["rejects"]} if said["rejects"] else {})
