"""A million lines of text through every verb: lines a second, megabytes a second, and peak memory of each.

    pip download vaderSentiment==2.5 --no-binary :all: --no-deps    # holds hutto_ICWSM_2014.tar.gz
    python benchmarks/million_texts.py --data hutto_ICWSM_2014 --dir FOLDER [--lines 250000,1000000]

The lines are 23,703 snippets again and again, with words of each exchanged for others; `--words 400` makes
documents of so many words out of them. `bound` does what no scan can do without: it unpacks the file, splits
its lines and parses them, with Python's json; `unpack` does the first of the three. Every step is a process
of its own, so that its peak is that of the command; what is in FOLDER already is not made again. A peak has
what mapped files have in memory, too; beside it stands own memory, which cannot be given back.
`--fasttext PYTHON` names an interpreter that has `fasttext-wheel`, to train beside the proxy.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CHANGED = 0.1  # of the words of a line are others
STEPS = "unpack,bound,bound-digests,scan,embed,score,select,export"


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    step: str
    wall: float
    cpu: float
    peak: int  # bytes of resident memory
    own: int  # of them, at most, its own: no pages of files
    training: float | None = None  # seconds of it, as the program says


UNPACK = """
import sys
import pyarrow as pa
count = 0
with pa.CompressedInputStream(pa.OSFile(sys.argv[1]), "zstd") as source:
    while block := source.read(1 << 20):
        count += len(block)
print(count)
"""
BOUND = """
import json, sys
import pyarrow as pa
count = 0
with pa.CompressedInputStream(pa.OSFile(sys.argv[1]), "zstd") as source:
    rest = b""
    while block := source.read(1 << 20):
        *lines, rest = (rest + block).split(b"\\n")
        for line in lines:
            count += len(json.loads(line)["text"]) > 0
print(count)
"""
DIGESTS = """
import hashlib, json, sys
import pyarrow as pa
source_digest = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
found = []
with pa.CompressedInputStream(pa.OSFile(sys.argv[1]), "zstd") as source:
    rest = b""
    while block := source.read(1 << 20):
        *lines, rest = (rest + block).split(b"\\n")
        for line in lines:
            text = json.loads(line)["text"].encode()
            found.append(hashlib.blake2b(text, digest_size=16).digest())
print(len(pa.array(found, pa.binary(16))))
"""
SCAN = """
import sys
from pathlib import Path
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
print(len(scan(open_reader(sys.argv[1]), Path(sys.argv[2]), SILENT, keep=False)))
"""
FASTTEXT = """
import sys, time
import fasttext
began = time.perf_counter()
fasttext.train_supervised(sys.argv[1], thread=int(sys.argv[2]), dim=10, wordNgrams=2, minCount=1,
                          epoch=int(sys.argv[3]), lr=0.5, verbose=0)
print(time.perf_counter() - began)
"""


def main() -> None:
    """Run the steps that were asked for at every size, and print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder hutto_ICWSM_2014")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--lines", default="1000000", help="one count or several, as in 250000,1000000")
    parser.add_argument("--words", type=int, default=0, help="of a line, at least; default: one snippet")
    parser.add_argument("--steps", default=STEPS)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--fasttext", help="an interpreter that has fasttext-wheel; the largest size alone")
    parser.add_argument("--write", action="store_true", help="only write the lines")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    sizes = [int(count) for count in options.lines.split(",")]
    taken = {count: measured(count, options, fasttext=count == max(sizes)) for count in sizes}
    if len(sizes) > 1 and not options.write:
        _print_peaks(taken)


def measured(count: int, options: argparse.Namespace, *, fasttext: bool) -> list[Taken]:
    """Run the steps on so many lines, and print a table."""
    name = f"{count}-{options.words}" if options.words else str(count)
    data, about = options.dir / f"lines-{name}.jsonl.zst", options.dir / f"lines-{name}.json"
    if options.write:
        about.write_text(json.dumps({"bytes": write(data, options.data, count, options.words)}))
        _for_fasttext(data, data.with_suffix("").with_suffix(".txt"))
        return []
    if not about.exists():  # in a process of its own: a process begins with the peak of the one it comes from
        subprocess.run([sys.executable, *sys.argv, "--lines", str(count), "--write"], check=True)
    megabytes = json.loads(about.read_text())["bytes"] / 1e6
    print(f"\n{count:,} lines, {megabytes:.0f} MB, packed {data.stat().st_size / 1e6:.0f} MB")
    print("| step | wall s | CPU s | lines a CPU s | MB a CPU s | peak MB | own MB |")
    print("|---|---|---|---|---|---|---|")
    taken = []
    for step in [*options.steps.split(","), *(["fasttext"] if options.fasttext and fasttext else [])]:
        one = run(step, command_of(step, data, options))
        taken.append(one)
        shown = step if one.training is None else f"{step}, training {one.training:.1f} s"
        rate = f"{count / one.cpu:,.0f} | {megabytes / one.cpu:.1f}"
        peaks = f"{one.peak / 1e6:,.0f} | {one.own / 1e6:,.0f}"
        print(f"| {shown} | {one.wall:.1f} | {one.cpu:.1f} | {rate} | {peaks} |", flush=True)
    (options.dir / f"taken-{name}.json").write_text(json.dumps([asdict(one) for one in taken], indent=1))
    return taken


def _print_peaks(taken: dict[int, list[Taken]]) -> None:
    """Print what of the memory grows with the lines."""
    least, most = min(taken), max(taken)
    print(f"\n| step | own MB, {least:,} | own MB, {most:,} | bytes a further line |\n|---|---|---|---|")
    for small, large in zip(taken[least], taken[most], strict=False):
        grown = (large.own - small.own) / (most - least)
        print(f"| {small.step} | {small.own / 1e6:,.0f} | {large.own / 1e6:,.0f} | {grown:,.0f} |")


def write(place: Path, source: Path, count: int, least: int = 0) -> int:
    """Write lines of JSON, packed by zstd; the same for the same count. Return how many bytes they have."""
    import pyarrow as pa
    from texts import snippets

    rows, size = snippets(source), 0
    draw = random.Random(0)
    words = [word for row in rows for word in row["text"].split()]
    part = place.with_suffix(".part")
    with pa.CompressedOutputStream(pa.OSFile(str(part), "wb"), "zstd") as out:
        for number in range(count):
            row = rows[number % len(rows)]
            given = row["text"].split()
            while len(given) < least:
                given += draw.choice(rows)["text"].split()
            text = [draw.choice(words) if draw.random() < CHANGED else w for w in given]
            line = {"id": number, "text": " ".join(text), "label": row["sentiment"], "domain": row["domain"]}
            data = json.dumps(line).encode() + b"\n"
            out.write(data)
            size += len(data)
    part.rename(place)
    return size


def lines_of(place: Path) -> Iterator[bytes]:
    """Yield what is in a packed file, a megabyte at a time."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.OSFile(str(place)), "zstd") as source:
        while block := source.read(1 << 20):
            yield block


def command_of(step: str, data: Path, options: argparse.Namespace) -> list[str]:
    """Return the command of a step."""
    store, python = options.dir / data.name.replace("lines", "store").partition(".")[0], sys.executable
    prune = [python, "-m", "prune"]
    there = ["--store", str(store), "--quiet"]
    epochs = str(options.epochs)
    threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    if step == "fasttext":
        given = str(data.with_suffix("").with_suffix(".txt"))
        return [options.fasttext, "-c", FASTTEXT, given, threads, epochs]
    steps: dict[str, list[str]] = {
        "unpack": [python, "-c", UNPACK, str(data)],
        "bound": [python, "-c", BOUND, str(data)],
        "bound-digests": [python, "-c", DIGESTS, str(data)],
        "scan": [python, "-c", SCAN, str(data), str(options.dir / "scans")],
        "embed": [*prune, "embed", "--encoder", "ngrams", *there, str(data)],
        "score": [
            *prune,
            "score",
            "--type",
            "el2n",
            "--epochs",
            str(options.epochs),
            "--json",
            *there,
            str(data),
        ],
        "select": [*prune, "select", "--method", "kcenter", "--fraction", "0.01", "--on", "ngrams", *there],
        "export": [
            *(*prune, "export", "--format", "jsonl", "--overwrite"),
            *("--out", str(options.dir / "kept.jsonl.zst"), *there),
        ],
    }
    return steps[step]


def run(step: str, command: list[str]) -> Taken:
    """Run a command to its end; what it says on errors is shown."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watch = OwnMemory(process.pid)
        watch.start()
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
    if process.returncode:
        raise SystemExit(f"{step} ended with {process.returncode}: {' '.join(command)}")
    wall = time.perf_counter() - began
    cpu = used.ru_utime + used.ru_stime
    return Taken(step, wall, cpu, used.ru_maxrss * 1024, watch.peak, _trained(step, said))


class OwnMemory(threading.Thread):
    """Looks at a process fifty times a second, as long as it is there: its own memory, at most."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak, self._status = 0, Path(f"/proc/{pid}/status")

    def run(self) -> None:
        """Look until the process is gone."""
        while found := self._held():
            self.peak = max(self.peak, found)
            time.sleep(0.02)

    def _held(self) -> int:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return 0
        held = [line.split() for line in lines if line.startswith(("RssAnon", "RssShmem"))]
        return 1024 * sum(int(words[1]) for words in held)


def _trained(step: str, said: str) -> float | None:
    """Return the seconds of training alone, of what trains."""
    if step == "score":
        return float(json.loads(said)["cost"]["proxy"]["now"])
    return float(said) if step == "fasttext" else None


def _for_fasttext(data: Path, given: Path) -> None:
    from prune.modalities.text.ngram_ids import words_of

    rest = b""
    with given.open("w") as out:
        for block in lines_of(data):
            *lines, rest = (rest + block).split(b"\n")
            for record in map(json.loads, lines):
                out.write(f"__label__{record['label']} {' '.join(words_of(record['text'], 512))}\n")


if __name__ == "__main__":
    main()
