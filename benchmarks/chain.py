"""The three lines of the README on CIFAR-10 in three formats: times, the same samples, the same bytes.

    python benchmarks/chain.py --data FOLDER_WITH_PARQUET

Makes CIFAR-10 as an image folder, as shards and as parquet in one order, runs in an empty folder each

    prune score --type grad_norm data/
    prune select --method kcenter --fraction 0.3
    prune export --format webdataset

and checks that the three keep the same samples, that the plain webdataset library and `datasets` read
the result back, and that every byte of every image is the source's. Prints the wall time of each stage.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cifar
import numpy as np

FORMATS = ("imagefolder", "webdataset", "huggingface")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-*.parquet and test-*.parquet"
    )
    parser.add_argument(
        "--work", type=Path, help="where to work; kept, and reused. Default: a temporary folder"
    )
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--epochs", type=int, help="default: prune's own")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        places = cifar.make(next(options.data.glob("train-*.parquet")), work)
        figures = {name: run(name, places[name], work, options.epochs) for name in options.formats.split(",")}
        agree(figures, work, places)
        first = work / f"run-{options.formats.split(',')[0]}"
        accuracy = test_accuracy(first / ".prune", next(options.data.glob("test-*.parquet")))
    report(figures, accuracy)
    if options.json:
        options.json.write_text(json.dumps({"formats": figures, "test accuracy": accuracy}, indent=1))


def run(name: str, data: Path, work: Path, epochs: int | None) -> dict[str, float]:
    """Run the three lines in an empty folder; return seconds of each stage; once is enough."""
    home = work / f"run-{name}"
    done = home / "seconds.json"
    if done.exists():
        return json.loads(done.read_text())
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "data").symlink_to(data)
    more = [] if epochs is None else ["--epochs", str(epochs)]
    lines = {
        "score": ["--type", "grad_norm", "data/", *more],
        "select": ["--method", "kcenter", "--fraction", "0.3"],
        "export": ["--format", "webdataset"],
    }
    seconds: dict[str, float] = {}
    for verb, words in lines.items():
        print("$ prune", verb, *words, flush=True)
        began = time.perf_counter()
        result = subprocess.run(
            [Path(sys.executable).with_name("prune"), verb, *words, "--json"],
            cwd=home,
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds[f"{verb}: whole command"] = time.perf_counter() - began
        said = json.loads(result.stdout)["seconds"]
        stages = said["select"] if verb == "select" else said
        seconds |= {f"{verb}: {stage}": spent for stage, spent in stages.items() if stage != "total"}
    done.write_text(json.dumps(seconds))
    return seconds


def kept(home: Path) -> dict[str, bytes]:
    """Return key -> image of an export, read by the plain webdataset library."""
    import webdataset as wds

    shards = sorted(str(path) for path in (home / "pruned-webdataset").rglob("*.tar"))
    return {s["__key__"]: s["jpg"] for s in wds.WebDataset(shards, shardshuffle=False)}


def agree(figures: dict[str, dict[str, float]], work: Path, places: dict[str, Path]) -> None:
    """Check that all formats keep the same 15,000 samples, byte for byte those of the source."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    source = set(cifar.digests(p.read_bytes() for p in places["imagefolder"].rglob("*.jpg")))
    found = {}
    for name in figures:
        images = kept(work / f"run-{name}")
        assert len(images) == 15_000, len(images)
        found[name] = sorted(cifar.digests(iter(images.values())))
        assert set(found[name]) <= source
        home = work / f"run-{name}"
        shutil.rmtree(home / "hf", ignore_errors=True)
        words = ["export", "--format", "huggingface", "--out", "hf", "--quiet"]
        subprocess.run([Path(sys.executable).with_name("prune"), *words], cwd=home, check=True)
        loaded = datasets.load_dataset(str(home / "hf"), cache_dir=str(home / "cache"))["train"]
        loaded = loaded.cast_column("image", datasets.Image(decode=False))
        assert sorted(cifar.digests(row["image"]["bytes"] for row in loaded)) == found[name]
        assert len(datasets.load_from_disk(str(home / "hf"))["train"]) == 15_000
    assert len({tuple(digests) for digests in found.values()}) == 1
    print(f"{', '.join(found)}: the same 15,000 samples, every byte the source's")


def test_accuracy(store: Path, parquet: Path) -> float:
    """Return the share of the test set that the proxy gets right."""
    import safetensors.torch
    import torch
    from PIL import Image

    from prune.proxy.models import build
    from prune.store import Store

    images, labels, _, _ = cifar.read(parquet)
    trace = Store(store).column("trace.0")
    size = trace.recipe["training"]["size"]
    model = build(trace.recipe["training"]["proxy"], (3, size, size), int(labels.max()) + 1).eval()
    weights = safetensors.torch.load(trace.attachment("weights", trace.recipe["training"]["epochs"]))
    model.load_state_dict({k: v for k, v in weights.items() if k in model.state_dict()})
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in images])
    right = 0
    cached = Store(store).column(f"images.{size}").read().astype(np.float32) / 255
    mean, std = cached.mean((0, 2, 3)), cached.std((0, 2, 3))
    with torch.inference_mode():
        for start in range(0, len(pixels), 500):
            batch = (pixels[start : start + 500] / np.float32(255) - mean) / std
            logits = model(torch.from_numpy(batch).permute(0, 3, 1, 2).float())
            right += int((logits.argmax(1).numpy() == labels[start : start + 500]).sum())
    return right / len(pixels)


def report(figures: dict[str, dict[str, float]], accuracy: float) -> None:
    """Print one table."""
    stages = list(dict.fromkeys(stage for seconds in figures.values() for stage in seconds))
    print(f"{'seconds':<44}" + "".join(f"{name:>14}" for name in figures))
    for stage in stages:
        print(f"{stage:<44}" + "".join(f"{seconds.get(stage, 0):>14.1f}" for seconds in figures.values()))
    print(f"test accuracy of the proxy: {accuracy:.1%}")


if __name__ == "__main__":
    main()
