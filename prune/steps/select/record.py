"""The record of a selection: one row per source sample, and how it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyarrow as pa

import prune
from prune.core.column_name import deciding
from prune.core.selection import CLUSTER_OF, LEFT_OUT, Selection
from prune.steps.report.compare import MeasuredPool, compare
from prune.steps.score_columns import directions
from prune.steps.select.by_class import ChoiceTask
from prune.steps.select.forecast import Forecast
from prune.steps.select.inputs import SelectionInputs
from prune.steps.select.kept_selection import with_kept
from prune.steps.select.manifest_scores import manifest_scores
from prune.steps.select.request import SelectRequest
from prune.store import digest_of_keys
from prune.system.cores import core_count

_PACKAGES = ("numpy", "pyarrow", "torch", "torchvision", "datasets", "webdataset")


def record(
    inputs: SelectionInputs, chosen: Selection, forecast: Forecast | None, warnings: Sequence[str]
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the manifest, and what `selection.json` says but for the time it took."""
    kept = inputs.eligible.kept
    whole = with_kept(kept, chosen) if len(kept) else chosen
    table = manifest(inputs, whole)
    about = {**_choice(inputs, table, whole.facts), **_provenance(inputs)}
    about["from"] = inputs.decisive
    about["plan"] = None if forecast is None else asdict(forecast)
    about["warnings"] = list(warnings)
    if inputs.errors is not None:
        by_class = dict(zip(inputs.dataset.classes, inputs.errors.values.tolist(), strict=True))
        about["class_errors"] = {"source": inputs.errors.source, "by_class": by_class}
    if inputs.narrowed.within is not None:
        about["within"] = inputs.narrowed.within.described
    if inputs.narrowed.leaks:
        about["leaks"] = [leaks.described for leaks in inputs.narrowed.leaks]
    if inputs.narrowed.where is not None:
        about["where"] = inputs.narrowed.where.described
    if inputs.groups is not None:
        about["by"] = inputs.groups.described(np.union1d(inputs.eligible.rows, kept), whole.rows)
    if inputs.narrowed.suspects is not None:
        about["suspects"] = dict(inputs.narrowed.suspects.described)
    if inputs.narrowed.copies is not None:
        about["copies"] = dict(inputs.narrowed.copies.described)
    if inputs.before is not None:
        about["churn"] = inputs.before.churn(whole.rows)
    about["report"] = _report(inputs, chosen)
    return table, about


def _report(inputs: SelectionInputs, chosen: Selection) -> dict[str, Any]:
    dataset, eligible = inputs.dataset, inputs.eligible
    vectors = None if inputs.space is None else inputs.space.vectors
    pool = MeasuredPool(eligible.rows, eligible.given, eligible.dropped)
    classes, seed = len(dataset.classes), inputs.request.seed
    return compare(vectors, dataset.labels, pool, np.sort(chosen.rows), classes, seed)


def manifest(inputs: SelectionInputs, chosen: Selection) -> pa.Table:
    """Return the selection as a table: one row per source sample, in source order."""
    store, dataset, eligible = inputs.store, inputs.dataset, inputs.eligible
    n, originals = len(dataset), dataset.originals
    rank, weight, gain = np.full(n, -1, np.int64), np.zeros(n, np.float32), np.zeros(n, np.float32)
    rank[chosen.rows] = np.arange(len(chosen))
    weight[chosen.rows], gain[chosen.rows] = chosen.weights, chosen.gains
    reasons = np.full(n, None, object)
    for rows, why in eligible.reasons:
        reasons[rows] = why
    if (within := inputs.narrowed.within) is not None:
        originals = originals.copy()
        originals[within.copies] = within.originals
    if (copies := inputs.narrowed.copies) is not None:
        originals = originals.copy()
        originals[copies.rows] = copies.of
    if partners := chosen.facts.get("partners"):
        rows, of = np.asarray(partners["rows"], np.int64), np.asarray(partners["of"], np.int64)
        originals = originals.copy()
        originals[rows] = of
        limit = chosen.facts.get("eps", chosen.facts.get("threshold"))
        reasons[rows] = "redundant" if limit is None else "duplicate"
    if left_out := chosen.facts.get(LEFT_OUT):
        reasons[np.asarray(left_out["rows"], np.int64)] = left_out["reason"]
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
    if clusters := chosen.facts.get(CLUSTER_OF):
        ids = np.full(n, -1, np.int32)
        ids[np.asarray(clusters["rows"], np.int64)] = clusters["of"]
        columns["cluster"] = pa.array(ids, mask=ids < 0)
    if inputs.groups is not None:
        columns["group"] = inputs.groups.column()
    if inputs.narrowed.leaks:
        columns["leak_of_key"] = inputs.narrowed.partners(n)
    return pa.table(columns | manifest_scores(store))


def _choice(inputs: SelectionInputs, table: pa.Table, facts: Mapping[str, Any]) -> dict[str, Any]:
    request, task, eligible = inputs.request, inputs.task, inputs.eligible
    method, options = request.selector, {**request.selector.options, **task.options}
    return {
        "method": request.method,
        "options": options,
        "nested": is_nested(task, options, facts),
        "weighted": method.weighted or task.weighs,
        "asked": {**_asked(request), "quota": task.quota},
        "seed": request.seed,
        "n": len(table),
        "usable": eligible.usable,
        "k": int(np.count_nonzero(table["selected"].to_numpy())),
        "keys_sha256": digest_of_keys(table["key"].filter(table["selected"])),
        "drop_hardest": dict(eligible.cut) or None,
        "facts": {name: value for name, value in facts.items() if name not in _OF_ROWS},
    }


_OF_ROWS = ("partners", "dropped", CLUSTER_OF, LEFT_OUT)  # facts that the manifest holds row by row


def _provenance(inputs: SelectionInputs) -> dict[str, Any]:
    """Return what is said of the data and the program."""
    store, dataset = inputs.store, inputs.dataset
    return {
        "columns": deciding(dict(sorted(store.state["columns"].items()))),
        "directions": directions(store),
        "classes": dataset.classes,
        "shards": dict(dataset.sources),
        **({"skipped_shards": dict(dataset.skipped)} if dataset.skipped else {}),
        "dataset": {"fingerprint": store.state["dataset"], "format": dataset.format, "split": dataset.split},
        "versions": {"prune": prune.__version__, "python": platform.python_version(), **_versions()},
        "device": inputs.request.device(inputs.settings),
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
        **({"by": request.by} if request.by is not None else {}),
        **({"where": request.where} if request.where is not None else {}),
        "drop_hardest": request.drop_hardest,
        "drop_by": request.drop_by,
        "on": request.on,
        "given": request.keeps or len(request.given),
        "replace": request.replace or None,
        "target": request.target,
        "within": request.within,
        "drop_leaks": list(request.drop_leaks) or None,
        "drop_suspects": _listed(request.drop_suspects),
        "drop_duplicates": request.drop_duplicates or None,
        "reweight": request.reweight,
        "partitions": request.partitions,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _listed(suspects: str | Sequence[str] | None) -> str | int | None:
    """Return `auto`, or how many keys were listed."""
    return suspects if suspects is None or isinstance(suspects, str) else len(suspects)


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
