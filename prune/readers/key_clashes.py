"""Keys that several samples of a dataset share: noticed by their hashes, so that no key is held twice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BLOCK = 1 << 16  # keys that are held as objects


def all_differ(keys: pa.ChunkedArray, *, in_form: bool = False) -> bool:
    """Whether no two keys are the same; with `in_form`, nor look the same, in another form of Unicode.

    Time O(n log n); memory 8 bytes a key, as long as hashes of 64 bits differ where keys do: a set of all
    keys would take more than the table of samples.
    """
    hashes, at = np.empty(len(keys), np.int64), 0
    for part in pa.table({"key": keys}).to_batches(max_chunksize=_BLOCK):
        texts = (_in_form(part["key"]) if in_form else part["key"]).to_pylist()
        hashes[at : at + len(texts)] = np.fromiter(map(hash, texts), np.int64, len(texts))
        at += len(texts)
    hashes.sort()
    if (hashes[1:] != hashes[:-1]).all():
        return True
    return len(pc.unique(_in_form(keys) if in_form else keys)) == len(keys)


def with_clashes(raw: pa.Table) -> pa.ChunkedArray:
    """Return the reasons of samples, with that of every key that stands there already, in whatever form.

    `a.png` and `A.png` are two files, so two samples; `é` in one form and in the other look the same.
    """
    keys = raw["key"]
    if all_differ(keys, in_form=True):
        return raw["reason"]
    codes = _in_form(keys).combine_chunks().dictionary_encode().indices.to_numpy()
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    clashing = np.flatnonzero(first[inverse] != np.arange(len(codes)))
    earlier = first[inverse][clashing]
    reasons = raw["reason"].to_numpy(zero_copy_only=False).astype(object)
    places: Mapping[int, str] = {
        int(row): _clash(raw, int(row), int(before)) for row, before in zip(clashing, earlier, strict=True)
    }
    for row, reason in places.items():
        reasons[row] = reasons[row] or reason
    return pa.chunked_array([pa.array(reasons, pa.string())])


def _in_form(keys: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.utf8_normalize(keys, form="NFC")


def _clash(raw: pa.Table, row: int, before: int) -> str:
    key, earlier = raw["key"][row].as_py(), raw["key"][before].as_py()
    if key != earlier:
        return f"the key differs from {earlier!r} only by its Unicode form"
    shard = raw["shard"][before].as_py()
    return f"duplicate key; first in {shard}" if shard else "duplicate key"
