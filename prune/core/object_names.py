"""Addresses of objects, and their names on this machine: `s3://b/x` is `…/names/s3/b/x` there."""

from __future__ import annotations

import os
import re

SCHEMES = ("s3", "gs", "hf", "https", "http")
HOME = "prune-objects"  # the folder that holds them
NAMES = f"/{HOME}/names/"

_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/{{1,2}}(?=[^/])", re.IGNORECASE)
_MIRRORED = re.compile(rf"[^\s'\"=]*{NAMES}({'|'.join(SCHEMES)})(/|(?=[\s'\"]|$))")


def address(place: str | os.PathLike[str]) -> str | None:
    """Return a place that is an address prune reads, `s3://…`; None for a path.

    As a path it has lost a slash, `s3:/…`. A file or folder of that name, odd as it is, goes before.
    """
    text = os.fspath(place)
    found = _ADDRESS.match(text)
    return None if found is None or os.path.lexists(text) else f"{found[1].lower()}://{text[found.end() :]}"


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether a place is an address that prune reads: `s3://`, `gs://`, `hf://`, `https://` or `http://`."""
    return address(place) is not None


def is_mirrored(path: str) -> bool:
    """Whether a path stands for an object, and not for a file of this machine."""
    return NAMES in path


def as_addresses(text: str) -> str:
    """Return a text in which the names of objects on this machine have become their addresses again."""
    return _MIRRORED.sub(r"\1://", text) if NAMES in text else text
