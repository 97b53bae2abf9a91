"""JPEG files made to waste time: endless padding, a million segments, a thousand passes over the picture.

Pillow reads the segments before the first scan byte by byte, and libjpeg goes over the whole picture for each
scan of twelve bytes: a file of a megabyte could keep a core busy for hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SCANS = 100  # of a progressive file; encoders write about ten
MAX_SEGMENTS = 10_000  # the colour profiles, notes and tables of a camera are some dozen
MAX_PADDING = 4096  # bytes between two segments

_PADDING = re.compile(rb"\xff*")
_NEXT = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # what ends the data of a scan
_BARE = frozenset([0x00, 0x01, *range(0xD0, 0xD9)])  # markers without a length
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1)
_SCAN, _END = 0xDA, 0xD9


@dataclass
class _Walk:
    """Where a walk over the segments stands."""

    data: bytes
    at: int = 2  # behind the first marker
    scans: int = 0
    components: int = 0
    passes: bool = True  # whether there may be several scans

    def marker(self) -> int | None:
        """Go to the next marker and return it; None where padding is too long or the file ends."""
        begin = self.data.find(b"\xff", self.at, self.at + MAX_PADDING)
        if begin < 0:
            return None
        match = _PADDING.match(self.data, begin, begin + MAX_PADDING)
        self.at = match.end() if match else begin
        return self.data[self.at] if self.at < min(len(self.data), begin + MAX_PADDING) else None

    def pass_over(self, marker: int) -> bool:
        """Go behind a segment, and behind the data of a scan; False at the end of what can be followed."""
        size = int.from_bytes(self.data[self.at + 1 : self.at + 3], "big")
        if marker in _BARE:
            self.at += 1
            return True
        if marker in _FRAMES:
            self.passes = marker not in _SEQUENTIAL
            self.components = self._byte(8)
        end = self.at + 1 + size
        if marker != _SCAN:
            self.at = end
            return True
        self.scans += 1
        following = _NEXT.search(self.data, end) if self.passes or self._byte(3) != self.components else None
        self.at = following.start() if following else len(self.data)
        return following is not None

    def _byte(self, place: int) -> int:
        at = self.at + place
        return self.data[at] if at < len(self.data) else 0


def jpeg_excess(data: bytes) -> str | None:
    """Say how a JPEG would waste time, or return None; one that is broken in another way is none of ours."""
    walk = _Walk(data)
    for _ in range(MAX_SEGMENTS):
        marker = walk.marker()
        if marker is None:
            padded = walk.at + MAX_PADDING <= len(data) and not walk.scans
            return f"over {MAX_PADDING} bytes of padding between segments" if padded else None
        if marker == _END or not walk.pass_over(marker):
            return None
        if walk.scans > MAX_SCANS:
            return f"over {MAX_SCANS} scans"
    return f"over {MAX_SEGMENTS} segments"
