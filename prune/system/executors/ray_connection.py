"""The connection to a Ray cluster: joined for a while, or the one that this process is in already."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from prune.core.errors import OptionError

_ANSWER = 10.0  # seconds that an address has to answer in


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Join a cluster, or use the one that this process is in already; leave it as it was found.

    Raises
    ------
    OptionError
        Ray is not installed, or there is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        what = "--executor ray needs ray, which is not installed"
        raise OptionError(what, 'pip install "dataset-prune[ray]"') from error
    if ray.is_initialized():
        _require_same(ray.get_runtime_context().gcs_address, address)
        yield ray
        return
    place = address or os.environ.get("RAY_ADDRESS") or "auto"
    try:
        require_answer(place)
        ray.init(place, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        where = "of this machine" if place == "auto" else f"at {place}"
        raise OptionError(
            f"no Ray cluster {where} can be joined",
            "ray start --head   # begins one; or leave --executor ray out",
        ) from error
    logs = ray._private.worker  # what a node logged last goes to standard output, whatever `init` is told
    logs._worker_logs_enabled = False
    try:
        yield ray
    finally:
        ray.shutdown()
        logs._worker_logs_enabled = True


def head_of(ray: Any) -> str:
    """Return the address of the head; empty where this process is a client that does not see it."""
    from ray.util.client import ray as client

    return "" if client.is_connected() else str(ray.get_runtime_context().gcs_address)


def _require_same(there: str, asked: str | None) -> None:
    """Refuse another cluster than the one that this process is in: it can be in one only."""
    host, _, port = (asked or "").rpartition(":")
    if not port.isdecimal() or "//" in host:
        return
    known, _, own = there.rpartition(":")
    with contextlib.suppress(OSError):
        host = socket.gethostbyname(host.strip("[]"))
    if own == port and (host == known or host.startswith("127.")):
        return
    what = f"this process is in the Ray cluster at {there} already, not in the one at {asked}"
    raise OptionError(what, "leave --address out; in a script, ray.shutdown() leaves that one")


def require_answer(place: str) -> None:
    """Raise `OSError` where nobody listens at an address: Ray itself would try for many minutes."""
    host, colon, port = place.rpartition("//")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER).close()
