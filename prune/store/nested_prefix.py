"""The first samples of a selection, as a selection: one `select` serves every smaller fraction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError
from prune.core.methods import whole
from prune.core.quota import keep_count
from prune.core.store_option import in_store
from prune.store.layout import SELECTIONS
from prune.store.selections import StoredSelection, contents, digest_of_keys, record_files

_OF_THE_WHOLE = ("facts", "plan", "report")  # what was found of all samples taken, not of the first
BEYOND = "taken after the first {k}"


@dataclass(frozen=True)
class Prefix:
    """The first k samples that a selection took; read like the selection itself."""

    name: str
    about: Mapping[str, Any]
    manifest: pa.Table

    @property
    def rows(self) -> Rows:
        """(k,) ascending kept rows."""
        return np.flatnonzero(self.manifest["selected"].to_numpy()).astype(np.int64)

    @property
    def weights(self) -> Weights | None:
        """None: only selections whose weights are 1 have prefixes."""
        return None

    @property
    def records(self) -> dict[str, bytes]:
        """The files, for putting beside an export."""
        made = contents(self.manifest)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
        return record_files({**self.about, "files": digests}, made)


def prefix(
    chosen: StoredSelection, fraction: str | float | None = None, *, count: int | None = None
) -> Prefix:
    """Keep the samples taken first: as many as this fraction of all that can be read, or so many.

    Raises
    ------
    OptionError
        The selection has fewer, or its first samples are not what a smaller budget would have chosen; not one
        of the two was given.
    """
    about = chosen.about
    k = _asked(fraction, count, about["usable"])
    size = f"--count {count}" if fraction is None else f"--fraction {fraction}"
    words = f"prune select --method {about['method']} {size}"
    home = chosen.folder.parent  # else it was exported, and its store may be anywhere
    again = in_store(words, str(home.parent)) if home.name == SELECTIONS else words
    if not about["nested"]:
        how = f"{about['method']}, quota {about['asked'].get('quota', 'none')}"
        raise OptionError(f"the first {k} of {chosen.name} ({how}) are not what {k} alone would be", again)
    if about.get("weighted", "weights.npy" in about["files"]):
        raise OptionError(f"the weights of {chosen.name} belong to all its {about['k']} samples", again)
    if k > about["k"]:
        raise OptionError(f"{size} asks for {k} samples, but {chosen.name} has {about['k']}", again)
    table = _cut(chosen.manifest, k)
    kept = {name: value for name, value in about.items() if name not in _OF_THE_WHOLE}
    shorter = {
        **kept,
        "k": k,
        "asked": {**about["asked"], "prefix": str(count if fraction is None else fraction)},
        "prefix_of": about["k"],
        "keys_sha256": digest_of_keys(table["key"].filter(table["selected"])),
    }
    return Prefix(chosen.name, shorter, table)


def _asked(fraction: str | float | None, count: int | None, usable: int) -> int:
    if (fraction is None) == (count is None):
        raise OptionError("a part of a selection is a fraction or a count", "give one of them")
    if fraction is not None:
        return keep_count(fraction, usable)
    k = whole(count, "count")
    if k < 1:
        raise OptionError(f"--count must be at least 1, not {k}", "--count 100 keeps the hundred taken first")
    return k


def _cut(manifest: pa.Table, k: int) -> pa.Table:
    rank = manifest["rank"].to_numpy(zero_copy_only=False)
    kept = rank < k  # null is NaN here, and NaN is not below k
    late = manifest["selected"].to_numpy() & ~kept
    reasons = np.array(manifest["reason"].to_pylist(), object)
    reasons[late] = BEYOND.format(k=k)
    new = {
        "selected": pa.array(kept),
        "rank": pa.array(np.where(kept, rank, -1).astype(np.int64), mask=~kept),
        "weight": pa.array(np.where(kept, manifest["weight"].to_numpy(), 0).astype(np.float32)),
        "gain": pa.array(np.where(kept, manifest["gain"].to_numpy(), 0).astype(np.float32)),
        "reason": pa.array(reasons, pa.string()),
    }
    for name, column in new.items():
        manifest = manifest.set_column(manifest.column_names.index(name), name, column)
    return manifest
