"""The file suffix that belongs to an encoded image, by its first bytes."""

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
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "j2k"),
    (b"BM", "bmp"),
)
UNKNOWN = "bin"
HEAD = 64  # bytes that are enough to know
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # bytes of the header that follows
_NETPBM = {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"}


def suffix_of(data: bytes) -> str:
    """Return the suffix of a format that prune reads, or, if unknown, `bin`.

    `jpg`, `png`, `webp`, `gif`, `bmp`, `tiff`, `ppm` (any netpbm), `avif`, `jp2` or `j2k`.
    """
    for magic, suffix in _MAGIC:
        if data.startswith(magic):
            return suffix
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] in _NETPBM and data[2:3].isspace():
        return "ppm"
    return "avif" if _is_avif(data) else UNKNOWN


def is_surely_image(head: bytes) -> bool:
    """Whether a file with these first bytes is an image, whatever it is called.

    Two letters are not enough: a text may begin with BM or P1.
    """
    suffix = suffix_of(head)
    if suffix == "bmp":
        return int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    if suffix == "ppm":
        return head[3:4].isdigit() or head[3:4] == b"#"
    return suffix != UNKNOWN


def _is_avif(data: bytes) -> bool:
    """A file of several brands is one if AVIF is among them: HEIC is built in the same way."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), HEAD)]
    return any(brands[at : at + 4] in (b"avif", b"avis") for at in range(0, len(brands), 4))
