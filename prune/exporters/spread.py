"""What samples carry, laid out in an image folder: members beside the image, columns in `metadata.jsonl`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from prune.exporters.carried import Carried, carried, has_bytes, json_text
from prune.exporters.folder import Folder
from prune.exporters.job import Job
from prune.exporters.names import safe_name
from prune.exporters.part import Part
from prune.readers.kinds import may_be_image

_METADATA = "metadata.jsonl"


def spread(part: Part, stems: Sequence[str], samples: Iterator[Carried]) -> None:
    """Write the files of samples beside their images, but those that would be taken for images themselves."""
    for stem, one in zip(stems, samples, strict=True):
        for extension, data in one.files.items():
            name = f"{stem}.{safe_name(extension)}"
            if not _is_sample(extension) and name not in part.files:
                part.write(name, data)


def write_columns(job: Job, folder: Folder, files: Sequence[str]) -> None:
    """Write `metadata.jsonl`, if samples have columns; say what a folder cannot hold, by name and count."""
    lost: Counter[str] = Counter()
    some = False
    for one in carried(job, job.rows):
        lost.update(name for name in one.files if _is_sample(name))
        lost.update(name for name, value in one.columns.items() if has_bytes(value))
        some = some or any(not has_bytes(value) for value in one.columns.values() if value is not None)
    if lost:
        named = ", ".join(f"{name} of {count} samples" for name, count in sorted(lost.items()))
        job.reporter.say(f"an image folder cannot hold more than one image of a sample; left out: {named}")
    if not some or folder.done("columns"):
        return
    taken = ["file_name", *(["label"] if any("/" in file for file in files) else [])]
    with folder.part("columns") as part, part.open(_METADATA) as out:
        for file, one in zip(files, carried(job, job.rows), strict=True):
            label = {"label": file.partition("/")[0]} if "/" in file else {}
            plain = json.loads(json_text(one.columns))
            rest = {_free(name, taken): plain[name] for name in one.columns if name in plain}
            row = {"file_name": file, **label, **rest}
            out.write(json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")


def _free(name: str, taken: Sequence[str]) -> str:
    """Return the name of a column of the source: `label` is the folder, so another one is `other_label`."""
    return f"other_{name}" if name in taken else name


def _is_sample(extension: str) -> bool:
    return may_be_image(f"x.{extension}")
