"""Exports of shards beside `cp` of the same bytes, on the same disk, in turns.

    python benchmarks/export.py [--dir FOLDER] [--rounds 3] [--part 1]

Shards of made pictures' bytes, of 100 KB and as small as those of CIFAR, and a store of them are made once.
Then all samples, and a random 30 %, are exported as shards, and a copy is made of what that wrote: by `cp`
alone, and by `cp` with a `sync` of the file system, which an export waits for, too. Warm: what is read is in
the cache of the system. Cold: it was put out of it. Shown are the seconds of the median round, of the wall
and of the processor, megabytes a second, and the most memory that the export took beyond what it began with.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from loaders import known, make
from measure import peak

import prune

SIZES = {"100 KB": (100_000, 10_000, 500), "3 KB": (3_000, 50_000, 5_000)}  # bytes, samples, of a shard
SHARES = ("1", "0.3")
Took = tuple[float, float, float]  # seconds of the wall, of the processor, MB of memory


def put_out(folder: Path) -> None:
    """Let the system forget what files hold, so that they are read from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fdatasync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(run: Callable[[], object]) -> Took:
    """Run something; processes that it starts count, too."""
    peak(reset=True)
    before, start = peak(), time.perf_counter()
    spent = sum(os.times()[:4])
    run()
    return time.perf_counter() - start, sum(os.times()[:4]) - spent, (peak() - before) / 1e6


def rounds_of(store: prune.Store, source: Path, out: Path, share: str, count: int, *, cold: bool) -> None:
    """Export and copy in turns; print a line each."""
    name, copy = f"random-{share}", out.with_name("copied")

    def export() -> None:
        prune.export(store, format="webdataset", out=out, selection=name)

    def copied(*, synced: bool) -> None:
        subprocess.run(["cp", "-r", str(read), str(copy)], check=True)
        if synced:
            subprocess.run(["sync", "-f", str(copy)], check=True)

    found: dict[str, list[Took]] = {"export": [], "cp, sync": [], "cp": []}
    size = 0
    for _ in range(count):
        for way in found:
            shutil.rmtree(copy, ignore_errors=True)
            if way == "export":
                shutil.rmtree(out, ignore_errors=True)
            read = source if share == "1" or way == "export" else out  # a copy of as many bytes
            if cold:
                put_out(read)
            run = export if way == "export" else lambda synced=way != "cp": copied(synced=synced)
            found[way].append(timed(run))
        size = sum(path.stat().st_size for path in out.rglob("*.tar"))
    walls = {way: statistics.median(took[0] for took in all_) for way, all_ in found.items()}
    for way, all_ in found.items():
        spent = statistics.median(took[1] for took in all_)
        memory = f"  {max(took[2] for took in all_):6.1f} MB" if way == "export" else ""
        rate = size / 1e6 / walls[way]
        part = f"{100 * walls[way] / walls['export']:5.0f} %" if way != "export" else "       "
        print(f"{way:10} {walls[way]:7.2f} s {spent:7.2f} s {rate:8.0f} MB/s {part}{memory}", flush=True)
    shutil.rmtree(copy, ignore_errors=True)


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, help="where shards lie, or are made; default: a new folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", type=float, default=1.0, help="of the samples")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as scratch:
        for size, (length, samples, each) in SIZES.items():
            source = (given.dir or Path(scratch)) / f"{size.replace(' ', '')}-{given.part}"
            if not source.exists():
                count = max(each // 10, int(samples * given.part))
                make(source, length, count, min(each, count))
            store = known(source)
            for share in SHARES:
                for cold in (False, True):
                    how = "cold" if cold else "warm"
                    print(f"\n{size}, {float(share):.0%} kept, {how}: wall, processor, rate, export to it")
                    rounds_of(store, source, Path(scratch) / "out", share, given.rounds, cold=cold)


if __name__ == "__main__":
    main()
