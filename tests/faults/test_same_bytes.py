"""The same bytes, whatever the workers, threads, hash seed, locale, time zone, place, order and history."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from prune import pipeline
from prune.steps.settings import Settings
from prune.system.checksummed_json import unsealed

TABLE = "Same bytes"
MLP = {"proxy": "mlp", "epochs": 2, "size": 8}
CHOSEN = {  # selectors of every kind: geometry, graph, gradients, weights, scores, chance
    "kcenter": {"on": "pixels"},
    "facility_location": {"on": "shufflenet_v2_x0_5"},
    "kmeans": {"on": "shufflenet_v2_x0_5"},
    "craig": {},
    "glister": {},
    "herding": {"on": "pixels", "reweight": "nnls"},
    "graph_cut": {"on": "proxy"},
    "log_det": {"on": "pixels"},
    "zcore": {"on": "pixels"},
    "stratified": {"score": "el2n"},
    "random": {},
}
LONG = (pytest.mark.soak, pytest.mark.timeout(3600))
FORMATS = ("webdataset", "parquet", "imagefolder", "manifest")

# Embeds and scores (`columns`), selects and exports (`choose`), or does both, in a process of its own.
PROGRAM = """
import json, sys
from pathlib import Path
from prune import pipeline
from prune.modalities.image import batches
from prune.system.checksummed_json import unsealed
from prune.steps.settings import Settings

batches._TASK_BYTES = 4 * 3 * 8 * 8  # so that forty images are work for several

if __name__ == "__main__":
    stage, data, home, workers, about = sys.argv[1:]
    about, store = json.loads(about), Path(home) / "store"
    settings = Settings(workers=int(workers), device="cpu")
    if stage != "choose":
        pipeline.embed(store, data, encoder="pixels", settings=settings)
        pipeline.embed(store, data, encoder="shufflenet_v2_x0_5", weights=about["weights"], settings=settings)
        pipeline.score(store, data, types=["aum"], training=about["conv"], settings=settings)
        types, mlp = ["el2n", "forgetting", "grad_norm", "deepfool", "input_norm", "cal"], about["mlp"]
        pipeline.score(store, data, types=types, training=mlp, runs=2, settings=settings, on="pixels")
        pipeline.score(store, types=["density", "prototype"], on="shufflenet_v2_x0_5", settings=settings)
    if stage != "columns":
        for method, asked in about["chosen"].items():
            pipeline.select(store, method=method, fraction="0.3", settings=settings, **asked)
        for format in about["formats"]:
            out = Path(home) / format
            pipeline.export(store, format=format, out=out, selection="herding", settings=settings)
"""


def bytes_of(home: Path) -> dict[str, bytes]:
    """Return all that has to be equal, with what FORMAT.md excepts left out."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if not path.is_file() or path.name in {"lock", "location.json", "timings.json"} or "scans" in name:
            continue
        data = path.read_bytes()
        if path.name == "selection.json" and name.startswith("store"):
            about = json.loads(data)
            del about["seconds"], about["threads"]
            data = json.dumps(about).encode()
        if path.name == "store.json":
            state = json.loads(data)
            data = json.dumps({**state, "selections": sorted(state["selections"]), "seal": ""}).encode()
        found[name] = data
    return found


def different(one: Path, two: Path) -> list[str]:
    """Name the files that two homes do not share byte for byte."""
    ours, theirs = bytes_of(one), bytes_of(two)
    assert len(ours) > 5
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of torchvision, its weights in a file."""
    path = tmp_path_factory.mktemp("weights") / "shufflenet.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def apart(weights: Path) -> Callable[..., None]:
    """Run a stage in a process with these workers and threads, flags of Python, folder and environment."""
    conv = {"proxy": "resnet8", "epochs": 1, "size": 8}
    about = {"weights": str(weights), "conv": conv, "mlp": MLP, "chosen": CHOSEN, "formats": FORMATS}

    def run(
        stage: str,
        data: Path | str,
        home: Path,
        *,
        workers: int = 0,
        threads: int = 1,
        flags: tuple[str, ...] = (),
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        program = home.parent / f"{home.name}.py"  # a file: worker processes import it
        program.write_text(PROGRAM)
        counted = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        around = os.environ | dict.fromkeys(counted, str(threads)) | {"OMP_WAIT_POLICY": "PASSIVE"} | environ
        words = [stage, str(data), str(home), str(workers), json.dumps(about)]
        done = subprocess.run(
            [sys.executable, *flags, str(program), *words],
            env=around,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, sources: Path, apart: Callable[..., None]) -> Path:
    """A home with columns, selections and exports: made by one thread, without workers."""
    home = tmp_path_factory.mktemp("reference") / "home"
    apart("both", sources / "images", home, PYTHONHASHSEED="0", LC_ALL="C.UTF-8", TZ="UTC")
    return home


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=LONG)])
def test_another_process_in_other_surroundings(
    tmp_path: Path,
    sources: Path,
    reference: Path,
    apart: Callable[..., None],
    tally: Callable[..., None],
    workers: int,
) -> None:
    """With workers, another hash seed, the C locale, a far time zone, a relative path, `python -O`."""
    moved, home = tmp_path / "über" / "images", tmp_path / "home"
    shutil.copytree(sources / "images", moved)
    for path in moved.rglob("*.png"):
        os.utime(path, (4e9, 4e9))
    around = {"PYTHONHASHSEED": "31", "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONUTF8": "0"}
    words: dict[str, Any] = {"workers": workers, "flags": ("-O",), "cwd": moved.parent, **around}
    apart("both", "images", home, **words)
    assert different(reference, home) == []
    tally(TABLE, "workers, hash seed, locale, time zone, place, future times, -O", "compared")


@pytest.mark.parametrize("threads", [2, pytest.param(4, marks=LONG)])
def test_equal_columns_give_equal_selections_by_any_number_of_threads(
    tmp_path: Path,
    sources: Path,
    reference: Path,
    apart: Callable[..., None],
    tally: Callable[..., None],
    threads: int,
) -> None:
    shutil.copytree(reference / "store", tmp_path / "home/store")
    shutil.rmtree(tmp_path / "home/store/selections")
    path = tmp_path / "home/store/store.json"
    state = unsealed(json.loads(path.read_bytes()))
    path.write_text(json.dumps({**state, "selections": {}, "latest": "none"}))
    apart("choose", sources / "images", tmp_path / "home", threads=threads, PYTHONHASHSEED="7")
    assert different(reference, tmp_path / "home") == []
    tally(TABLE, "threads: selections and exports from equal columns", "compared", len(CHOSEN) + len(FORMATS))


@pytest.mark.parametrize("threads", [3, pytest.param(4, marks=LONG)])
def test_networks_leave_the_same_bytes_by_any_number_of_threads(
    tmp_path: Path,
    sources: Path,
    reference: Path,
    apart: Callable[..., None],
    tally: Callable[..., None],
    threads: int,
) -> None:
    apart("columns", sources / "images", tmp_path / "home", threads=threads)
    ours, theirs = (
        {k: v for k, v in bytes_of(home).items() if "/columns/" in k}
        for home in (reference, tmp_path / "home")
    )
    assert len(theirs) > 20
    assert ours == theirs
    tally(TABLE, "threads: columns by networks", "compared", len(theirs))


def chain(home: Path, data: str, workers: int = 0) -> None:
    store = home / "store"
    pipeline.embed(store, data, encoder="pixels", settings=Settings(workers=workers))
    pipeline.score(store, types=["el2n", "grad_norm"], training=MLP)
    pipeline.select(store, method="kcenter", fraction="0.3", on="pixels")
    for format in ("webdataset", "parquet"):
        pipeline.export(store, format=format, out=home / format)


class _Backwards:
    """What `os.scandir` returns, from the last entry to the first."""

    def __init__(self, found: Any) -> None:
        with found as entries:
            self._entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    def __enter__(self) -> _Backwards:
        return self

    def __iter__(self) -> _Backwards:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        return None


@pytest.mark.usefixtures("four_at_once")
@pytest.mark.parametrize("kind", ["imagefolder", "webdataset", "parquet", "arrow", "arrays"])
def test_every_reader_wherever_the_data_lies_and_however_folders_are_listed(
    tmp_path: Path,
    dataset_of: Callable[[str, Path], str],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    tally: Callable[..., None],
) -> None:
    data = dataset_of(kind, tmp_path / "data")
    chain(tmp_path / "one", data)
    chain(tmp_path / "one", data)  # once more: nothing is to change
    shutil.copytree(tmp_path / "data", tmp_path / "elsewhere/data")
    for path in (tmp_path / "elsewhere").rglob("*.*"):
        os.utime(path, (4e9, 4e9))
    scandir, listdir = os.scandir, os.listdir
    monkeypatch.setattr(os, "scandir", lambda *where: _Backwards(scandir(*where)))
    monkeypatch.setattr(os, "listdir", lambda *where: sorted(listdir(*where), reverse=True))
    chain(tmp_path / "two", data.replace(str(tmp_path), str(tmp_path / "elsewhere")), workers=1)
    assert different(tmp_path / "one", tmp_path / "two") == []
    tally(TABLE, "readers: place, times, order of folders, a worker, run twice", "compared", 2)


@pytest.mark.usefixtures("four_at_once")
@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("verb", ["embed", "score"])
def test_a_run_that_goes_on_with_other_workers(
    tmp_path: Path,
    sources: Path,
    verb: str,
    at: float,
    small_parts: None,
    faulty: Callable[..., Any],
    tally: Callable[..., None],
) -> None:
    data = str(sources / "images")

    def run(home: Path, workers: int) -> None:
        settings = Settings(workers=workers)
        if verb == "embed":
            pipeline.embed(home / "store", data, encoder="pixels", settings=settings)
        else:
            pipeline.score(home / "store", data, types=["grad_norm"], training=MLP, settings=settings)

    counting = faulty()
    run(tmp_path / "whole", 0)
    disk = faulty("kill", int(at * len(counting.calls)))
    with pytest.raises(disk.Killed):
        run(tmp_path / "resumed", 0)
    faulty()
    run(tmp_path / "resumed", 1 if at > 0.8 else 0)
    assert different(tmp_path / "whole", tmp_path / "resumed") == []
    tally(TABLE, "gone on with after a kill", "compared")
