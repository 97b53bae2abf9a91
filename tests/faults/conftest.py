"""What the faults are tried on: a dataset and what goes with it, small parts, and the content of a home."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from prune.modalities.image import batches
from prune.store import Store

NOT_CONTENT = {"lock", "location.json", "timings.json"}  # see FORMAT.md

NETS = """
from torch import nn


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6), nn.ReLU(), nn.Linear(6, 2))
"""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty samples are to be several parts."""
    monkeypatch.setattr(Store.write_column, "__kwdefaults__", {"part_rows": 16})


@pytest.fixture
def four_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of four images, so that forty are work for several processes."""
    monkeypatch.setattr(batches, "_TASK_BYTES", 4 * 3 * 8 * 8)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `images` (40), `more` (8), `scores.csv` of the images, and a net with its weights.

    `grown` are the images later: six fewer, four more, one under another name.
    """
    root = tmp_path_factory.mktemp("sources")
    _draw(root / "images", range(40))
    _draw(root / "grown", range(6, 44))
    (root / "grown/left/020.png").rename(root / "grown/right/moved.png")
    _draw(root / "more", range(100, 108))
    keys = [f"{('left', 'right')[i % 2]}/{i:03d}.png" for i in range(40)]
    (root / "scores.csv").write_text("key,mine\n" + "".join(f"{key},{i % 7}\n" for i, key in enumerate(keys)))
    (root / "faulty_nets.py").write_text(NETS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6), nn.ReLU(), nn.Linear(6, 2))
    safetensors.torch.save_file(net.state_dict(), root / "w.safetensors")
    return root


def _draw(root: Path, numbers: range) -> None:
    for number in numbers:
        path = root / ("left", "right")[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(60, 256, (12, 12, 3), dtype=np.uint8)
        half = slice(None, 6) if number % 2 == 0 else slice(6, None)
        pixels[:, half] //= 4
        Image.fromarray(pixels).save(path)


def _content(home: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(home.rglob("*")):
        relative = path.relative_to(home)
        if path.is_file() and path.name not in NOT_CONTENT and "scans" not in relative.parts:
            data = path.read_bytes()
            if path.name == "selection.json" and "store" in relative.parts:
                about = json.loads(data)
                del about["seconds"]
                data = json.dumps(about).encode()
            if path.name == "store.json":
                state = json.loads(data)
                data = json.dumps({**state, "selections": sorted(state["selections"]), "seal": ""}).encode()
            found[str(relative)] = data
    return found


@pytest.fixture
def content() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a home (`store` and exports) that has to be the same in every run."""
    return _content


@pytest.fixture
def names() -> Callable[[Path], set[str]]:
    """Everything below a folder, by relative name: what was left behind shows.

    But for the cache of scans: what changed within the last tick of the clock is not put there.
    """

    def below(home: Path) -> set[str]:
        found = (path.relative_to(home) for path in home.rglob("*"))
        return {str(path) for path in found if "scans" not in path.parts}

    return below


def _png(number: int) -> bytes:
    """An image of its own for each number."""
    sink = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def _row(number: int) -> tuple[int, int]:
    """(image, label) of a sample."""
    return number, number % 2


def _folder(root: Path, rows: list[tuple[int, int]], name: str = "") -> None:
    for place, (image, label) in enumerate(rows):
        path = root / f"class{label}" / f"{name}{place:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(image))


def _tars(path: Path, rows: list[tuple[int, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for place, (image, label) in enumerate(rows):
            for suffix, data in (("png", _png(image)), ("cls", b"%d" % label)):
                info = tarfile.TarInfo(f"{path.stem}-{place:02d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def _table(rows: list[tuple[int, int]]) -> pa.Table:
    names = {"image": {"_type": "Image"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    kinds = {"image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "label": pa.int64()}
    schema = pa.schema(kinds, metadata={"huggingface": json.dumps({"info": {"features": names}})})
    lines = [{"image": {"bytes": _png(image), "path": None}, "label": label} for image, label in rows]
    return pa.Table.from_pylist(lines, schema)


def _parquet(path: Path, rows: list[tuple[int, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(_table(rows), path)


def _arrow(path: Path, rows: list[tuple[int, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = _table(rows)
    with pa.ipc.new_stream(path, found.schema) as out:
        out.write_table(found)
    files = sorted(file.name for file in path.parent.glob("*.arrow"))
    state = {"_data_files": [{"filename": name} for name in files], "_split": None}
    (path.parent / "state.json").write_text(json.dumps(state))


def _arrays(root: Path, rows: list[tuple[int, int]]) -> None:
    root.mkdir(exist_ok=True)
    pixels = [np.random.default_rng(image).integers(0, 256, (6, 6), dtype=np.uint8) for image, _ in rows]
    np.save(root / "x.npy", np.stack(pixels))
    np.save(root / "y.npy", np.array([label for _, label in rows]))


_WRITE = {"webdataset": _tars, "parquet": _parquet, "arrow": _arrow}
_NAMES = {
    "webdataset": ("s0.tar", "s1.tar", "s2.tar"),
    "parquet": tuple(f"train-{i:05d}-of-00003.parquet" for i in range(3)),
    "arrow": tuple(f"data-{i:05d}-of-00003.arrow" for i in range(3)),
}
_FIRST, _SECOND = [_row(i) for i in range(6)], [_row(i) for i in range(6, 12)]


def _make(kind: str, root: Path) -> str:
    """Write a dataset of twelve samples: two shards, where there are shards."""
    if kind == "imagefolder":
        _folder(root, _FIRST + _SECOND)
    elif kind == "arrays":
        _arrays(root, _FIRST + _SECOND)
        return str(root / "x.npy")
    else:
        for name, rows in zip(_NAMES[kind], (_FIRST, _SECOND), strict=False):
            _WRITE[kind](root / name, rows)
    return str(root)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _flip(path: Path) -> None:
    """Another image of the same size, in place, with the time stamps that it had."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _swap(one: Path, two: Path) -> None:
    one.rename(one.with_suffix(".x"))
    two.rename(one)
    one.with_suffix(".x").rename(two)


def _change(kind: str, what: str, root: Path) -> str:
    """Change a dataset that `make` wrote; return what the error has to name."""
    if kind == "imagefolder":
        one, two = root / "class0/00.png", root / "class0/02.png"
        steps: dict[str, Callable[[], object]] = {
            "changed": lambda: _flip(one),
            "added": lambda: (root / "class1/99.png").write_bytes(_png(99)),
            "removed": lambda: one.unlink(),
            "swapped": lambda: _swap(one, two),
            "relabelled": lambda: one.rename(root / "class1/00.png"),
            "truncated": lambda: _cut(one),
        }
        steps[what]()
        return {"added": "class1/99.png is new", "relabelled": "class0/00.png is missing"}.get(
            what, f"class0/00.png {'is missing' if what == 'removed' else 'changed'}"
        )
    if kind == "arrays":
        rows = _FIRST + _SECOND
        new = {
            "changed": [(77, 0), *rows[1:]],
            "added": [*rows, _row(12)],
            "removed": rows[:-1],
            "swapped": [(rows[1][0], 0), (rows[0][0], 1), *rows[2:]],
            "relabelled": [(0, 1), *rows[1:]],
        }
        if what == "truncated":
            _cut(root / "x.npy")
        else:
            _arrays(root, new[what])
        return "y.npy changed" if what == "relabelled" else "x.npy"
    first, second, third = (root / name for name in _NAMES[kind])
    shards: dict[str, Callable[[], object]] = {
        "changed": lambda: _WRITE[kind](second, [(77, 0), *_SECOND[1:]]),
        "added": lambda: _WRITE[kind](third, [_row(12)]),
        "removed": lambda: (second.unlink(), kind == "arrow" and _arrow(first, _FIRST)),
        "swapped": lambda: _swap(first, second),
        "relabelled": lambda: _WRITE[kind](second, [(6, 1), *_SECOND[1:]]),
        "truncated": lambda: _cut(second),
    }
    shards[what]()
    touched = {"added": third, "swapped": first}.get(what, second).name
    said = {"added": "is new", "removed": "is missing", "truncated": ""}.get(what, "changed")
    return f"{touched} {said}".strip()


@pytest.fixture(scope="session")
def dataset_of() -> Callable[[str, Path], str]:
    """Write twelve samples as a dataset of a kind; return its place. Shards, where there are any, are two."""
    return _make


@pytest.fixture(scope="session")
def change() -> Callable[[str, str, Path], str]:
    """Change such a dataset; return what the error has to name."""
    return _change


@pytest.fixture(scope="session")
def png() -> Callable[[int], bytes]:
    """An image of its own for each number, as a file."""
    return _png


@pytest.fixture(scope="session")
def folder() -> Callable[[Path, Sequence[int]], None]:
    """Write an image folder of these numbers; even ones are of `class0`, odd ones of `class1`."""
    return lambda root, numbers: _folder(root, [_row(number) for number in numbers])
