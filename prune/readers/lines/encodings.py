"""How the characters of a file of lines are written: UTF-8, with a byte order mark or without."""

from __future__ import annotations

from pathlib import Path

from prune.core.errors import DataError
from prune.readers.foreign.shell_lines import then, word
from prune.readers.lines.containers import codec_of, head_of, unpacked_name

MARK = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def refuse_utf16(path: Path) -> None:
    """Raise `DataError` for a file of UTF-16, with the line that writes it as UTF-8."""
    if head_of(path, 2) not in _UTF16:
        return
    out = path.with_name(f"utf8-{unpacked_name(path.name)}")
    raise DataError(
        f"{path} is UTF-16, and lines are read as UTF-8", rewritten(path, "iconv -f UTF-16 -t UTF-8", out)
    )


def rewritten(path: Path, program: str, out: Path) -> str:
    """Return a line for a shell that sends what a file holds through a program into another file."""
    codec = codec_of(path.name)
    if codec is None:
        return then(f"{program} < {word(path)} > {word(out)}", out)
    return then(f"{codec} -dc {word(path)} | {program} > {word(out)}", out)
