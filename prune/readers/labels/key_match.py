"""Names in a file find their samples: as keys, as paths from elsewhere, as file names, without a suffix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array
from prune.modalities.image.suffixes import IMAGE_SUFFIXES

_DEEPEST = 12  # folders of a path that may be left out
_SUFFIX = rf"(?i)\.(?:{'|'.join(sorted(IMAGE_SUFFIXES))})$"
_ZEROS = r"(^|/)0+([0-9]+)$"


def places_of(names: pa.ChunkedArray, keys: pa.ChunkedArray) -> Array:
    """Return where each key stands among the names, (n,); −1 where it does not.

    Of the ways to compare, the first that finds most keys: as they are; without the first folders of the
    names, or of the keys; by the last part alone; then all of these without the suffix of an image, and
    last without zeros in front of a number. A way by which two samples would be one is none.

    Time O(n + m) for each way.
    """
    best = np.full(len(keys), -1, np.int64)
    codes = keys.combine_chunks().dictionary_encode().indices.to_numpy()
    for ours, theirs in _ways(_plain(keys), _plain(names)):
        found = pc.fill_null(pc.index_in(ours, value_set=theirs, skip_nulls=True), -1).to_numpy()
        hits = found >= 0
        if hits.sum() <= (best >= 0).sum() or len(np.unique(found[hits])) < len(np.unique(codes[hits])):
            continue
        best = found.astype(np.int64)
        if hits.all():
            break
    return best


def _plain(names: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return names with slashes, without spaces around and `./` before them, in one Unicode form."""
    names = pc.utf8_normalize(pc.utf8_trim_whitespace(pc.cast(names, pa.large_string())), form="NFC")
    return pc.replace_substring_regex(pc.replace_substring(names, "\\", "/"), r"^(?:\./)+", "")


def _ways(keys: pa.ChunkedArray, names: pa.ChunkedArray) -> Iterator[tuple[pa.ChunkedArray, pa.ChunkedArray]]:
    stems = [pc.replace_substring_regex(texts, _SUFFIX, "") for texts in (keys, names)]
    numbers = [pc.replace_substring_regex(texts, _ZEROS, r"\1\2") for texts in stems]
    for ours, theirs in ((keys, names), stems, numbers):
        yield ours, theirs
        for drop in range(1, _depth(theirs) + 1):
            yield ours, _without_folders(theirs, drop)
        for drop in range(1, _depth(ours) + 1):
            yield _without_folders(ours, drop), theirs
        yield _last(ours), _last(theirs)


def _depth(texts: pa.ChunkedArray) -> int:
    return min(_DEEPEST, pc.max(pc.count_substring(texts, "/")).as_py() or 0)


def _without_folders(texts: pa.ChunkedArray, count: int) -> pa.ChunkedArray:
    return pc.replace_substring_regex(texts, rf"^/?(?:[^/]*/){{{count}}}", "")


def _last(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(texts, r"^.*/", "")
