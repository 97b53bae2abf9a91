"""Reading a selection out of full shards: prune's loaders beside the webdataset library, in turns.

    python benchmarks/loaders.py [--dir FOLDER] [--rounds 5] [--part 1]

Shards of made pictures' bytes, small and large, and a store of them are made once. Then, without decoding, in
one process: the library reads all of them; reads all and skips what is not kept; prune reads the kept samples
by their byte ranges. Seconds are the least of some rounds, of the wall and of the processor; bytes are those
that the process asked the system for, beside the least that any reader needs: those of the kept samples.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import webdataset as wds

import prune
from prune import loaders

SIZES = {"3 KB": (3_000, 20_000, 5_000), "100 KB": (100_000, 3_000, 500)}  # bytes, samples, of a shard
SHARES = ("1", "0.3", "0.1")
HEAD = b"\xff\xd8\xff\xe0\0\x10JFIF\0"  # of a JPEG; nobody decodes it


@dataclass(frozen=True)
class Taken:
    """What a pass took."""

    samples: int
    wall: float
    cpu: float
    read: int  # bytes


def make(root: Path, size: int, samples: int, each: int) -> None:
    """Write shards of random bytes and labels."""
    root.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for shard in range(samples // each):
        with tarfile.open(root / f"{shard:03d}.tar", "w") as tar:
            for row in range(shard * each, shard * each + each):
                length = size // 2 + int(draw.integers(size))
                for name, data in (
                    (f"{row:06d}.jpg", HEAD + draw.bytes(length)),
                    (f"{row:06d}.cls", b"%d" % (row % 10)),
                ):
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))


def known(root: Path) -> prune.Store:
    """Return a store with a random selection of each size."""
    from prune.steps.dataset_session import opened
    from prune.steps.settings import Settings

    store = prune.Store(root.with_name(f"{root.name}.prune"))
    with opened(store, str(root), Settings()) as ready:
        store.publish(dataset=ready.fingerprint)
    for share in SHARES:
        prune.select(store, method="random", fraction=share, name=f"random-{share}")
    return store


def plain(root: Path) -> Any:
    """Return the library's own reader of all shards."""
    return wds.WebDataset([str(path) for path in sorted(root.glob("*.tar"))], shardshuffle=False)


def passed(source: Callable[[], Iterable[Any]]) -> Taken:
    """Go through a reader once."""
    made = source()
    before, cpu, wall = asked_for(), time.process_time(), time.perf_counter()
    samples = sum(1 for _ in made)
    return Taken(samples, time.perf_counter() - wall, time.process_time() - cpu, asked_for() - before)


def asked_for() -> int:
    """Return the bytes that this process has read so far, from the disk or its cache."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("rchar")))


def programs(root: Path, store: prune.Store, share: str) -> dict[str, Callable[[], Iterable[Any]]]:
    """Return the readers of a selection of this share."""
    name = f"random-{share}"
    kept = set(store.selection(name).keys.tolist())
    one_by_one = loaders.dataset(store, name, decode=False)
    order = np.random.default_rng(0).permutation(len(one_by_one))
    return {
        "webdataset, all": lambda: plain(root),
        "webdataset, skipping": lambda: plain(root).select(lambda sample: sample["__key__"] in kept),
        "prune webdataset": lambda: loaders.webdataset(store, name),
        "prune webdataset, buffer 1000": lambda: loaders.webdataset(store, name, shuffle=True, buffer=1000),
        "prune stream": lambda: loaders.stream(store, name, decode=False),
        "prune stream, shuffled": lambda: loaders.stream(store, name, decode=False, shuffle=True),
        "prune dataset, shuffled, 64 a batch": lambda: (
            sample
            for at in range(0, len(order), 64)
            for sample in one_by_one.__getitems__(order[at : at + 64].tolist())
        ),
    }


def measure(root: Path, store: prune.Store, share: str, rounds: int) -> None:
    """Print what each reader takes."""
    found = programs(root, store, share)
    best: dict[str, Taken] = {}
    for _ in range(rounds):
        for name, source in found.items():
            now = passed(source)
            old = best.get(name, now)
            best[name] = Taken(now.samples, min(old.wall, now.wall), min(old.cpu, now.cpu), now.read)
    table = store.dataset.samples.take(pa.array(store.selection(f"random-{share}").rows))
    least = pc.sum(table["size"]).as_py()
    base = best["webdataset, all" if share == "1" else "webdataset, skipping"]
    kept = len(table)
    print(
        f"\n{root.name}, {float(share):.0%} kept: {kept:,} samples, {least / 1e6:.1f} MB of them to be read"
    )
    print(f"{'':38}{'kept/s':>10}{'kept/cpu s':>12}{'MB read':>9}{'to need':>9}{'wall':>8}{'cpu':>8}")
    for name, taken in best.items():
        wall, cpu = base.wall / taken.wall, base.cpu / taken.cpu
        print(
            f"{name:38}{kept / taken.wall:>10,.0f}{kept / taken.cpu:>12,.0f}{taken.read / 1e6:>9.1f}"
            f"{taken.read / least:>8.2f}×{wall:>7.2f}×{cpu:>7.2f}×"
        )
    print(f"× to {'all' if share == '1' else 'skipping'}: how many times as many samples a second")


def main() -> None:
    """Make the data where it is not there, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", type=float, default=1, help="of the samples")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        place = given.dir or Path(temporary)
        for name, (size, samples, each) in SIZES.items():
            root = place / f"shards of {name}"
            if not root.is_dir():
                make(root, size, int(samples * given.part), int(each * given.part))
            store = known(root)
            for share in SHARES:
                measure(root, store, share, given.rounds)


if __name__ == "__main__":
    main()
