"""A file that pyarrow writes to and cannot close: only its owner gives it a name."""

from __future__ import annotations

import io

from prune.system.files import NewFile


class Sink(io.RawIOBase):
    """Pass bytes on to a new file."""

    def __init__(self, out: NewFile) -> None:
        super().__init__()
        self._out = out

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Append bytes."""
        return self._out.write(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._out.tell()
