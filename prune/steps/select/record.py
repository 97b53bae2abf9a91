"""The record of a selection: one row per source sample, and how it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyarrow as pa

import prune
from prune.core.column_name import EXTRAPOLATED, SCORE, SUSPECT, SUSPECT_RANK, of_kinds
from prune.core.selection import Selection
from prune.steps.select.by_class import ChoiceTask
from prune.steps.select.eligible import Eligible, directions
from prune.steps.select.request import SelectRequest
from prune.steps.settings import Settings
from prune.store import Dataset, Store, digest_of_keys
from prune.system.cores import core_count

_PACKAGES = ("numpy", "pyarrow", "torch", "torchvision", "datasets", "webdataset")


def manifest(store: Store, dataset: Dataset, eligible: Eligible, chosen: Selection) -> pa.Table:
    """Return the selection as a table: one row per source sample, in source order."""
    n, originals = len(dataset), dataset.originals
    rank, weight, gain = np.full(n, -1, np.int64), np.zeros(n, np.float32), np.zeros(n, np.float32)
    rank[chosen.rows] = np.arange(len(chosen))
    weight[chosen.rows], gain[chosen.rows] = chosen.weights, chosen.gains
    reasons = np.full(n, None, object)
    reasons[list(eligible.reasons)] = list(eligible.reasons.values())
    if partners := chosen.facts.get("partners"):
        rows, of = np.asarray(partners["rows"], np.int64), np.asarray(partners["of"], np.int64)
        originals = originals.copy()
        originals[rows] = of
        reasons[rows] = "redundant" if chosen.facts.get("eps") is None else "duplicate"
    reasons[np.asarray(chosen.facts.get("dropped", ()), np.int64)] = "hardest, cut off by the method"
    labels = dataset.samples["label"]
    names = pa.array(dataset.classes, pa.string()).take(labels.combine_chunks())
    of = pa.array(originals, pa.int64(), mask=originals == np.arange(n))
    columns = {
        "row": pa.array(np.arange(n)),
        "key": dataset.samples["key"],
        "split": pa.repeat(pa.scalar(dataset.split, pa.string()), n),
        "shard": dataset.samples["shard"],
        "offset": dataset.samples["offset"],
        "size": dataset.samples["size"],
        "label": labels,
        "label_name": names,
        "selected": pa.array(rank >= 0),
        "rank": pa.array(rank, mask=rank < 0),
        "weight": pa.array(weight),
        "gain": pa.array(gain),
        "reason": pa.array(reasons, pa.string()),
        "duplicate_of": of,
        "duplicate_of_key": dataset.samples["key"].take(of),
    }
    for name in of_kinds(store.columns, SCORE):
        if name.part in {"", SUSPECT, SUSPECT_RANK, EXTRAPOLATED}:
            columns[name] = pa.array(store.column(name).read())
    return pa.table(columns)


def about(
    request: SelectRequest, task: ChoiceTask, eligible: Eligible, table: pa.Table, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what `selection.json` says of the choice."""
    method = request.selector
    options = {**method.options, **task.options}
    return {
        "method": request.method,
        "options": options,
        "nested": is_nested(task, options, facts),
        "weighted": method.weighted or task.reweight in {"cluster", "nnls"},
        "asked": {**_asked(request), "quota": task.quota},
        "seed": request.seed,
        "n": len(table),
        "usable": eligible.usable,
        "k": int(np.count_nonzero(table["selected"].to_numpy())),
        "keys_sha256": digest_of_keys(table["key"].filter(table["selected"])),
        "drop_hardest": dict(eligible.cut) or None,
        "facts": {name: value for name, value in facts.items() if name not in _OF_ROWS},
    }


_OF_ROWS = ("partners", "dropped")  # facts that the manifest holds row by row


def provenance(store: Store, dataset: Dataset, request: SelectRequest, settings: Settings) -> dict[str, Any]:
    """Return what `selection.json` says of the data and the program."""
    return {
        "columns": {name: store.state["columns"][name] for name in store.columns},
        "directions": directions(store),
        "classes": dataset.classes,
        "shards": dict(dataset.sources),
        **({"skipped_shards": dict(dataset.skipped)} if dataset.skipped else {}),
        "dataset": {"fingerprint": store.state["dataset"], "format": dataset.format, "split": dataset.split},
        "versions": {"prune": prune.__version__, "python": platform.python_version(), **_versions()},
        "device": request.device(settings),
        "threads": core_count(),
    }


def is_nested(task: ChoiceTask, options: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a smaller budget would have chosen the samples taken first.

    Random candidates and parts depend on the budget, whatever the method; so do the shares of classes, unless
    they are proportional.
    """
    modes = facts.get("mode", "")
    partitioned = "partitioned" in (modes if isinstance(modes, list) else [modes])
    random = options.get("greedy") == "stochastic"
    shares = task.quota in {"equal", "drop"} or (
        task.quota != "none" and (task.floor > 0 or task.cap is not None)
    )
    return task.method.nested and facts.get("nested", True) is True and not (partitioned or random or shares)


def _asked(request: SelectRequest) -> dict[str, Any]:
    asked = {
        "fraction": None if request.fraction is None else str(request.fraction),
        "count": request.count,
        "score": request.score,
        "quota_floor": request.quota_floor,
        "quota_cap": request.quota_cap,
        "quota_errors": request.quota_errors,
        "drop_hardest": request.drop_hardest,
        "drop_by": request.drop_by,
        "on": request.on,
        "given": len(request.given),
        "target": request.target,
        "reweight": request.reweight,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
