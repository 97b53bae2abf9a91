"""The sample table: one row a sample, columnar, in the order of the dataset."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Labels, Rows
from prune.core.errors import DamagedError, StoreError
from prune.store.layout import DATASET, DATASETS, DIGEST_CHARS
from prune.store.tables import content_hash, from_parquet, to_parquet
from prune.system import files

SAMPLES = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # unique in the dataset
        pa.field("shard", pa.string()),  # file that holds it, relative to the root; null: the key is the file
        pa.field("offset", pa.int64()),  # byte range in a tar, headers and padding included
        pa.field("size", pa.int64()),
        pa.field("image_offset", pa.int64()),  # byte range of the image alone
        pa.field("image_size", pa.int64()),
        pa.field("index", pa.int64()),  # position inside the shard, where it has rows
        pa.field("label", pa.int32()),  # class id in [0, c); null: unlabelled
        pa.field("digest", pa.binary(16)),  # of the image's bytes: equal digests are equal images
        pa.field("reason", pa.string()),  # why the sample cannot be used; null: it can
    ]
)


HELD_OUT = "held out"  # the reason of samples that are set aside, to be tested on


@dataclass(frozen=True)
class Dataset:
    """What a scan found: samples, classes, and the checksum of every source file."""

    format: str
    split: str | None
    classes: list[str]
    sources: Mapping[str, str]  # file, relative to the root -> SHA-256; empty where every sample is a file
    samples: pa.Table = field(repr=False)
    skipped: Mapping[str, str] = field(default_factory=dict)  # shards left out whole -> why
    seen: Mapping[str, tuple[bytes, bool]] = field(default_factory=dict, repr=False, compare=False)
    """What the system said of source files before this scan; not stored."""
    passed_over: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    """What this scan saw and did not take for samples, by kind; not stored."""
    depths: Mapping[int, int] = field(default_factory=dict, repr=False, compare=False)
    """Of pictures of 16 bits a channel: how many use how many of the bits; not stored."""

    modality: str = "image"  # what the samples are: a name in `prune.modalities.MODALITIES`
    holdout: Mapping[str, Any] | None = None  # the rule by which samples are held out, where some are
    layout: str = ""  # of samples that are rows of an array: their type and shape, of which no digest tells

    def __len__(self) -> int:
        return self.samples.num_rows

    @property
    def keys(self) -> list[str]:
        """Keys in row order."""
        keys: list[str] = self.samples["key"].to_pylist()
        return keys

    @property
    def labels(self) -> Labels:
        """(n,) class ids; -1 where there is none."""
        return pc.fill_null(self.samples["label"], -1).to_numpy()

    @property
    def usable(self) -> Rows:
        """Rows that the scan did not reject, and that are not held out."""
        return np.flatnonzero(self.samples["reason"].is_null().to_numpy(zero_copy_only=False))

    @property
    def rejects(self) -> dict[int, str]:
        """Rows that the scan rejected, with the reason of each."""
        reasons = self.samples["reason"]
        bad = np.setdiff1d(np.flatnonzero(reasons.is_valid().to_numpy(zero_copy_only=False)), self.held_out)
        return dict(zip(bad.tolist(), reasons.take(pa.array(bad)).to_pylist(), strict=True))

    @property
    def held_out(self) -> Rows:
        """Rows that are set aside, to be tested on: never scored, trained on or kept."""
        held = pc.fill_null(pc.equal(self.samples["reason"], HELD_OUT), False)
        return np.flatnonzero(held.to_numpy(zero_copy_only=False))

    @property
    def originals(self) -> Rows:
        """(n,) the lowest row with the same image bytes: a row's own number unless it is a duplicate."""
        return self.originals_without(())

    def originals_without(self, rows: Collection[int]) -> Rows:
        """Return `originals` where these rows, as those that the scan rejected, are nobody's original."""
        codes = np.array(
            pc.fill_null(self.samples["digest"].combine_chunks().dictionary_encode().indices, -1)
        )
        codes[self.samples["reason"].is_valid().to_numpy()] = -1
        codes[list(rows)] = -1
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        found: Rows = np.asarray(first)[inverse]
        found[codes < 0] = np.flatnonzero(codes < 0)
        return found

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: independent of where the dataset lies and of time stamps."""
        described = {
            "format": self.format,
            "split": self.split,
            "classes": self.classes,
            "sources": dict(self.sources),
            "samples": content_hash(self.samples),
            **({"skipped": dict(self.skipped)} if self.skipped else {}),
            **self._other_modality,
        }
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()

    @property
    def _other_modality(self) -> dict[str, str]:
        """What says that these are no images: nothing where they are, so that older stores read the same."""
        return {} if self.modality == "image" else {"modality": self.modality}


def write_dataset(folder: Path, dataset: Dataset) -> None:
    """Write the sample table and its description; the description comes last and completes it."""
    data = to_parquet(dataset.samples)
    name = f"samples-{hashlib.sha256(data).hexdigest()[:DIGEST_CHARS]}.parquet"
    files.write(folder / name, data)
    described = {
        "format": dataset.format,
        "split": dataset.split,
        "classes": dataset.classes,
        "sources": dict(dataset.sources),
        "n": len(dataset),
        "samples": name,
        **({"skipped": dict(dataset.skipped)} if dataset.skipped else {}),
        **dataset._other_modality,
        **({} if dataset.holdout is None else {"holdout": dict(dataset.holdout)}),
        **({"layout": dataset.layout} if dataset.layout else {}),
    }
    files.write_json(folder / DATASET, described)


def read_dataset(folder: Path, fingerprint: str) -> Dataset:
    """Read what `write_dataset` wrote about the dataset of this fingerprint.

    Raises
    ------
    DamagedError
        It is missing, unfinished or damaged.
    """
    try:
        described = files.read_record(folder / DATASET)
        path = folder / described["samples"]
        data = path.read_bytes()
        about = described["format"], described["split"], described["classes"], dict(described["sources"])
        skipped, modality = dict(described.get("skipped", {})), str(described.get("modality", "image"))
        holdout = dict(described["holdout"]) if "holdout" in described else None
        layout = str(described.get("layout", ""))
        if not isinstance(about[2], list) or not all(isinstance(name, str) for name in about[2]):
            raise TypeError("classes are a list of names")
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(f"the sample table in {folder} is missing or damaged", folder) from error
    if hashlib.sha256(data).hexdigest()[:DIGEST_CHARS] not in path.name:
        raise _damaged(f"the sample table {path} is damaged", folder)
    samples = from_parquet(data).cast(SAMPLES)
    dataset = Dataset(*about, samples, skipped, modality=modality, holdout=holdout, layout=layout)
    if dataset.fingerprint != fingerprint:
        raise _damaged(f"{folder / DATASET} is damaged", folder)
    return dataset


def is_whole(folder: Path, fingerprint: str) -> bool:
    """Whether what `write_dataset` wrote is there as it was written; its files are read through once.

    Raises
    ------
    PermissionError
        What is there may not be read.
    """
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
        seen = tuple((name, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns) for name, of in found)
        return _read_through(folder, fingerprint, seen)
    except PermissionError:
        raise
    except (OSError, StoreError):
        return False


@functools.lru_cache(maxsize=8)
def _read_through(folder: Path, fingerprint: str, _seen: object) -> bool:
    return len(read_dataset(folder, fingerprint)) > 0


def _damaged(message: str, folder: Path) -> DamagedError:
    return DamagedError(message, folder.parent.parent, DATASETS)
