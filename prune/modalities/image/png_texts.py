"""A PNG without the texts in it: they say nothing of the pixels, and may be long, or bombs."""

from __future__ import annotations

_HEAD = 8  # bytes before the first chunk
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_MEANT = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0", b"Raw profile type APP1\0")  # may turn it
_MANY = 200_000  # chunks that are looked at; a picture of the largest size has less


def without_notes(data: bytes) -> bytes:
    """Return the bytes of a PNG without texts and colour profile; what may say how it is turned stays."""
    kept: list[bytes] = []
    start = at = _HEAD
    for _ in range(_MANY):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if len(kind) < 4 or kind == b"IEND":
            break
        if kind in _TEXTS and not data.startswith(_MEANT, at + 8):
            kept.append(data[start:at])
            start = end
        at = end
    return b"".join([data[:_HEAD], *kept, data[start:]]) if kept else data
