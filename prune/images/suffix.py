"""What an encoded image calls itself: the file suffix that belongs to its first bytes."""

from __future__ import annotations

_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # the 64-bit kind
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
)
_NETPBM = {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"}


def suffix_of(data: bytes) -> str:
    """Return `jpg`, `png`, `webp`, `gif`, `bmp`, `tiff`, `ppm` (any netpbm) or, if unknown, `bin`."""
    for magic, suffix in _MAGIC:
        if data.startswith(magic):
            return suffix
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] in _NETPBM and data[2:3].isspace():
        return "ppm"
    return "bin"
