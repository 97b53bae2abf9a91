"""Names of labels: what their fields and columns are called, and which others may hold labels."""

from __future__ import annotations

import re
from collections.abc import Iterable

_words = str.split  # many words in few lines
LABELS = tuple(
    _words(
        "label cls class class_id class_name category target labels fine_label class_label cls_id cls_name "
        "category_id category_name label_id label_name class_idx label_idx coarse_label"
    )
)
"""Names of a label, in JSON and in metadata; the first that is there counts."""

_HINTS = re.compile("label|class|cls|categor|target|species|breed|kind|type|genus|family|diagnos|gender")
_NO_LABELS = frozenset(
    _words(
        "key id uid uuid url uri path file file_name filename name image img image_id image_path width "
        "height size w h original_width original_height md5 sha1 sha256 hash phash exif caption text prompt "
        "title description alt similarity aesthetic score status error_message license author date time "
        "timestamp language lang source index idx split nsfw punsafe pwatermark bbox x y lat lon latitude "
        "longitude"
    )
)


def is_label(name: str) -> bool:
    """Whether a field is called like a label."""
    return name.rpartition(".")[2].lower() in LABELS


def likely(names: Iterable[str]) -> list[str]:
    """Return the names that may be those of labels, the likeliest first; without ids, sizes and captions."""
    found = [name for name in names if name.rpartition(".")[2].lower() not in _NO_LABELS]
    return sorted(found, key=lambda name: (not is_label(name), not _HINTS.search(name.lower())))
