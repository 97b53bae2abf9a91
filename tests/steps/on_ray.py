"""Embed, score and export on a Ray cluster that grows and loses a node: prints what came of it as JSON.

A process of its own: Ray starts threads, and warns of what pytest takes for errors.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

import prune
from prune.core.progress import Silent
from prune.steps import embedding_units, export_units
from prune.steps.score import proxy_units
from prune.store import Store

FEW, MANY = 60, 8_400  # parts of 16 texts; groups of 4,096 samples at least
SHARDS = ["shard_size=4100"]
FOLDS: dict[str, Any] = {"types": ["grad_norm"], "cross_fit": 3, "training": {"epochs": 2}}
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


class Told(Silent):
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def held(work: Callable[[str, Any], Any], folder: Path) -> Callable[[str, Any], Any]:
    """Return a unit that notes the node it is on, and begins when there is a file `go`."""

    def unit(spec: str, name: Any) -> Any:
        node = ray.get_runtime_context().get_node_id()
        (folder / f"{node}.{os.getpid()}.{uuid.uuid4().hex}").touch()
        while not (folder / "go").exists():
            time.sleep(0.05)
        return work(spec, name)

    return unit


class RayNodes:
    """A cluster of nodes on this machine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.cluster = Cluster(initialize_head=True, head_node_args={**NODE, "memory": 8 << 30})
        self.nodes = [self.cluster.head_node]

    def grow(self, count: int) -> None:
        """Let the cluster have so many nodes."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(**NODE, memory=8 << 30))

    def settings(self, name: str, told: Told) -> prune.Settings:
        where = {} if name == "here" else {"executor": "ray", "address": self.cluster.address}
        return prune.Settings(device="cpu", reporter=told, memory=2**30, **where)

    def losing_a_node(self, module: Any, unit: str, run: Callable[[], list[str]]) -> list[str]:
        """Run, and kill a node that is at work on a unit."""
        return self.with_a_fault(module, unit, run, self._kill)

    def with_a_fault(
        self, module: Any, unit: str, run: Callable[[], list[str]], fault: Callable[[Any, int], None]
    ) -> list[str]:
        """Run, and do something to a node that is at work on a unit, and to the process that works."""
        folder, real, over = self.home / unit, getattr(module, unit), threading.Event()
        folder.mkdir()
        other = threading.Thread(target=self._befall_one, args=(folder, over, fault))
        setattr(module, unit, held(real, folder))
        other.start()
        try:
            return run()
        finally:
            setattr(module, unit, real)
            over.set()  # the run may have failed before a node had work
            other.join()

    def _befall_one(self, folder: Path, over: threading.Event, fault: Callable[[Any, int], None]) -> None:
        while not over.wait(0.05):
            busy = dict(path.name.split(".")[:2] for path in folder.iterdir())
            for node in self.nodes[1:]:
                if node.node_id in busy:
                    fault(node, int(busy[node.node_id]))
                    (folder / "go").touch()
                    return

    def _kill(self, victim: Any, _: int) -> None:
        self.cluster.remove_node(victim, allow_graceful=False)
        self.nodes.remove(victim)


class Runs(RayNodes):
    """Runs on a cluster."""

    def __init__(self, home: Path) -> None:
        write_texts(home)
        prune.score(home / "store", str(home / "many.jsonl"), types=["length"])
        prune.select(home / "store", method="random", count=MANY - 5)
        super().__init__(home)
        self.embed("here")
        self.score("here")
        self.export("here")

    def embed(self, name: str) -> list[str]:
        told = Told()
        prune.embed(
            self.home / f"{name}.store", str(self.home / "few.jsonl"), settings=self.settings(name, told)
        )
        return told.said

    def score(self, name: str) -> list[str]:
        told = Told()
        data = str(self.home / "few.jsonl")
        prune.score(self.home / f"{name}.scored", data, **FOLDS, settings=self.settings(name, told))
        return told.said

    def export(self, name: str) -> list[str]:
        told = Told()
        words = {"format": "webdataset", "options": SHARDS, "settings": self.settings(name, told)}
        prune.export(self.home / "store", out=self.home / f"{name}.out", **words)
        return told.said

    def same(self, name: str) -> list[bool]:
        """Whether the column, the scores and the export are those that were made here."""
        return [
            contents(self.home / f"{name}{end}") == contents(self.home / f"here{end}")
            for end in (".store/columns", ".scored/columns", ".out")
        ]


def write_texts(home: Path) -> None:
    """Write few texts, and many."""
    for name, count in (("few", FEW), ("many", MANY)):
        kinds = ["good", "bad"]
        texts = (f"a {kinds[i % 2]} text, number {i} of them" for i in range(count))
        lines = ({"text": text, "label": kinds[i % 2]} for i, text in enumerate(texts))
        (home / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(home: Path) -> None:
    Store.write_column.__kwdefaults__["part_rows"] = 16
    runs, found = Runs(home), {}
    for count in (1, 2, 4):
        runs.grow(count)
        runs.embed(f"{count}")
        runs.score(f"{count}")
        runs.export(f"{count}")
        found[f"{count}"] = {"same": runs.same(f"{count}")}
    embedded = runs.losing_a_node(embedding_units, "encode_part", lambda: runs.embed("lost"))
    runs.grow(4)  # four again
    scored = runs.losing_a_node(proxy_units, "train_unit", lambda: runs.score("lost"))
    runs.grow(4)
    exported = runs.losing_a_node(export_units, "write_part", lambda: runs.export("lost"))
    found["lost"] = {"same": runs.same("lost"), "embed": embedded, "score": scored, "export": exported}
    sys.stdout.write(json.dumps(found))
    runs.cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
