"""The list of what cannot be used: `rejects.json`, written anew by every command that finds some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prune.store.layout import REJECTS
from prune.system import files


def list_rejects(folder: Path, samples: Sequence[tuple[str, str]], shards: Mapping[str, str]) -> None:
    """Write down which shards and samples cannot be used, and why, for people to read."""
    listed = [{"shard": name, "reason": why} for name, why in shards.items()]
    listed += [{"key": key, "reason": why} for key, why in samples]
    files.write_json(folder / REJECTS, listed)
