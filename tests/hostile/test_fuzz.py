"""Random input, from nothing and by mutation of what is right: never a traceback, a hang or a silent loss."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save

from prune import pipeline
from prune.core.errors import PruneError
from prune.core.progress import SILENT
from prune.encoders import weights
from prune.encoders.features import open_features
from prune.exporters import place
from prune.exporters.staging import existing_export
from prune.modalities.image import Crop, UnreadableImageError, read_images, to_pixels
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.scorers import imported_scores
from prune.steps.report.status import status
from prune.steps.settings import Settings
from prune.store import Store

NUMBERS = [0, 1, 127, 128, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Return bytes with one to four changes: flipped, cut, removed, repeated, overwritten."""
    held = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 4])):
        place = dice.randrange(len(held) + 1)
        size = dice.choice([1, 4, 16, 512, dice.randrange(len(held) + 1)])
        match dice.randrange(7):
            case 0 | 1 if place < len(held):
                held[place] ^= 1 << dice.randrange(8)
            case 2:
                del held[place:]
            case 3:
                del held[place : place + size]
            case 4:
                held[place:place] = held[place : place + size]
            case 5:
                number = dice.choice(NUMBERS)
                wide = dice.choice([w for w in (1, 2, 4, 8) if number < 256**w])
                held[place : place + wide] = number.to_bytes(wide, dice.choice(["little", "big"]))
            case _:
                held[place : place + size] = bytes(dice.randrange(256) for _ in range(min(size, 32)))
    return bytes(held)


def looked_at(place: str, **options: Any) -> int:
    """Open, scan and decode a dataset; return how many samples it has."""
    reader = open_reader(place, **options)
    dataset = scan(reader, Path(place).parent / "none", SILENT, keep=False)
    sound = dataset.samples.filter(dataset.samples["reason"].is_null())
    for _ in read_images(reader, sound, Crop(8, 8), workers=0):
        pass
    return len(dataset)


def shards(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    members = [
        *make.pairs(range(4)),
        ("z" * 150 + ".jpg", make.picture(4, "jpeg")),
        ("y.json", b'{"label": 3}'),
    ]
    return make.tar(root / "x.tar", members), lambda: looked_at(str(root))


def tables(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    return make.parquet(root, make.table()) / "train-00000-of-00001.parquet", lambda: looked_at(str(root))


def streams(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    return make.arrow(root, make.table()) / "data.arrow", lambda: looked_at(str(root))


def states(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    return make.arrow(root, make.table()) / "state.json", lambda: looked_at(str(root))


def arrays(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    root.mkdir()
    np.save(root / "x.npy", np.stack([make.pixels(i) for i in range(4)]))
    return root / "x.npy", lambda: looked_at(str(root / "x.npy"))


def folders(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    return make.folder(root) / "a" / "000.png", lambda: looked_at(str(root))


def features(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    dataset = scan(open_reader(str(make.folder(root / "in"))), root, SILENT, keep=False)
    held = pa.table({"key": dataset.keys, "v": np.eye(6).tolist()})
    pq.write_table(held, root / "f.parquet")
    return root / "f.parquet", lambda: list(
        open_features(root / "f.parquet", dataset).blocks(dataset.usable, 4)
    )


def scores(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    dataset = scan(open_reader(str(make.folder(root / "in"))), root, SILENT, keep=False)
    text = "key,one,two\n" + "".join(f"{key},{i},{i / 3}\n" for i, key in enumerate(dataset.keys))
    (root / "s.csv").write_text(text)
    return root / "s.csv", lambda: imported_scores(root / "s.csv", dataset)


def tensors(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    root.mkdir()
    (root / "w.safetensors").write_bytes(save({"a.weight": torch.ones(4, 3), "b": torch.zeros(2)}))
    return root / "w.safetensors", lambda: weights.read(root / "w.safetensors")


def pickles(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    root.mkdir()
    torch.save({"a.weight": torch.ones(4, 3), "b": torch.zeros(2)}, root / "w.pth")
    return root / "w.pth", lambda: weights.read(root / "w.pth")


def pictures(kind: str) -> Callable[[Any, Path], tuple[Path, Callable[[], object]]]:
    def build(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
        root.mkdir()
        (root / "p").write_bytes(make.picture(3, kind, 20))
        return root / "p", lambda: to_pixels((root / "p").read_bytes(), Crop(8, 8))

    return build


def whole_store(make: Any, root: Path) -> Store:
    store, plain = Store(root / "store"), Settings()
    pipeline.embed(store, str(make.folder(root / "in")), encoder="pixels", settings=plain)
    pipeline.select(store, method="random", fraction=0.5)
    pipeline.export(store, format="imagefolder", out=root / "out")
    return store


def of_store(pattern: str) -> Callable[[Any, Path], tuple[Path, Callable[[], object]]]:
    def build(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
        store = whole_store(make, root)

        def use() -> None:
            with contextlib.suppress(PruneError):
                status(store)
            with contextlib.suppress(PruneError):
                pipeline.select(store, method="kcenter", count=2)
            pipeline.export(store, format="manifest", out=Path(tempfile.mkdtemp(dir=root)) / "m")

        return next((root / "store").rglob(pattern)), use

    return build


def exports(make: Any, root: Path) -> tuple[Path, Callable[[], object]]:
    whole_store(make, root)
    out = root / "out"
    described = place.located(out, place.EXPORT)
    return described, lambda: existing_export.is_complete(out, "x", overwrite=True)


SEEDS: dict[str, Callable[[Any, Path], tuple[Path, Callable[[], object]]]] = {
    "tar": shards,
    "parquet": tables,
    "Arrow": streams,
    "state.json": states,
    ".npy": arrays,
    "image folder": folders,
    "features": features,
    "csv": scores,
    "safetensors": tensors,
    "checkpoint": pickles,
    **{kind: pictures(kind) for kind in ("png", "jpeg", "gif", "webp", "bmp", "tiff", "ppm")},
    **{
        name: of_store(name)
        for name in (
            "store.json",
            "dataset.json",
            "column.json",
            "location.json",
            "selection.json",
            "part-*.npy",
        )
    },
    "export.json": exports,
}
SLOW = {"store.json", "dataset.json", "column.json", "location.json", "selection.json", "part-*.npy"}


def fuzzed(
    make: Any, in_time: Any, root: Path, name: str, count: int, seconds: float, seed: int
) -> dict[str, int]:
    """Try mutations of one file; return how many were refused and how many read."""
    path, use = SEEDS[name](make, root / "case")
    good, seen, until = path.read_bytes(), {"refused": 0, "read": 0}, time.monotonic() + seconds
    shutil.copytree(root / "case", root / "kept", symlinks=True)
    for number in range(count):
        if time.monotonic() > until:
            break
        dice = random.Random(f"{name} {seed} {number}")
        if name in SLOW:  # verbs that mend what they find
            shutil.rmtree(root / "case")
            shutil.copytree(root / "kept", root / "case", symlinks=True)
        path.write_bytes(mutated(good, dice))
        try:
            with in_time():
                use()
            seen["read"] += 1
        except (PruneError, UnreadableImageError):
            seen["refused"] += 1
        except Exception as error:
            error.add_note(f"mutation {number} of {name}, seed {seed}")
            raise
    return seen


@pytest.mark.parametrize("name", SEEDS)
def test_mutations(name: str, make: Any, in_time: Any, tmp_path: Path, tally: Any) -> None:
    seen = fuzzed(make, in_time, tmp_path, name, 20 if name in SLOW else 150, 2.0, 0)
    assert sum(seen.values()) >= 1
    for column, count in {"cases": sum(seen.values()), **seen}.items():
        tally("Fuzzing", f"mutations of {name}", column, count)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SEEDS)
def test_mutations_for_long(name: str, make: Any, in_time: Any, tmp_path: Path, tally: Any) -> None:
    seen = fuzzed(make, in_time, tmp_path, name, 10**6, 40.0, random.SystemRandom().randrange(10**6))
    for column, count in {"cases": sum(seen.values()), **seen}.items():
        tally("Fuzzing", f"mutations of {name}", column, count)
