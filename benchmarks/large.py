"""Selections from more samples than memory holds the embedding of: minutes, and peak memory of each.

    python benchmarks/large.py --dir large                                    # 10 million × 256; 6 GB of disk
    python benchmarks/large.py --dir large --n 1000000 --steps top,kcenter
    python benchmarks/large.py --dir large --steps facility_location          # the longest

The store is written by a generator, block by block: n × d float16 in 1,000 clusters, one in twenty a near
duplicate, with a score, a class, a key and a digest each. Every step is `prune select` in a process of its
own. CPU minutes are those of all threads. Peak memory is the largest resident size of the process, pages of
mapped files included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
BLOCK = 65_536
CLUSTERS = 1000
DUPLICATES = 20  # one sample in so many
CLASSES = 100

STEPS: dict[str, dict[str, Any]] = {
    "top": {"method": "top", "fraction": 0.3},
    "stratified": {"method": "stratified", "fraction": 0.3},
    "kcenter": {"method": "kcenter", "fraction": 0.001},
    "semdedup": {"method": "semdedup"},
    "facility_location": {
        "method": "facility_location",
        "fraction": 0.01,
        "options": {"mode": "sparse", "neighbours": 10},
    },
}


def main() -> None:
    """Make the store, then run each step in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, required=True, help="where stores lie; kept, and reused")
    parser.add_argument("--n", type=int, default=10_000_000)
    parser.add_argument("--d", type=int, default=256)
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--max-memory", type=float, default=4.0, help="GiB for searches")
    parser.add_argument("--run", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(measured(options)))
        return
    steps = options.steps.split(",")
    if unknown := [step for step in steps if step not in STEPS]:
        parser.error(f"no step is called {', '.join(unknown)}; there are {', '.join(STEPS)}")
    if not (place(options) / "store.json").exists():
        began = time.perf_counter()
        make_store(place(options), options.n, options.d)
        print(f"made in {(time.perf_counter() - began) / 60:.1f} minutes", file=sys.stderr)
    print(f"n={options.n} d={options.d}, --max-memory {options.max_memory:g}G\n")
    print(
        "| step | kept | minutes | CPU minutes | peak GiB | |\n| --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    for step in steps:
        words = [sys.executable, __file__, *sys.argv[1:], "--run", step]
        print(line(json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)), flush=True)


def line(found: dict[str, Any]) -> str:
    """Return a row of the table."""
    facts = ", ".join(f"{name} {value}" for name, value in found["facts"].items())
    figures = f"{found['wall'] / 60:.1f} | {found['cpu'] / 60:.1f} | {found['peak'] / 2**30:.2f}"
    return f"| {found['step']} | {found['kept']:,} of {found['n']:,} | {figures} | {facts} |"


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Run one step in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    import prune
    from prune.steps.settings import Settings

    settings = Settings(seed=SEED, memory=int(options.max_memory * 2**30))
    found = prune.select(place(options), name=options.run, settings=settings, **STEPS[options.run])
    told = {"clusters", "duplicates", "mode", "search", "recall", "objective", "partitions"}
    return {
        "step": options.run,
        "n": found["n"],
        "kept": found["k"],
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "facts": {name: value for name, value in found["facts"].items() if name in told},
    }


def place(options: argparse.Namespace) -> Path:
    """Return the store of this size."""
    folder: Path = options.dir / f"{options.n}x{options.d}"
    return folder


def make_store(folder: Path, n: int, d: int) -> None:
    """Write samples, embedding and score, of which no more is in memory than a block."""
    from prune.core.column_name import ColumnName
    from prune.store import Store, identity
    from prune.store.layout import LOCATION
    from prune.system import files
    from prune.system.checksummed_json import sealed

    store = Store(folder)
    recipes = {
        ColumnName.embedding("made"): {"made": [n, d, SEED]},
        ColumnName.score("made"): {"method": "import", "high": "hard", "made": [n, SEED]},
    }
    with store.writing():
        writers = [
            store.write_column(name, recipe, rows=n, part_rows=BLOCK) for name, recipe in recipes.items()
        ]
        for at, (embeddings, scores) in enumerate(blocks(n, d)):
            for writer, values in zip(writers, (embeddings, scores), strict=True):
                writer.put(writer.parts[at], values)
        for writer in writers:
            writer.finish()
        gone = {"data": str(folder.absolute() / "gone.npy"), "relative": "gone.npy", "reading": {}}
        files.write_json(folder / LOCATION, sealed(gone))
        store.publish(
            dataset=store.write_dataset(samples(n)),
            columns={name: identity(recipe) for name, recipe in recipes.items()},
        )


def blocks(n: int, d: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield embeddings and scores, a block at a time: the same for a smaller n as the first of a larger."""
    rng = np.random.default_rng(SEED)
    centres = rng.standard_normal((CLUSTERS, d)).astype(np.float32)
    sizes = rng.dirichlet(np.ones(CLUSTERS))
    for start in range(0, n, BLOCK):
        block = centres[rng.choice(CLUSTERS, BLOCK, p=sizes)]
        block += np.float32(0.7) * rng.standard_normal(block.shape, np.float32)
        twins = block[DUPLICATES // 2 :: DUPLICATES]
        block[: len(twins)] = twins + np.float32(0.01) * rng.standard_normal(twins.shape, np.float32)
        yield block[: n - start].astype(np.float16), rng.gamma(2, size=BLOCK).astype(np.float32)[: n - start]


def samples(n: int) -> Any:
    """Return the table of samples."""
    import pyarrow as pa

    from prune.store import Dataset
    from prune.store.samples import SAMPLES

    rng = np.random.default_rng(SEED)
    keys = pa.chunked_array(
        [pa.array(np.char.mod("%09d", np.arange(s, min(s + BLOCK, n)))) for s in range(0, n, BLOCK)],
        pa.string(),
    )
    digests = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), n, [None, pa.py_buffer(rng.bytes(16 * n))])
    whole = pa.array(np.arange(n))
    columns = {
        "key": keys,
        "index": whole,
        "label": pa.array(rng.integers(CLASSES, size=n, dtype=np.int32)),
        "digest": digests,
    }
    table = pa.table(
        {field.name: columns.get(field.name, pa.nulls(n, field.type)) for field in SAMPLES},
        schema=SAMPLES,
    )
    return Dataset("npy", None, [f"class {c}" for c in range(CLASSES)], {}, table)


if __name__ == "__main__":
    main()
