"""Leaks of CIFAR-10's test set in its training set, and copies that were planted: who is found, who is not.

    python benchmarks/leaks.py --data FOLDER_WITH_PARQUET [--pictures FOLDER]

Planted: of the first test images, re-encoded and resized, which are found again among all of them, and how
many others are taken for copies. Digits, which resemble one another, are the hard case. With `--pictures`,
sheets of the pairs that were found, to look at: nobody but an eye knows what is a copy.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from measure import peak
from PIL import Image
from sklearn.datasets import load_digits

import prune
from prune.modalities.image import Crop, to_pixels
from prune.modalities.image.thumbnail_vectors import SIDE
from prune.steps.check.leaks import Leaks, find_leaks
from prune.steps.check.near_pairs import Thumbnails, near_pairs
from prune.store import Store, identity

Change = Callable[[Image.Image], bytes]


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    """Return the bytes of a file."""
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def resized(image: Image.Image, factor: float, kind: str, **options: int) -> bytes:
    """Return the bytes of a file of another size."""
    size = (round(image.width * factor), round(image.height * factor))
    return encoded(image.resize(size, Image.Resampling.BILINEAR), kind, **options)


CHANGES: dict[str, Change] = {
    "as PNG": lambda x: encoded(x, "PNG"),
    "JPEG, quality 90": lambda x: encoded(x, "JPEG", quality=90),
    "JPEG, quality 75": lambda x: encoded(x, "JPEG", quality=75),
    "JPEG, quality 50": lambda x: encoded(x, "JPEG", quality=50),
    "JPEG, quality 30": lambda x: encoded(x, "JPEG", quality=30),
    "JPEG, quality 15": lambda x: encoded(x, "JPEG", quality=15),
    "half the size": lambda x: resized(x, 0.5, "PNG"),
    "three quarters, JPEG 75": lambda x: resized(x, 0.75, "JPEG", quality=75),
    "twice the size, JPEG 75": lambda x: resized(x, 2, "JPEG", quality=75),
    "mirrored, JPEG 75": lambda x: encoded(x.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=75),
}


def thumbnails(place: Path, payloads: list[bytes]) -> Thumbnails:
    """Return the thumbnails of encoded images."""
    pixels = np.stack([to_pixels(data, Crop(SIDE, SIDE)) for data in payloads])
    store = Store(place)
    with store.writing():
        writer = store.write_column("images.32", {"of": place.name}, rows=len(pixels))
        for part in writer.missing():
            writer.put(part, pixels[part.start : part.stop])
        made = store.open_column("images.32", identity(writer.finish().recipe))
    return Thumbnails(made, np.arange(len(pixels)))


def planted(title: str, images: list[Image.Image], work: Path) -> None:
    """Print how many copies of each kind are found, and how many others are taken for such."""
    originals = thumbnails(work / "originals", [encoded(x, "PNG") for x in images])
    print(f"\n| {title}, {len(images):,} images | found | others | limit |\n|---|---:|---:|---:|")
    for number, (name, change) in enumerate(CHANGES.items()):
        found = near_pairs(thumbnails(work / str(number), [change(x) for x in images]), originals)
        own = found.one == found.two
        share = 100 * len(np.unique(found.one[own])) / len(images)
        others = len({frozenset(pair) for pair in zip(found.one[~own], found.two[~own], strict=True)})
        print(f"| {name} | {share:.2f} % | {others} | {found.limit:.3f} |")


def cifar10(data: Path, work: Path) -> Leaks:
    """Print what of the test set is in the training set."""
    store = Store(work / "cifar10.prune")
    settings = prune.Settings(reading={"split": "train"}, workers=2)
    prune.embed(store, str(data), encoder="pixels", settings=settings)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        leaks = find_leaks(store, str(data), prune.Settings(workers=2), split="test")
        seconds.append(time.perf_counter() - began)
    print(f"\nCIFAR-10: {leaks.described}; {len(set(leaks.partners.tolist()))} test images")
    print(f"{seconds[0]:.1f} s with thumbnails, {seconds[1]:.1f} s once they are there")
    print(f"peak memory of the process {peak() / 2**30:.2f} GiB")
    return leaks


def sheets(data: Path, leaks: Leaks, folder: Path) -> None:
    """Write pairs, least alike first, eighty a sheet: of each pair the training image on the left."""
    train, test = (pq.read_table(next(data.glob(f"{part}*.parquet")))["image"] for part in ("train", "test"))
    folder.mkdir(parents=True, exist_ok=True)
    order = np.argsort(leaks.similarity, kind="stable")
    for number, start in enumerate(range(0, len(order), 80)):
        sheet = Image.new("RGB", (10 * 138, 8 * 68), "white")
        for place, at in enumerate(order[start : start + 80].tolist()):
            for side, (table, row) in enumerate(((train, leaks.rows[at]), (test, leaks.partners[at]))):
                image = Image.open(io.BytesIO(table[int(row)]["bytes"].as_py())).resize((64, 64))
                sheet.paste(image, (place % 10 * 138 + 65 * side, place // 10 * 68))
        sheet.save(folder / f"{number:02}.png")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet and test-*.parquet")
    parser.add_argument("--images", type=int, default=2000, help="of which copies are planted")
    parser.add_argument("--pictures", type=Path, help="folder for sheets of the pairs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        digits = [Image.fromarray((x * 255 / 16).astype(np.uint8)) for x in load_digits().images]
        planted("digits of 8 x 8 pixels", digits[: options.images], work / "digits")
        if options.data is None:
            return
        table = pq.read_table(next(options.data.glob("test*.parquet")))["image"][: options.images]
        photos = [Image.open(io.BytesIO(one["bytes"].as_py())).convert("RGB") for one in table]
        planted("CIFAR-10", photos, work / "photos")
        leaks = cifar10(options.data, work)
        if options.pictures:
            sheets(options.data, leaks, options.pictures)


if __name__ == "__main__":
    main()
