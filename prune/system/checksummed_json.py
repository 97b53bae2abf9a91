"""A JSON object that carries its own checksum, for files that nothing else has a checksum of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "seal"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its checksum in it."""
    return {**record, _SEAL: _checksum(record)}


def unsealed(value: Any) -> dict[str, Any]:
    """Return an object without its checksum; files of older versions have none.

    Raises
    ------
    ValueError
        It is no object, or does not fit its checksum.
    """
    if not isinstance(value, dict):
        raise ValueError("this is no JSON object")
    record = {name: part for name, part in value.items() if name != _SEAL}
    if _SEAL in value and value[_SEAL] != _checksum(record):
        raise ValueError("this does not fit its seal")
    return record


def _checksum(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
