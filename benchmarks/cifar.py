"""CIFAR-10 in the three formats that `prune` reads, made from one another in the same sample order."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SHARD = 5_000  # samples


def read(parquet: Path) -> tuple[list[bytes], np.ndarray, list[str], list[str]]:
    """Return images, labels, file names and class names, sorted as an image folder sorts them."""
    table = pq.read_table(parquet)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    image, label = (n for kind in ("Image", "ClassLabel") for n in features if features[n]["_type"] == kind)
    classes = features[label]["names"]
    labels = table[label].to_numpy()
    pictures = table[image].combine_chunks()
    names = [f"{classes[y]}/{row:05d}.jpg" for row, y in enumerate(labels)]
    order = np.argsort(np.array(names))
    images = pictures.field("bytes").take(pa.array(order)).to_pylist()
    return images, labels[order], [names[row] for row in order], classes


def write_imagefolder(root: Path, images: list[bytes], names: list[str]) -> None:
    """One file an image, one folder a class."""
    for name, data in zip(names, images, strict=True):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_webdataset(root: Path, images: list[bytes], labels: np.ndarray, names: list[str]) -> None:
    """Shards as the webdataset library writes them with an integer mtime."""
    root.mkdir(parents=True)
    for number, start in enumerate(range(0, len(images), SHARD)):
        with tarfile.open(root / f"cifar10-{number:03d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for row in range(start, min(start + SHARD, len(images))):
                key = names[row].removesuffix(".jpg")
                for member, data in ((f"{key}.cls", str(labels[row]).encode()), (f"{key}.jpg", images[row])):
                    info = tarfile.TarInfo(member)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))


def write_parquet(
    root: Path, images: list[bytes], labels: np.ndarray, names: list[str], classes: list[str]
) -> None:
    """The layout of the Hugging Face hub."""
    features = {"image": {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    paths = pa.array([name.replace("/", "-") for name in names])
    table = pa.table(
        {
            "image": pa.StructArray.from_arrays([pa.array(images, pa.binary()), paths], ["bytes", "path"]),
            "label": pa.array(labels, pa.int64()),
        }
    ).replace_schema_metadata(metadata)
    (root / "data").mkdir(parents=True)
    pq.write_table(table, root / "data" / "train-00000-of-00001.parquet", row_group_size=1000)


def make(parquet: Path, home: Path) -> dict[str, Path]:
    """Write the three formats below `home`, where they are not there yet; return format -> folder."""
    places = {name: home / name for name in ("imagefolder", "webdataset", "huggingface")}
    if not (home / "made").exists():
        images, labels, names, classes = read(parquet)
        write_imagefolder(places["imagefolder"], images, names)
        write_webdataset(places["webdataset"], images, labels, names)
        write_parquet(places["huggingface"], images, labels, names, classes)
        (home / "made").touch()
    return places


def with_noise(parquet: Path, root: Path, share: float, seed: int) -> np.ndarray:
    """Write parquet in which a share of the labels is replaced by another class; return which."""
    images, labels, names, classes = read(parquet)
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(labels), bool)
    wrong[rng.choice(len(labels), round(share * len(labels)), replace=False)] = True
    labels = np.where(wrong, (labels + rng.integers(1, len(classes), len(labels))) % len(classes), labels)
    if not root.exists():
        write_parquet(root, images, labels, names, classes)
    return wrong


def digests(images: Iterator[bytes]) -> list[str]:
    """SHA-256 of every image."""
    return [hashlib.sha256(data).hexdigest() for data in images]
