"""Keys that every shard counts anew: then all of them begin with the name of their shard."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.readers.key_clashes import all_differ
from prune.readers.sample import RAW, key_problem

_SHARE = (
    0.1  # of the samples after the first shard, from which on keys restart and do not stand twice by chance
)


def told_apart(raw: pa.Table) -> pa.Table:
    """Return the samples with keys `shard/key` where keys restart in each shard, else as they are.

    They restart where a tenth of the samples, those of the first shard aside, have the key of an earlier
    shard's sample, and another image. One shard copied beside itself holds the same images twice: its keys
    do not restart, they stand there already.
    """
    keys, shards = raw["key"], raw["shard"]
    if all_differ(keys) or len(pc.unique(shards)) < 2:
        return raw
    codes = keys.combine_chunks().dictionary_encode().indices.to_numpy()
    holders = shards.combine_chunks().dictionary_encode().indices.to_numpy()
    images = raw["digest"].combine_chunks().dictionary_encode().indices
    pictures = pc.fill_null(images, -1).to_numpy()
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    earlier = first[inverse]
    again = (holders != holders[earlier]) & (pictures != pictures[earlier])
    if again.sum() < max(1, _SHARE * np.sum(holders != holders[0])):
        return raw
    names = pc.replace_substring_regex(shards, r"\.tar$", "")
    longer = pc.binary_join_element_wise(names, keys, "/")
    reasons = [key_problem(key) for key in longer.to_pylist()]
    found = pc.coalesce(raw["reason"], pa.chunked_array([pa.array(reasons, pa.string())]))
    raw = raw.set_column(RAW.get_field_index("key"), RAW.field("key"), longer)
    return raw.set_column(RAW.get_field_index("reason"), RAW.field("reason"), found)
