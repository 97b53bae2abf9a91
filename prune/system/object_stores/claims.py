"""A small object that one writer of several gets to write: on the condition of what lies there."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from prune.system.object_stores import requests, retries, uploads
from prune.system.object_stores.file_systems import file_system
from prune.system.object_stores.mirror import ObjectFacts

_UNMET = {404, 409, 412}  # what was to lie there is gone, is being written, or is another


def claim(data: bytes, address: str, known: ObjectFacts | None) -> ObjectFacts | None:
    """Write an object in the place of the one that is known, or of none; None where another was quicker.

    It is read back, for the answer that says it was written may be lost. No two claims are the same bytes.
    """
    _on_condition(_PUTS[requests.scheme_in(address)], address, known, data)
    facts = uploads.look(address)
    mine = facts is not None and facts.size == len(data) and uploads.read_small(address, facts) == data
    return facts if mine else None


def release(address: str, mine: ObjectFacts) -> bool:
    """Remove what was claimed; False where another has claimed it since."""
    return (
        _on_condition(_REMOVALS[requests.scheme_in(address)], address, mine) or uploads.look(address) is None
    )


def _on_condition(
    request: Callable[..., None], address: str, known: ObjectFacts | None, *data: bytes
) -> bool:
    """Make a request on the condition that what is known lies there; False where that is not so."""
    system = file_system(requests.scheme_in(address))

    def made() -> bool:
        try:
            request(system, address, known, *data)
        except OSError as error:
            if known is None and isinstance(error, FileNotFoundError):
                raise  # it is the bucket that is missing
            if not isinstance(error, FileExistsError) and retries.status_of(error) not in _UNMET:
                raise
            return False
        return True

    return uploads.run(made, address)


def _put_s3(system: Any, address: str, known: ObjectFacts | None, data: bytes) -> None:
    bucket, key, _ = system.split_path(address)
    condition = {"IfNoneMatch": "*"} if known is None else {"IfMatch": requests.tag_in(known)}
    try:
        system.call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        system.pipe_file(address, data)  # of a server that has no conditions


def _remove_s3(system: Any, address: str, known: ObjectFacts) -> None:
    bucket, key, _ = system.split_path(address)
    try:
        system.call_s3("delete_object", Bucket=bucket, Key=key, IfMatch=requests.tag_in(known))
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        system.rm_file(address)


def _put_gs(system: Any, address: str, known: ObjectFacts | None, data: bytes) -> None:
    bucket, key, _ = system.split_path(address)
    place = f"{system._location}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
    asked = {"uploadType": "media", "name": key, "ifGenerationMatch": _generation(system, address, known)}
    system.call("POST", place, data=data, json_out=True, **asked)


def _remove_gs(system: Any, address: str, known: ObjectFacts) -> None:
    bucket, key, _ = system.split_path(address)
    system.call("DELETE", "b/{}/o/{}", bucket, key, ifGenerationMatch=_generation(system, address, known))


def _generation(system: Any, address: str, known: ObjectFacts | None) -> str:
    """Return the number of the version that is known, 0 of none."""
    if known is None:
        return "0"
    system.invalidate_cache()
    found = system.info(address)
    if requests.facts_of(address, found) != known:
        raise FileExistsError(address)
    return str(found["generation"])


_PUTS = {"s3": _put_s3, "gs": _put_gs}
_REMOVALS = {"s3": _remove_s3, "gs": _remove_gs}
