"""Datasets on their way from format to format: what each format keeps of them, and walks over the formats.

A format that holds samples joins by its row in `EXPORTERS`, and its row here says what it loses: these rows
are all that is lost, and each of them is said when it happens.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from PIL import Image

from prune.core.progress import Silent
from prune.exporters import EXPORTERS, ExportJob, export
from prune.exporters.carried_fields import carried
from prune.exporters.class_ids import source_ids
from prune.exporters.features import features_of_types
from prune.exporters.file_names import file_names, folded, folder_names, shard_keys, without_suffix
from prune.readers import open_reader
from prune.readers.scan import scan


class Sample(NamedTuple):
    """One sample, whatever format it lies in; what it lacks is not there, or None."""

    key: str  # without the suffix of an image
    payload: bytes
    label: tuple[str, int] | None  # name and id
    columns: dict[str, Any]
    files: dict[str, bytes]


Samples = list[Sample]
Classes = dict[int, str]  # all, by their ids, also those of no sample


def shard_named(samples: Samples, classes: Classes) -> Samples:
    """A key ends at its first dot."""
    keys = shard_keys([one.key for one in samples])
    return [one._replace(key=key) for one, key in zip(samples, keys, strict=True)]


def in_class_folders(samples: Samples, classes: Classes) -> Samples:
    """A key is the folder of the class and the name of the file, and they are in the order of paths."""
    width = len(str(max(classes, default=0)))
    numbers = all(str(id_) == name for id_, name in classes.items())
    called = {id_: f"{id_:0{width}d}" for id_ in classes}
    if not numbers:
        plain = dict(zip(classes, folder_names(list(classes.values())), strict=True))
        names = [plain[id_] for id_ in sorted(classes)]
        in_order = names == sorted(names) == sorted(names, key=by_numbers)  # as torchvision sorts, and timm
        called = {id_: plain[id_] if in_order else f"{called[id_]}_{plain[id_]}" for id_ in classes}
    folders = [called[one.label[1]] if one.label else "" for one in samples]
    keys = file_names([one.key for one in samples], folders)
    return [one._replace(key=key) for one, key in zip(samples, keys, strict=True)]


def by_numbers(name: str) -> list[tuple[int, int, str]]:
    """What names are sorted by where 2 comes before 10."""
    words = re.split(r"([0-9]+)", name.lower())
    return [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words]


def texts_alone(samples: Samples, classes: Classes) -> Samples:
    """A line has no key and no fields; lines of one class lie in one file."""
    return [one._replace(key="", columns={}, files={}) for one in samples]


def without_bytes(samples: Samples, classes: Classes) -> Samples:
    """Fields are no bytes."""
    return [one._replace(files={n: d for n, d in one.files.items() if n not in BINARY}) for one in samples]


def no_empty(samples: Samples, classes: Classes) -> Samples:
    """An empty cell is an empty text where a column has such, and else no cell at all."""
    samples = without_bytes(samples, classes)
    texts = {n for one in samples for n, value in one.columns.items() if value == ""}
    files = {n for one in samples for n, data in one.files.items() if data == b""}
    return [
        one._replace(
            columns=dict.fromkeys(texts, "") | one.columns, files=dict.fromkeys(files, b"") | one.files
        )
        for one in samples
    ]


def nothing(samples: Samples, classes: Classes) -> Samples:
    """All stays."""
    return samples


BINARY = ("npy", "seg.bin")
KEPT: dict[str, Callable[[Samples, Classes], Samples]] = {
    "webdataset": shard_named,
    "huggingface": nothing,
    "imagefolder": in_class_folders,
    "parquet": nothing,
    "jsonl": without_bytes,
    "json": without_bytes,
    "csv": no_empty,
    "txt": texts_alone,
}
SAID = {  # what is said where that is no longer what it was
    "webdataset": "called otherwise",
    "jsonl": "cannot hold bytes",
    "json": "cannot hold bytes",
    "csv": "csv ",
    "txt": "txt hold",
}
NO_DATASET = {"dolma"}  # attributes of documents, which are data with them alone
FORMS = {
    modality: [name for name, form in EXPORTERS.items() if modality in form.modalities and name in KEPT]
    for modality in ("image", "text")
}


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def opened(place: Path, scans: Path) -> ExportJob:
    reader = open_reader(str(place))
    dataset = scan(reader, scans, Silent())
    assert dataset.rejects == {}
    return ExportJob(reader, dataset, np.arange(len(dataset)), reporter=Heard())


def read(job: ExportJob) -> Samples:
    """The samples in a dataset, as the next export would take them."""
    ids, labels = source_ids(job), job.dataset.labels.tolist()
    names = [None if label < 0 else (job.dataset.classes[label], ids[label]) for label in labels]
    found = zip(job.dataset.keys, job.payloads(job.rows), names, carried(job, job.rows), strict=True)
    return [
        Sample(
            without_suffix(key),
            payload,
            label,
            {name: value for name, value in more.columns.items() if value is not None},
            dict(more.files),
        )
        for key, payload, label, more in found
    ]


def alike(one: Samples, form: str) -> Samples:
    """The samples in an order that every format keeps, and without keys that a format makes anew."""
    one = [s._replace(key="") for s in one] if form == "txt" else one
    return sorted(one, key=lambda s: s.payload)


def require_equal(found: Samples, wanted: Samples, forms: list[str]) -> None:
    """Show the first difference alone: of long lists of bytes, pytest's own is slow."""
    assert len(found) == len(wanted), forms
    for one, other in zip(found, wanted, strict=True):
        for name in Sample._fields:
            assert getattr(one, name) == getattr(other, name), (name, one.key, forms)


def hop(job: ExportJob, form: str, out: Path, scans: Path) -> ExportJob:
    options = {"empty_classes": "drop"} if form == "imagefolder" else {}
    export(job, EXPORTERS[form], out, options=options)
    return opened(out, scans)


def written(samples: Samples, classes: list[str] | None, modality: str, root: Path) -> Path:
    """The samples as a source of other origin: a table, or shards where they have files."""
    root.mkdir()
    write = shards if any(one.files for one in samples) else table
    write(samples, classes, modality, root)
    return root


def table(samples: Samples, classes: list[str] | None, modality: str, root: Path) -> None:
    images = [{"bytes": one.payload, "path": None} for one in samples]
    texts = [one.payload.decode(errors="replace") for one in samples]
    columns: dict[str, Any] = {"image": images} if modality == "image" else {"text": texts}
    columns["label"] = pa.array([one.label and one.label[1] for one in samples], pa.int64())
    columns["__key__"] = [one.key for one in samples]
    for name in dict.fromkeys(name for one in samples for name in one.columns):
        columns[name] = [one.columns.get(name) for one in samples]
    made = pa.table(columns)
    features = features_of_types(made.schema)
    features |= {"image": {"_type": "Image"}} if modality == "image" else {}
    if classes is not None:
        features["label"] = {"names": classes, "_type": "ClassLabel"}
    held = json.dumps({"info": {"features": features}})
    pq.write_table(made.replace_schema_metadata({"huggingface": held}), root / "train.parquet")


def shards(samples: Samples, classes: list[str] | None, modality: str, root: Path) -> None:
    if classes is not None:
        (root / "classnames.txt").write_text("".join(f"{name}\n" for name in classes))
    with tarfile.open(root / "0.tar", "w") as tar:
        for one in samples:
            members = {"png" if modality == "image" else "txt": one.payload, **one.files}
            members |= {} if one.label is None else {"cls": str(one.label[1]).encode()}
            for extension, data in members.items():
                info = tarfile.TarInfo(f"{one.key}.{extension}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def picture(number: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.full((2, 3, 3), number, np.uint8)).save(sink, "PNG")
    return sink.getvalue()


def payload(modality: str, number: int) -> bytes:
    return picture(number) if modality == "image" else f'text {number}: “ä”, "quoted"'.encode()


KEYS = ["k/1.a", "cat/2", "ü/é", "003", "4.v2.x", "a b", "deep/er/5", "日本", "-", "k/1_a"]
ODD: dict[str, list[Any]] = {
    "note": ["007", "", "=1+1", None, "a,b\nc", "“", "null", "true", "0.5", None],
    "n": [1, -2, None, 4, 5, None, 0, 8, 9, 2**40],
    "ratio": [0.5, None, 1.0, -0.25, 1e-9, None, 3.0, 4.0, 5.5, 1e20],
    "ok": [True, False, None, True, None, False, True, True, False, None],
    "caption": ["a cat", "", None, "ein Bär", "x", None, "y", "z", "{}", "[1]"],
    "boxes": [[1, 2], [], None, [3], [4, 5], None, [6], [7], [8], [9]],
    "filename": ["a.jpg", None, "b.jpg", "c", "d", None, "e", "f", "g", "h"],
}
MEMBERS: dict[str, list[bytes]] = {
    "xml": [b"<a/>", b"", "ä".encode(), b"x"],
    "json": [b'{"a": 1}', b"[]", b"1", b"{}"],
    "npy": [b"\0\xff", b"\1", b"", b"\0"],
    "seg.bin": [b"\xff", b"1", b"2", b"3"],
    "boxes.txt": [b"1 2", b"", b"3", b"4"],
}
NAMES = ["zebra", "ant", "a/b", "test", "Ünï", "words", "007", "10", "2", "x y", "bee"]


def fixed(modality: str) -> tuple[Samples, list[str]]:
    """Ten odd samples: classes that are not sorted, one without a label, everything that is carried."""
    samples = []
    for row, key in enumerate(KEYS):
        label = None if row == 3 else (NAMES[row % 4], row % 4)
        held = {name: values[row] for name, values in ODD.items() if values[row] is not None}
        samples.append(Sample(key, payload(modality, row), label, held, {}))
    return samples, NAMES[:4]


PARTS = st.text("aB0.-_ éß日=%+", min_size=1, max_size=5).filter(
    lambda part: part == part.strip(". ") and ".." not in part
)


@st.composite
def drawn(draw: Any, longest: int = 3) -> tuple[str, Samples, list[str] | None, list[str]]:
    """A modality, a small odd dataset, its classes, and the formats it goes through."""
    modality = draw(st.sampled_from(list(FORMS)))
    keys = draw(
        st.lists(
            st.lists(PARTS, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5, unique_by=apart
        )
    )
    classes = draw(
        st.one_of(st.none(), st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    )
    top = 30 if classes is None else len(classes) - 1
    ids = draw(st.lists(st.one_of(st.none(), st.integers(0, top)), min_size=len(keys), max_size=len(keys)))
    columns = draw(st.lists(st.sampled_from(list(ODD)), max_size=3, unique=True))
    members = draw(st.lists(st.sampled_from(list(MEMBERS)), max_size=2, unique=True)) if not columns else []
    samples = []
    for row, (key, id_) in enumerate(zip(keys, ids, strict=True)):
        label = None if id_ is None else (classes[id_] if classes else str(id_), id_)
        held = {n: value for n in columns if (value := draw(st.sampled_from(ODD[n]))) is not None}
        files = {n: draw(st.sampled_from(MEMBERS[n])) for n in members if draw(st.booleans())}
        samples.append(Sample(key, payload(modality, row), label, held, files))
    return (
        modality,
        samples,
        classes,
        draw(st.lists(st.sampled_from(FORMS[modality]), min_size=2, max_size=3)),
    )


def apart(key: str) -> str:
    """What no two keys share, so that no file beside one image is that of another, too."""
    return folded(key).replace(".", "_")


def walk(samples: Samples, classes: list[str] | None, modality: str, forms: list[str], tmp: Path) -> None:
    """Go from format to format; after each, what is there is what was, as the row of the format has it."""
    if any(one.files for one in samples):
        samples = shard_named(samples, {})
    job = opened(written(samples, classes, modality, tmp / "source"), tmp / "scans")
    before = read(job)
    require_equal(alike(before, ""), alike(samples, ""), ["source"])
    for step, form in enumerate(forms):
        wanted = KEPT[form](before, dict(zip(source_ids(job), job.dataset.classes, strict=True)))
        heard = job.reporter.said
        job = hop(job, form, tmp / f"{step}-{form}", tmp / "scans")
        found = read(job)
        require_equal(alike(found, form), alike(wanted, form), forms[: step + 1])
        if form in SAID and alike(wanted, form) != alike(before, form):
            assert any(SAID[form] in line for line in heard), (forms[: step + 1], heard)
        before = found


def all_pairs(forms: list[str]) -> list[str]:
    """A walk on which each form comes once after each, itself too."""
    left = {form: list(forms) for form in forms}
    path, walk_ = [forms[0]], []
    while path:  # Hierholzer: every form is left as often as it is reached
        if left[path[-1]]:
            path.append(left[path[-1]].pop())
        else:
            walk_.append(path.pop())
    return walk_[::-1]
