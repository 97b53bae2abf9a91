"""The label of a tar sample: which member or JSON field holds it, and which texts can be a label."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from prune.readers.labels.names import LABELS

Place: TypeAlias = tuple[
    str, tuple[str, ...]
]  # extension of a member; path of fields inside it, where it is JSON

MAX_TEXT_BYTES = 64 << 10
MAX_JSON_BYTES = 16 << 20
MAX_LABEL = 64  # characters

_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # control characters, half characters


def places(label_field: str | None) -> list[Place]:
    """Return where a label may stand; the first place that holds one counts.

    Without a name: the member `.cls`, then the fields `LABELS` of `.json`, in that order. A name with a
    `json` before its last dot is a field: `json.category`, `meta.json.object.kind`. Any other name,
    `caption.txt`, is a member of that extension, or else a field of `.json`. A member whose extension ends in
    `json` is parsed.
    """
    if label_field is None:
        return [("cls", ()), *(("json", (field,)) for field in LABELS)]
    parts = label_field.split(".")
    if "json" in parts[:-1]:
        at = parts.index("json") + 1
        return [(".".join(parts[:at]).lower(), tuple(parts[at:]))]
    return [(label_field.lower(), ()), ("json", (label_field,))]


def is_json(extension: str) -> bool:
    """Say whether a member is parsed as JSON."""
    return extension.rpartition(".")[2] == "json"


def limit(extension: str) -> int:
    """Return how many bytes a label member may have."""
    return MAX_JSON_BYTES if is_json(extension) else MAX_TEXT_BYTES


def label_of(texts: Mapping[str, bytes | None], where: Sequence[Place]) -> str | None:
    """Return the label text of a sample, stripped; None where it has none.

    Parameters
    ----------
    texts
        Bytes of the members that may hold a label, by extension; None for one over its `limit`.
    where
        The places, in order.

    Raises
    ------
    ValueError
        What stands there cannot be a label: it is not text, empty, over 64 characters, `nan`, a fraction or a
        list. The message is the reason.
    """
    parsed: dict[str, Any] = {}
    for extension, path in where:
        if extension not in texts:
            continue
        if extension not in parsed:
            parsed[extension] = _content(extension, texts[extension])
        value = _field(parsed[extension], path)
        if value is not None:
            return usable_label(value)
    return None


def _content(extension: str, data: bytes | None) -> Any:
    if data is None:
        raise ValueError(f"its .{extension} is over {limit(extension)} bytes, too large for a label")
    if is_json(extension):
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"its .{extension} is not JSON") from error
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"its .{extension} is not text, so it is no label") from error


def _field(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def usable_label(value: Any) -> str:
    """Return a value as the text of a label; a `ValueError` says why it is none."""
    text = _text(value)
    if not text or len(text) > MAX_LABEL or text.lower() == "nan" or _UNUSABLE.search(text):
        shown = text if len(text) <= MAX_LABEL else text[:32] + "…"
        raise ValueError(f"label {shown!r} is not usable")
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else _refuse_number(value)
    if isinstance(value, int):
        return str(value)
    raise ValueError(f"label is a {type(value).__name__}, neither text nor a whole number")


def _refuse_number(value: float) -> str:
    raise ValueError(f"label '{value}' is not usable")
