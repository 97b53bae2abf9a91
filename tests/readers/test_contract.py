"""What every reader promises, over the whole table: order, keys, labels, where the bytes lie."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.modalities import MODALITIES
from prune.modalities.image import decode
from prune.readers import READERS, Reader, open_reader, recognise
from prune.readers.format import TOLD, Format
from prune.readers.sample import RAW
from prune.readers.scan import scan

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
LABELS = [0, 1, 2] * 3
TEXTS = [f"line {row}: çédille, 字, 🦊" for row in range(9)]


def png(pixels: np.ndarray) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "png")
    return sink.getvalue()


def imagefolder(root: Path) -> str:
    for row, label in enumerate(LABELS):
        path = root / f"c{label}" / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(PIXELS[row]))
    return str(root)


def webdataset(root: Path) -> str:
    root.mkdir()
    for shard in range(3):
        with tarfile.open(root / f"{shard}.tar", "w") as tar:
            for row in range(3 * shard, 3 * shard + 3):
                for name, data in ((f"{row}.png", png(PIXELS[row])), (f"{row}.cls", b"%d" % LABELS[row])):
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return str(root)


def webdataset_texts(root: Path) -> str:
    """Shards of one `.txt` a sample, but for the last, whose texts lie in `.json`."""
    root.mkdir()
    for shard in range(3):
        with tarfile.open(root / f"{shard}.tar", "w") as tar:
            for row in range(3 * shard, 3 * shard + 3):
                text, label = TEXTS[row], LABELS[row]
                whole = {"json": json.dumps({"text": text, "label": label}).encode()}
                apart = {"txt": text.encode(), "cls": b"%d" % label}
                for extension, data in (whole if shard == 2 else apart).items():
                    info = tarfile.TarInfo(f"{row}.{extension}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return str(root)


def huggingface(root: Path) -> str:
    root.mkdir()
    pictures = [{"bytes": png(pixels), "path": f"{row}.png"} for row, pixels in enumerate(PIXELS)]
    pq.write_table(pa.table({"image": pictures, "label": LABELS}), root / "train-00000-of-00001.parquet")
    return str(root)


def huggingface_texts(root: Path) -> str:
    root.mkdir()
    table = pa.table({"text": TEXTS, "label": LABELS})
    pq.write_table(table, root / "train-00000-of-00001.parquet", row_group_size=4)
    return str(root)


def arrays(root: Path) -> str:
    root.mkdir()
    np.save(root / "x.npy", PIXELS)
    np.save(root / "labels.npy", np.array(LABELS))
    return str(root / "x.npy")


def jsonl(root: Path) -> str:
    root.mkdir()
    for part in range(3):
        lines = [{"text": TEXTS[row], "label": LABELS[row]} for row in range(3 * part, 3 * part + 3)]
        text = "".join(json.dumps(line, ensure_ascii=row % 2 == 0) + "\n" for row, line in enumerate(lines))
        (root / f"part-{part}.jsonl").write_text(text)
    return str(root)


def json_arrays(root: Path) -> str:
    root.mkdir()
    for part in range(3):
        records = [{"text": TEXTS[row], "label": LABELS[row]} for row in range(3 * part, 3 * part + 3)]
        (root / f"part-{part}.json").write_text(json.dumps({"data": records} if part else records))
    return str(root)


def csv(root: Path) -> str:
    root.mkdir()
    for part in range(3):
        rows = [f'"{TEXTS[row]}";{LABELS[row]}\n' for row in range(3 * part, 3 * part + 3)]
        (root / f"part-{part}.csv").write_text("text;label\n" + "".join(rows))
    return str(root)


def txt(root: Path) -> str:
    root.mkdir()
    for label in range(3):
        rows = [TEXTS[row] for row in range(9) if LABELS[row] == label]
        (root / f"{'abc'[label]}.txt.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    return str(root)


MAKERS: dict[str, Callable[[Path], str]] = {
    f.__name__: f
    for f in (
        *(imagefolder, webdataset, webdataset_texts, huggingface, huggingface_texts, arrays),
        *(jsonl, json_arrays, csv, txt),
    )
}
"""By the name of a format; behind `_` what its samples are, where it holds more than one kind."""


def source_of(payload: Any) -> int:
    """Return which of the nine samples this is."""
    if isinstance(payload, str):
        return TEXTS.index(payload)
    image = np.asarray(decode(payload))
    return next(i for i, pixels in enumerate(PIXELS) if np.array_equal(image, pixels))


@pytest.fixture(params=sorted(MAKERS))
def data(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    return request.param.partition("_")[0], MAKERS[request.param](tmp_path / "data")


@pytest.fixture
def reader(data: tuple[str, str]) -> Reader:
    return open_reader(data[1])


def test_every_reader_is_tried() -> None:
    assert {name.partition("_")[0] for name in MAKERS} == set(READERS)


def test_the_format_is_recognised(data: tuple[str, str]) -> None:
    assert recognise(data[1]) == data[0] == open_reader(data[1]).format


def test_two_scans_are_equal_and_a_pickled_reader_scans_alike(reader: Reader, tmp_path: Path) -> None:
    copies = [reader, reader, pickle.loads(pickle.dumps(reader))]  # noqa: S301 - our own object
    datasets = [scan(copy, tmp_path / str(i), SILENT) for i, copy in enumerate(copies)]
    assert len({dataset.fingerprint for dataset in datasets}) == 1


def test_every_piece_has_the_columns_of_the_contract(reader: Reader) -> None:
    assert all(reader.scan(unit).schema.equals(RAW) for unit in reader.units())


def test_keys_are_unique_labels_ids_and_payloads_those_of_the_source(reader: Reader, tmp_path: Path) -> None:
    dataset = scan(reader, tmp_path / "scans", SILENT)
    assert len(dataset) == len(set(dataset.keys)) == 9
    assert sorted(dataset.labels.tolist()) == sorted(LABELS)
    assert len(dataset.classes) == 3
    assert dataset.rejects == {}
    digests = MODALITIES[reader.modality].digests
    for row, payload in enumerate(reader.payloads(dataset.samples)):
        assert dataset.labels[row] == LABELS[source_of(payload)]
        assert dataset.samples["digest"][row].as_py() in digests(payload)
        if not isinstance(payload, np.ndarray):
            encoded = payload.encode() if isinstance(payload, str) else payload
            assert dataset.samples["image_size"][row].as_py() == len(encoded)


def test_any_rows_can_be_read(reader: Reader, tmp_path: Path) -> None:
    dataset = scan(reader, tmp_path / "scans", SILENT)
    every = [source_of(payload) for payload in reader.payloads(dataset.samples)]
    rows = [8, 0, 4, 5]
    some = reader.payloads(dataset.samples.take(pa.array(rows)))
    assert [source_of(payload) for payload in some] == [every[row] for row in rows]


@pytest.mark.parametrize("name", READERS)
def test_a_row_names_functions_of_the_module_that_is_called_like_the_format(name: str) -> None:
    row = READERS[name]
    assert row.open.__module__ == row.looks_like.__module__
    assert row.open.__module__ in {f"prune.readers.{name}", f"prune.readers.lines.{name}"}
    assert (row.open.__name__, row.looks_like.__name__) == (f"open_{name}", "looks_like")
    assert set(row.options).isdisjoint(TOLD)


def test_a_format_that_is_added_to_the_table_is_recognised_and_asked_for_its_options_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: dict[str, object] = {}

    def open_notes(data: str, *, split: str | None = None, settled: bool = False) -> dict[str, object]:
        heard.update(data=data, split=split, settled=settled)
        return heard

    notes = Format(open=open_notes, looks_like=lambda path: path.suffix == ".notes", summary="notes")
    monkeypatch.setitem(READERS, "notes", notes)
    place = tmp_path / "a.notes"
    place.touch()
    assert recognise(str(place)) == "notes"
    assert open_reader(str(place), split="train", settled=True) is heard
    assert heard == {"data": str(place), "split": "train", "settled": True}
    with pytest.raises(OptionError, match="a dataset of format notes has no --no-labels") as caught:
        open_reader(str(place), no_labels=True)
    assert caught.value.hint == "its options: --split"
    np.save(tmp_path / "y.npy", np.zeros(1))
    with pytest.raises(OptionError, match="is matched by row, and a dataset of format notes"):
        open_reader(str(place), labels=str(tmp_path / "y.npy"))


def test_what_may_lie_beside_a_dataset_is_meant_only_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row(only_alone: bool) -> Format:
        return Format(open=dict, looks_like=lambda _: True, summary="", only_alone=only_alone)

    # A table of its own: entries that are taken out and put back come in another order.
    table = {"notes": row(True)}
    monkeypatch.setattr("prune.readers.READERS", table)
    assert recognise(str(tmp_path)) == "notes"
    table["films"] = row(False)
    assert recognise(str(tmp_path)) == "films"
    table["songs"] = row(False)
    with pytest.raises(DataError, match="looks like films and like songs"):
        recognise(str(tmp_path))
