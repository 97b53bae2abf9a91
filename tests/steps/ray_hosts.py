"""Nodes of a Ray cluster that are hosts: each in a network namespace of its own, behind a bridge."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from prune.system.executors.ray_connection import connected
from tests.steps.on_ray import RayNodes

NETWORK, BRIDGE, HOSTS = "10.213.7", "pruned", (2, 3)
BUSY = 180.0  # seconds that a host takes to begin, at most


class HostNodes(RayNodes):
    """Three hosts with addresses, of which the first is this machine."""

    def __init__(self, home: Path) -> None:
        self.home, self.nodes, self._started = home, [], list[subprocess.Popen[bytes]]()
        self.cluster = SimpleNamespace(address=f"{NETWORK}.1:6399")

    def begin(self) -> None:
        """Begin three hosts, of which the first is this machine."""
        _ip(f"link add {BRIDGE} type bridge")
        _ip(f"addr add {NETWORK}.1/24 dev {BRIDGE}")
        _ip(f"link set {BRIDGE} up")
        self._start(1, [], ["--head", "--port", "6399", "--include-dashboard", "false"])
        for host in HOSTS:
            space = f"{BRIDGE}-{host}"
            _ip(f"netns add {space}")
            _ip(f"link add {BRIDGE}{host} type veth peer name eth0 netns {space}")
            _ip(f"link set {BRIDGE}{host} master {BRIDGE} up")
            _ip(f"-n {space} addr add {NETWORK}.{host}/24 dev eth0")
            for link in ("lo", "eth0"):
                _ip(f"-n {space} link set {link} up")
            _ip(f"-n {space} route add default via {NETWORK}.1")  # else Ray looks long for its own address
            self._start(host, ["ip", "netns", "exec", space], ["--address", self.cluster.address])
        with connected(self.cluster.address) as joined:
            while len(there := {node["NodeManagerAddress"]: node["NodeID"] for node in joined.nodes()}) < 3:
                time.sleep(1)
        self.nodes = [SimpleNamespace(node_id=there[f"{NETWORK}.{host}"], host=host) for host in (1, *HOSTS)]

    def _start(self, host: int, within: list[str], words: list[str]) -> None:
        """Begin a node, and wait until it says that it has."""
        ray_ = [*within, sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *words]
        one = ["--node-ip-address", f"{NETWORK}.{host}", "--num-cpus", "1", "--memory", f"{8 << 30}"]
        one += ["--object-store-memory", f"{80 << 20}", "--disable-usage-stats"]
        said = self.home / f"node-{host}.log"
        with said.open("wb") as log:
            process = subprocess.Popen([*ray_, *one], stdout=log, stderr=log)
        self._started.append(process)
        began = time.monotonic()
        while "Ray runtime started" not in said.read_text():
            if process.poll() is not None or time.monotonic() - began > BUSY:
                raise TimeoutError(f"Timed out waiting for host {host}: {said.read_text()}")
            time.sleep(0.5)

    def cut_off(self, node: Any, _: int) -> None:
        """Let nothing through to a host any more."""
        _ip(f"link set {BRIDGE}{node.host} down")

    def close(self) -> None:
        for process in self._started:
            process.terminate()
        remove_hosts()
        for process in self._started:
            process.wait()


def remove_hosts() -> None:
    """Remove namespaces and the bridge, with what still runs in them."""
    for host in HOSTS:
        space = f"{BRIDGE}-{host}"
        listed = subprocess.run(["ip", "netns", "pids", space], check=False, capture_output=True, text=True)
        for pid in listed.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
    subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True)
