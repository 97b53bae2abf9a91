"""`prune export`: the smaller dataset, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings
from prune.core import method_names

_FORMATS = " or ".join((", ".join(method_names.EXPORTERS[:-1]), *method_names.EXPORTERS[-1:]))


def export(
    format_: Annotated[
        str,
        o.option(
            "FORMAT",
            f"{_FORMATS}.",
            o.WRITE,
            "--format",
            complete=c.choices(method_names.EXPORTERS),
        ),
    ],
    selection: Annotated[
        str | None, o.option("NAME", "Which selection; default: the latest.", o.WRITE, complete=c.selections)
    ] = None,
    fraction: Annotated[
        str | None,
        o.option(
            "F", "Only the first of the selection: this fraction of all; of a schedule: an epoch.", o.WRITE
        ),
    ] = None,
    rejected: Annotated[
        bool, o.option(None, "Write the samples not kept instead.", o.WRITE, "--rejected")
    ] = False,
    layout: Annotated[
        str | None,
        o.option(
            "KIND",
            "webdataset: mirror the source's shards, or repack; default: whichever leaves enough.",
            o.FORM,
            complete=c.choices(("mirror", "repack")),
        ),
    ] = None,
    shard_size: Annotated[
        int | None, o.option("N", "webdataset: samples a shard, for repack.", o.FORM)
    ] = None,
    link: Annotated[
        str | None,
        o.option(
            "KIND", "imagefolder: copy, hard or sym.", o.FORM, complete=c.choices(("copy", "hard", "sym"))
        ),
    ] = None,
    other_splits: Annotated[
        str | None,
        o.option(
            "KIND",
            "huggingface, parquet: copy, link or omit the other splits; jsonl, json, csv, txt: copy or omit.",
            o.FORM,
            complete=c.choices(("copy", "link", "omit")),
        ),
    ] = None,
    empty_classes: Annotated[
        str | None,
        o.option("KIND", "imagefolder: stop (default), keep or drop a class without samples.", o.FORM),
    ] = None,
    rule: Annotated[
        str | None,
        o.option(
            "NAME",
            "schedule: rs2 (default), random, curriculum or milo.",
            o.FORM,
            complete=c.choices(("rs2", "random", "curriculum", "milo")),
        ),
    ] = None,
    epochs: Annotated[int | None, o.option("N", "schedule: how many epochs.", o.FORM)] = None,
    score: Annotated[
        str | None, o.option("NAME", "schedule, curriculum: by which score.", o.FORM, complete=c.scores)
    ] = None,
    on: Annotated[
        str | None, o.option("COLUMN", "schedule, milo: in which embedding.", o.FORM, complete=c.spaces)
    ] = None,
    phase: Annotated[
        float | None,
        o.option(
            "F", "schedule: until all are in, of the epochs; of milo, the part of its first phase.", o.FORM
        ),
    ] = None,
    uid: Annotated[
        str | None, o.option("FIELD", "datacomp: the field of the uid; default: uid.", o.FORM)
    ] = None,
    out: Annotated[
        Path | None,
        o.option("DIR", "A new folder, or of lines a file, kept.jsonl.zst; default: pruned-FORMAT.", o.OUT),
    ] = None,
    overwrite: Annotated[bool, o.option(None, "Replace an earlier export.", o.OUT, "--overwrite")] = False,
    card: Annotated[
        bool, o.option(None, "With a README.md: what it is, and how it was chosen.", o.OUT, "--card")
    ] = False,
    push: Annotated[
        str | None,
        o.option(
            "USER/NAME", "Send it to the Hugging Face hub as well, with a card; private at first.", o.OUT
        ),
    ] = None,
    workers: o.Workers = None,
    executor: o.Executor = o.ExecutorChoice.processes,
    address: o.Address = None,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the kept (or the rejected) samples as a dataset that a trainer reads."""
    from prune import pipeline

    settings = run_settings(locals())
    if shard_size is not None and layout is None:
        layout = "repack"  # shards of a size are what repack makes
    given = {
        "layout": layout,
        "shard_size": shard_size,
        "link": link,
        "other_splits": other_splits,
        "empty_classes": empty_classes,
        "uid": uid,
        "rule": rule,
        "epochs": epochs,
        "score": score,
        "on": on,
        "phase": phase,
    }
    result = pipeline.export(
        store,
        format=format_,
        out=out,
        selection=selection,
        fraction=fraction,
        rejected=rejected,
        overwrite=overwrite,
        card=card,
        push=push,
        options=[f"{name}={value}" for name, value in given.items() if value is not None],
        settings=settings,
    )
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, duration, size

    samples = counted(result["samples"], "sample")
    if "epochs" in result:
        samples = f"{counted(result['epochs'], 'epoch')} of {result['k']:,} of {samples}"
    pushed = result.get("pushed")
    sent = [f"pushed to {pushed['repo']}: {counted(pushed['files'], 'file')}"] if pushed else []
    if result["complete"]:
        return [f"unchanged: {result['out']} is there already: {samples}, checked, nothing to do", *sent]
    took = duration(result["seconds"]["total"])
    files = counted(result["files"], "file")
    return [f"{samples} in {files}, {size(result['bytes'])}, in {took}", f"in {result['out']}", *sent]
