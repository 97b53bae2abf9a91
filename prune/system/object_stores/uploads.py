"""Files sent to object stores: each is there whole or not at all, also after a kill in the middle."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from prune.core.errors import DataError, OptionError, OutputError
from prune.system.object_stores import requests, retries
from prune.system.object_stores.file_systems import file_system
from prune.system.object_stores.mirror import ObjectFacts

TAKEN = ("s3", "gs")  # schemes of stores that take files
Sent = TypeVar("Sent")


def require_takes_files(address: str) -> None:
    """Raise `OptionError` if nothing can be sent to such an address."""
    if requests.scheme_in(address) not in TAKEN:
        what = f"{address} takes no export: that is a folder here, or one at s3:// or gs://"
        raise OptionError(what, "--out DIR   # to the hub: --push USER/NAME")
    bucket, _, name = address.partition("://")[2].strip("/").partition("/")
    if not name:  # what describes class folders would lie beside it, in another bucket
        scheme = requests.scheme_in(address)
        what = f"{scheme}://{bucket} is a bucket, and an export is a folder in one"
        raise OptionError(what, f"--out {scheme}://{bucket}/pruned")


def send(path: Path, address: str) -> None:
    """Send a file; large ones in parts, which become an object when the last has come.

    Raises
    ------
    OutputError
        The store does not take it.
    """
    system = file_system(requests.scheme_in(address))
    run(lambda: system.put_file(str(path), address), address)


def look(address: str) -> ObjectFacts | None:
    """Ask what an object is now, where something is sent; None where there is none."""
    return run(lambda: requests.look_up(address), address)


def remove(address: str) -> None:
    """Remove an object; one that is gone is fine."""
    system = file_system(requests.scheme_in(address))
    _run_unless_gone(lambda: system.rm_file(address), address)


def read_small(address: str, facts: ObjectFacts) -> bytes:
    """Return all that a small object holds."""
    return requests.fetch(address, 0, facts.size, facts)


def is_sent(path: Path, facts: ObjectFacts | None) -> bool:
    """Whether an object is surely this file: of the same size, and its ETag the MD5 of it."""
    if facts is None or facts.size != path.stat().st_size:
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return (requests.tag_in(facts) or "").strip('"') == digest


def end_unfinished(folder: str, addresses: Iterable[str]) -> None:
    """Give up what a killed upload has begun to send: parts that are no object, and cost room."""
    if requests.scheme_in(folder) != "s3":
        return  # of others, what was begun ends by itself
    system, wanted = file_system("s3"), set(addresses)
    bucket, prefix, _ = system.split_path(folder)
    begun = run(lambda: system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix), folder)
    for one in begun.get("Uploads", []):
        if f"s3://{bucket}/{one['Key']}" in wanted:
            asked = {"Bucket": bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
            _run_unless_gone(functools.partial(system.call_s3, "abort_multipart_upload", **asked), folder)


def _run_unless_gone(request: Callable[[], object], address: str) -> None:
    def removed() -> None:
        with contextlib.suppress(FileNotFoundError):
            request()

    run(removed, address)


def run(request: Callable[[], Sent], address: str) -> Sent:
    """Return the answer of a request that writes; see `Retries.run`.

    Raises
    ------
    OutputError
        The store does not take it.
    """
    try:
        return retries.POLICY.run(request, address)
    except FileNotFoundError as error:
        raise OutputError(
            f"there is no place {address}", "make the bucket, or choose another --out"
        ) from error
    except DataError as error:
        said = str(error).replace("cannot be read", "cannot be written").replace("be read", "be written")
        raise OutputError(said, error.hint) from error
