"""The card of an export: a README.md that says what it is, as dataset hubs read it.

No path of this machine is in it. The licence is the source's, which nobody here knows: a line asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from prune.core.safe_text import counted, printable
from prune.exporters.job import ExportJob

NAME = "README.md"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_LOADED = {
    "huggingface": 'datasets.load_from_disk("FOLDER")',
    "parquet": 'datasets.load_dataset("FOLDER")',
    "imagefolder": 'datasets.load_dataset("imagefolder", data_dir="FOLDER")',
    "webdataset": 'datasets.load_dataset("webdataset", data_dir="FOLDER")',
}
_ASKED = ("fraction", "count", "score", "quota", "by", "where", "drop_hardest", "on", "within")


def card(job: ExportJob, form: str) -> bytes:
    """Return the card: front matter, what was kept of what, how it was chosen, and how to read it."""
    about = json.loads(job.records["selection.json"]) if "selection.json" in job.records else {}
    lines = [*_front(job, about), "", *_what(job, about), "", *_how(job, about), *_reading(form)]
    return "\n".join([*lines, ""]).encode()


def _front(job: ExportJob, about: Mapping[str, Any]) -> Iterator[str]:
    n = len(job)
    size = next((name for limit, name in _SIZES if n < limit), "n>1B")
    yield "---"
    yield f"pretty_name: {json.dumps(_title(job, about), ensure_ascii=False)}"
    yield f"size_categories: [{json.dumps(size)}]"
    yield f"tags: {json.dumps(['dataset-pruning', 'data-selection', 'coreset'])}"
    yield "# license: that of the source holds; name it here, as in `license: cc-by-4.0`"
    yield "---"


def _title(job: ExportJob, about: Mapping[str, Any]) -> str:
    return f"{_source(job)}, {counted(len(job), 'sample')} by {about.get('method', 'a selection')}"


def _source(job: ExportJob) -> str:
    """Return what the source is called: its last name, without where it lies."""
    places = job.reader.places
    named = places[0] if len(places) == 1 else job.reader.root
    return printable(named.resolve().name or job.dataset.format)


def _what(job: ExportJob, about: Mapping[str, Any]) -> Iterator[str]:
    usable = int(about.get("usable", len(job.dataset)))
    which = "that were not kept" if job.asked.get("rejected") else "kept"
    yield f"# {_plain(_title(job, about))}"
    yield ""
    yield (
        f"{counted(len(job), 'sample')} {which} of {usable:,} of {_code(_source(job))} "
        f"({100 * len(job) / usable:.3g} %), each as it is in the source."
    )


def _how(job: ExportJob, about: Mapping[str, Any]) -> Iterator[str]:
    dataset = job.dataset
    asked = about.get("asked", {})
    rows: dict[str, Any] = {"method": about.get("method")}
    rows |= {name: asked.get(name) for name in _ASKED}
    rows |= {f"option {name}": value for name, value in sorted((about.get("options") or {}).items())}
    rows |= {"seed": about.get("seed"), "format of the source": dataset.format, "split": dataset.split}
    rows |= {"classes": len(dataset.classes) or None}
    rows |= {"weights": "a column or member `weight`" if job.weights is not None else None}
    rows |= {"fingerprint of the source": dataset.fingerprint}
    rows |= {"SHA-256 of the kept keys": about.get("keys_sha256")}
    rows |= {"prune": (about.get("versions") or {}).get("prune")}
    yield "| | |"
    yield "|---|---|"
    for name, value in rows.items():
        if value is not None:
            yield f"| {name} | {_code(str(value))} |"


def _reading(form: str) -> Iterator[str]:
    if form in _LOADED:
        yield from ("", "```python", "import datasets", "", _LOADED[form], "```")


def _code(text: str) -> str:
    """Return words as code, with nothing in them that would end a cell or the code."""
    plain = _unbroken(text).replace("`", "'")
    return f"`{plain}`"


def _plain(text: str) -> str:
    return _unbroken(text).replace("`", "'").replace("<", "‹")


def _unbroken(text: str) -> str:
    return printable(text).replace("|", "/").replace("\n", " ")
