"""The bytes of one file of a folder, or why they cannot be had."""

from __future__ import annotations

from pathlib import Path

from prune.core.errors import DataError
from prune.readers.tar.samples import MAX_IMAGE_BYTES


def content(path: Path) -> tuple[int | None, bytes | None, str | None]:
    """Return the size, the bytes, and why they cannot be used, each None where there is none.

    Raises
    ------
    DataError
        The file is gone, or its disk fails.
    """
    try:
        size = path.stat().st_size
        if size == 0:
            return 0, None, "the file is empty"
        if size > MAX_IMAGE_BYTES:
            return size, None, f"the file is over {MAX_IMAGE_BYTES} bytes"
        data = read_file(path)
    except PermissionError as error:
        return None, None, f"the file cannot be read: {reason_of(error)}"
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}", "run the command again") from error
    return len(data), data, None


def read_file(path: Path) -> bytes:
    """Return all bytes."""
    with path.open("rb") as file:
        return file.read()


def reason_of(error: OSError) -> str:
    """Return what the system says, as a part of a sentence."""
    return str(error.strerror).lower()
