"""Make tests/data/store-v1, a store of format 1. Run by hand, once; no test calls this."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from prune import pipeline
from prune.store import Store

HERE = Path(__file__).parent


def main() -> None:
    """Draw a dozen images, run the chain, write down what came out."""
    store, data = HERE / "store-v1", HERE / "images"
    if store.exists():
        raise SystemExit(f"{store} exists; a new format gets a folder of its own")
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        pixels[:, :4] //= 1 + 3 * (number % 2)
        path = data / ("left", "right")[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    pipeline.embed(store, str(data), encoder="pixels")
    training = {"proxy": "linear", "epochs": 2}
    pipeline.score(store, str(data), types=["el2n", "forgetting"], training=training, on="pixels")
    pipeline.select(store, method="kcenter", fraction="0.5", on="pixels")
    (store / "lock").unlink()
    (store / "timings.json").unlink()
    shutil.rmtree(store / "scans")
    (store / "location.json").write_text(
        json.dumps({"data": "images", "reading": {}, "relative": "../images"})
    )
    found = Store(store)
    golden = {
        "fingerprint": found.state["dataset"],
        "keys": found.dataset.keys,
        "columns": {name: digest(found.column(name).read()) for name in found.columns},
        "kept": np.load(store / "selections" / "kcenter" / "indices.npy").tolist(),
    }
    (HERE / "store-v1.json").write_text(json.dumps(golden, indent=1))


def digest(array: np.ndarray) -> str:
    """SHA-256 of shape, type and bytes."""
    head = f"{array.shape}{array.dtype.str}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


if __name__ == "__main__":
    main()
