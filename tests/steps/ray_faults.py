"""What else befalls a Ray cluster, and units of `select` on one: prints what came of it as JSON.

    python -m tests.steps.ray_faults SCENARIO FOLDER

A process of its own: Ray starts threads, and warns of what pytest takes for errors.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import ray

import prune
from prune.core.errors import PruneError
from prune.steps import duplicate_units, embedding_units
from prune.steps.select import partition_units
from prune.store import Store
from prune.system.executors import unit_runs
from tests.steps.on_ray import FEW, RayNodes, Told, contents, write_texts
from tests.steps.ray_hosts import HostNodes

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "kcenter": {"method": "kcenter", "count": 30, "partitions": 5},
    "facility_location": {"method": "facility_location", "count": 30, "partitions": 5},
    "semdedup": {"method": "semdedup", "options": ["clusters=9"]},
}
PATIENCE = 5.0  # seconds, after which a unit is late
ENOUGH = 3 * 16  # bytes that a node may write to a file, where its disk is full


class Selects(RayNodes):
    """Selections on a cluster."""

    def select(self, where: str, choice: str) -> tuple[list[str], bytes]:
        """Select; return what was said, and the manifest."""
        told, store = Told(), Store(self.home / "store")
        prune.select(store, name=choice, settings=self.settings(where, told), **CHOICES[choice])
        made = (store.path / "selections" / choice / "manifest.parquet").read_bytes()
        store.publish(selections={choice: "other"})  # the next is chosen anew
        return told.said, made


def selections(home: Path) -> dict[str, Any]:
    """Select on one, two and four nodes, and lose one in partitions and among clusters."""
    duplicate_units.LOT = 100
    points = np.random.default_rng(0).standard_normal((900, 6)).astype(np.float32)
    points[::4] = points[1::4] * 2 + 0.001  # near copies
    np.save(home / "x.npy", points)
    prune.embed(home / "store", str(home / "x.npy"))
    runs, found = Selects(home), dict[str, Any]()
    here = {choice: runs.select("here", choice)[1] for choice in CHOICES}
    for count in (1, 2, 4):
        runs.grow(count)
        found[f"{count}"] = [runs.select("ray", choice)[1] == here[choice] for choice in CHOICES]
    for choice, module, unit in (
        ("facility_location", partition_units, "choose_in_partition"),
        ("semdedup", duplicate_units, "compare_lot"),
    ):
        runs.grow(3)
        kept = list[bytes]()

        def run(choice: str = choice, kept: list[bytes] = kept) -> list[str]:
            said, made = runs.select("ray", choice)
            kept.append(made)
            return said

        said = runs.losing_a_node(module, unit, run)
        found[f"{choice} lost"] = {"said": said, "same": kept == [here[choice]]}
    runs.cluster.shutdown()
    return found


def three_nodes(home: Path) -> RayNodes:
    """Begin a cluster, beside an embedding that is made here."""
    write_texts(home)
    runs = RayNodes(home)
    runs.grow(3)
    embedded(runs, "here")
    return runs


def embedded(runs: RayNodes, name: str) -> list[str]:
    """Embed few texts; return what was said."""
    told = Told()
    prune.embed(runs.home / name, str(runs.home / "few.jsonl"), settings=runs.settings(name, told))
    return told.said


def outcome(runs: RayNodes, said: list[str], name: str) -> dict[str, Any]:
    """Return what was said, and whether the column is that which was made here."""
    same = contents(runs.home / name / "columns") == contents(runs.home / "here" / "columns")
    return {"said": said, "same": same}


def full_disk(home: Path) -> dict[str, Any]:
    """Embed where the disk of one node takes nothing."""
    runs = three_nodes(home)
    real, full = embedding_units.encode_part, runs.nodes[1].node_id
    embedding_units.encode_part = writing_little(real, full)
    said = embedded(runs, "full")
    embedding_units.encode_part = real
    found = outcome(runs, said, "full")
    runs.cluster.shutdown()
    return found


def writing_little(work: Callable[[str, Any], Any], node: str) -> Callable[[str, Any], Any]:
    """Return a unit that can write next to nothing on one node, as on a disk that is full."""

    def unit(spec: str, name: Any) -> Any:
        if ray.get_runtime_context().get_node_id() == node:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (ENOUGH, resource.RLIM_INFINITY))
        try:
            return work(spec, name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    return unit


def hanging(home: Path) -> dict[str, Any]:
    """Embed where one node stops in the middle, and does not die."""
    runs, stopped = three_nodes(home), list[int]()
    unit_runs._PATIENCE = PATIENCE

    def stop(node: Any, worker: int) -> None:
        raylet = node.all_processes["raylet"][0].process.pid
        for pid in (worker, raylet):
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)

    said = runs.with_a_fault(embedding_units, "encode_part", lambda: embedded(runs, "hung"), stop)
    found = outcome(runs, said, "hung")
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    runs.cluster.shutdown()
    return found


def head_restarted(home: Path) -> dict[str, Any]:
    """Embed by a process whose cluster loses its head, and again on a new cluster."""
    runs = three_nodes(home)
    words = [sys.executable, "-m", "tests.steps.ray_faults", "embed", str(home)]
    asked = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([*words, runs.cluster.address, "one"], **asked) as driver:  # type: ignore[call-overload]
        while not (parts := list((home / "again").glob("columns/*/*/part-*"))) and driver.poll() is None:
            time.sleep(0.1)
        began = time.monotonic()
        runs.cluster.remove_node(runs.cluster.head_node, allow_graceful=False)
        _, said = driver.communicate(timeout=600)
        took, code = time.monotonic() - began, driver.returncode
    before = {part.name: part.stat().st_ino for part in parts}
    runs.cluster.shutdown()
    runs = RayNodes(home)
    done = subprocess.run([*words, runs.cluster.address, "all"], check=False, capture_output=True, text=True)
    after = {part.name: part.stat().st_ino for part in parts}
    runs.cluster.shutdown()
    same = contents(home / "again" / "columns") == contents(home / "here" / "columns")
    about = {"code": code, "took": took, "said": said[-3000:], "kept": len(before), "again": done.returncode}
    return {**about, "same": same, "untouched": before == after}


def embed(home: Path, address: str, which: str) -> dict[str, Any]:
    """Embed on a cluster; of `one` only the first part, while the others wait for ever."""
    if which == "one":
        real = embedding_units.encode_part

        def unit(spec: str, name: Any) -> Any:
            while name:
                time.sleep(1)
            return real(spec, name)

        embedding_units.encode_part = unit
    settings = prune.Settings(device="cpu", executor="ray", address=address)
    try:
        prune.embed(home / "again", str(home / "few.jsonl"), settings=settings)
    except PruneError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    return {"rows": FEW}


def hosts(home: Path) -> dict[str, Any]:
    """Embed on three hosts with addresses, and once more while one of them is cut off."""
    write_texts(home)
    runs = HostNodes(home)
    embedded(runs, "here")
    try:
        runs.begin()
        embed_whole = functools.partial(embedded, runs, "whole")
        whole = runs.with_a_fault(embedding_units, "encode_part", embed_whole, lambda *_: None)
        shutil.rmtree(home / "encode_part")
        unit_runs._PATIENCE = PATIENCE
        embed_cut = functools.partial(embedded, runs, "cut")
        said = runs.with_a_fault(embedding_units, "encode_part", embed_cut, runs.cut_off)
        return {"whole": outcome(runs, whole, "whole"), "cut": outcome(runs, said, "cut")}
    finally:
        runs.close()


SCENARIOS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "selections": selections,
    "full_disk": full_disk,
    "hanging": hanging,
    "head_restarted": head_restarted,
    "hosts": hosts,
    "embed": embed,
}

if __name__ == "__main__":
    Store.write_column.__kwdefaults__["part_rows"] = 16
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])))
