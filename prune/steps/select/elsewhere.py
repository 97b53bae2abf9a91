"""Data that a choice is made by and that lies outside the store: what stands for it, as it is now."""

from __future__ import annotations

from pathlib import Path

from prune.steps.check.held_out import open_held_out
from prune.steps.select.request import SelectRequest
from prune.steps.select.target.dataset import find_dataset
from prune.steps.select.target.file import holds_numbers
from prune.steps.select.target.pool import TargetPool
from prune.steps.settings import Settings
from prune.store import Store, identity
from prune.system import files


def data_elsewhere(store: Store, request: SelectRequest, settings: Settings) -> dict[str, str]:
    """Return a digest of every dataset, store or file of numbers that `--target` and `--drop-leaks` name.

    For the holder of the store's lock: datasets are scanned, and what was scanned is kept.

    Raises
    ------
    DataError, OptionError
        One is not there, or cannot be read.
    """
    found = {
        f"leaks {source}": open_held_out(store, source, None, settings).dataset.fingerprint
        for source in request.drop_leaks
    }
    if request.target is not None:
        found["target"] = _target(store, request.target, request.target_split, settings)
    return found


def _target(store: Store, source: str, split: str | None, settings: Settings) -> str:
    if holds_numbers(source):
        return files.sha256(Path(source))
    if (other := Store(source)).exists():
        return identity({name: other.state.get(name) for name in ("dataset", "columns")})
    return find_dataset(TargetPool(store, ""), source, split, settings).dataset.fingerprint
