"""What samples carry, laid out in an image folder: members beside the image, columns in `metadata.jsonl`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prune.exporters.carried_fields import carried, has_bytes, json_text
from prune.exporters.carried_form import Carried, CarriedForm, note_form
from prune.exporters.file_names import safe_name
from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.staging.part import ExportPart
from prune.modalities.image.sniff import HEAD, is_surely_image
from prune.readers.folders.image_files import may_be_image

_METADATA = "metadata.jsonl"


def spread(part: ExportPart, stems: Sequence[str], samples: Iterator[Carried]) -> None:
    """Write the files of samples beside their images, but those that would be taken for images themselves."""
    for stem, one in zip(stems, samples, strict=True):
        for extension, data in one.files.items():
            name = f"{stem}.{safe_name(extension)}"
            if not _is_sample(extension, data) and name not in part.files:
                part.write(name, data)


def write_columns(job: ExportJob, folder: StagingFolder, files: Sequence[str]) -> None:
    """Write `metadata.jsonl`, if samples have columns; say what a folder cannot hold, by name and count."""
    lost: Counter[str] = Counter()
    names: dict[str, None] = {}
    for one in carried(job, job.rows):
        lost.update(name for name, data in one.files.items() if _is_sample(name, data))
        lost.update(name for name, value in one.columns.items() if has_bytes(value))
        names |= {n: None for n, value in one.columns.items() if value is not None and not has_bytes(value)}
    if lost:
        named = ", ".join(f"{name} of {count} samples" for name, count in sorted(lost.items()))
        job.reporter.say(
            f"an image folder cannot hold further images or bytes of a sample; left out: {named}"
        )
    called = _columns(names, ["label"] if any("/" in file for file in files) else [])
    note_form(job, CarriedForm({there: (own, "") for own, there in called.items() if own != there}))
    if not names or folder.done("columns"):
        return
    with folder.part("columns") as part, part.open(_METADATA) as out:
        for file, one in zip(files, carried(job, job.rows), strict=True):
            label = {"label": file.partition("/")[0]} if "/" in file else {}
            plain = json.loads(json_text(one.columns))
            rest = {called[name]: plain[name] for name in one.columns if name in plain}
            row = {"file_name": file, **label, **rest}
            out.write(json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")


def _columns(names: Iterable[str], taken: Sequence[str]) -> dict[str, str]:
    """Return what each column of the source is called: `label` is the folder, another one `other_label`.

    What a column `…file_name` names is opened by readers; here it is a text, and becomes `…filename`.
    """
    called: dict[str, str] = {}
    for name in names:
        free = _FILE_NAME.sub(r"\1file\2", name)
        while free in taken or free in called.values():
            free = f"other_{free}"
        called[name] = free
    return called


_FILE_NAME = re.compile(r"(^|_)file_(names?)$")


def _is_sample(extension: str, data: bytes) -> bool:
    return may_be_image(f"x.{extension}") or is_surely_image(data[:HEAD])
