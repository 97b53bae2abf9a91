"""Data that a choice is made by and that lies outside the store: what stands for it, as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from prune.core.findings import Findings
from prune.core.object_names import is_address
from prune.steps.check.held_out import open_held_out
from prune.steps.dataset_session import known_dataset
from prune.steps.select.request import SelectRequest
from prune.steps.select.target.dataset import find_dataset
from prune.steps.select.target.file import holds_numbers
from prune.steps.select.target.pool import TargetPool
from prune.steps.settings import Settings
from prune.store import Store, identity
from prune.store.layout import STATE, TARGETS
from prune.store.verify import check_store
from prune.system import contents, files

TARGET = "target"


def data_elsewhere(store: Store, request: SelectRequest, settings: Settings) -> dict[str, str]:
    """Return a digest of every dataset, store or file of numbers that `--target` and `--drop-leaks` name.

    For the holder of the store's lock: datasets are scanned, and what was scanned is kept.

    Raises
    ------
    DataError, OptionError
        One is not there, or cannot be read.
    StoreError
        The dataset of a store that is named changed since.
    """
    found = {
        f"leaks {source}": open_held_out(store, source, None, settings).dataset.fingerprint
        for source in request.drop_leaks
    }
    if request.target is not None:
        found[TARGET] = _target(store, request.target, request.target_split, settings)
    return found


def looks_are_whole(store: Store, elsewhere: Mapping[str, str]) -> bool:
    """Whether nothing is damaged or missing of what the store keeps about data elsewhere, by its digest.

    It is judged as `verify` does, which names the command that chooses: that has to make it again.
    """
    for named, digest in elsewhere.items():
        kept = Store(store.path / TARGETS / digest[:16])
        if not kept.path.is_dir():  # nothing was to be computed, or it was removed as a whole
            continue
        if named == TARGET and not (kept.path / STATE).exists():
            return False
        found = Findings(lambda _: None, str(kept.path))
        check_store(kept, found, lambda _: "", inner=True)
        if found.counts.get("damaged") or found.counts.get("missing"):
            return False
    return True


def _target(store: Store, source: str, split: str | None, settings: Settings) -> str:
    if holds_numbers(source):
        return files.sha256(contents.file_at(source))
    if not is_address(source) and (other := Store(source)).exists():
        known_dataset(other, replace(settings, reading={}))  # which may have changed
        return identity({name: other.state.get(name) for name in ("dataset", "columns")})
    return find_dataset(TargetPool(store, ""), source, split, settings).dataset.fingerprint
