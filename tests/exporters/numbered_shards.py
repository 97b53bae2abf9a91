"""Three shards of eight numbered samples, of which every third of the first sixteen is kept."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

import prune as library

SOURCE = range(24)  # samples, in the order of the dataset
KEPT = [n for n in SOURCE if n % 3 == 1 and n < 16]


def png(number: int) -> bytes:
    out = io.BytesIO()
    rng = np.random.default_rng(number)
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def write(path: Path, samples: dict[str, dict[str, bytes]], form: int = tarfile.GNU_FORMAT) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as tar:
        for key, files in samples.items():
            for extension, data in files.items():
                info = tarfile.TarInfo(f"{key}.{extension}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def sample(number: int) -> dict[str, bytes]:
    about = {"uid": f"{number * 7919 % 101:032x}", "n": number}
    return {"png": png(number), "cls": str(number % 2).encode(), "json": json.dumps(about).encode()}


def make_numbered(folder: Path) -> Path:
    """Write the shards to `data`, and a store that knows which are kept."""
    for shard in range(3):
        samples = {f"part/{n:04}": sample(n) for n in range(8 * shard, 8 * shard + 8)}
        write(folder / "data" / f"s-{shard}.tar", samples)
    library.embed(folder / ".prune", str(folder / "data"), encoder="pixels")
    library.select(folder / ".prune", method="random", fraction=1, where="n % 3 = 1 and n < 16")
    return folder


def exported(folder: Path, form: str, out: Path) -> Path:
    library.export(folder / ".prune", format=form, out=out)
    return out
