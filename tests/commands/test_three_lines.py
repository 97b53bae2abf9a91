"""The three lines of the README on texts, in an empty folder, whatever form the data has."""

from __future__ import annotations

import csv
import io
import json
import shlex
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LINES = [
    "prune score --type grad_norm data/",
    "prune select --method kcenter --fraction 0.3",
    "prune export --format webdataset --out smaller",
]
Row = dict[str, str]


def rows() -> list[Row]:
    """Sixty texts of two classes, class by class, with words that they share and words of their own."""
    draw = np.random.default_rng(0)
    words = {"neg": "dull slow grey weak cold", "pos": "bright quick warm bold kind"}
    shared = [f"word{number}" for number in range(30)]
    made = []
    for label, own in words.items():
        for _ in range(30):
            said = [*draw.choice(own.split(), 2), *draw.choice(shared, draw.integers(3, 7))]
            made.append({"id": f"t{len(made):02}", "text": " ".join(said), "label": label})
    return made


def jsonl(folder: Path, given: list[Row]) -> None:
    lines = [json.dumps(row, indent=None, separators=(", ", " : ")) + "\r\n" for row in given]
    (folder / "a.jsonl").write_text("".join(lines), newline="")


def csv_(folder: Path, given: list[Row]) -> None:
    lines = [f'{row["id"]};"{row["text"]}";{row["label"]}\n' for row in given]
    (folder / "a.csv").write_text("".join(["id;text;label\n", *lines]))


def txt(folder: Path, given: list[Row]) -> None:
    for label in ("neg", "pos"):
        (folder / f"{label}.txt").write_text("".join(f"{r['text']}\n" for r in given if r["label"] == label))


def parquet(folder: Path, given: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(given), folder / "a.parquet")


def shards(folder: Path, given: list[Row]) -> None:
    with tarfile.open(folder / "a-000000.tar", "w") as tar:
        for row in given:
            for name, data in (("txt", row["text"]), ("cls", str(int(row["label"] == "pos")))):
                info = tarfile.TarInfo(f"{row['id']}.{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data.encode()))


FORMS: dict[str, Callable[[Path, list[Row]], None]] = {
    "jsonl": jsonl,
    "csv": csv_,
    "txt": txt,
    "parquet": parquet,
    "webdataset": shards,
}


def of_shards(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".txt"):
                    read = tar.extractfile(member)
                    assert read is not None
                    yield member.name.removesuffix(".txt"), read.read().decode()


def test_they_keep_the_same_texts_of_every_form_byte_for_byte(
    prune: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, kept = rows(), {}
    ids = {row["text"]: row["id"] for row in given}
    for form, write in FORMS.items():
        folder = tmp_path / form
        (folder / "data").mkdir(parents=True)
        monkeypatch.chdir(folder)
        write(Path("data"), given)
        for line in LINES:
            said = prune(*shlex.split(line)[1:])
            assert said.code == 0, said.err
        texts = sorted(text for _, text in of_shards(Path("smaller")))
        named = Path(".prune/selections/kcenter/keys.txt").read_text().split()
        if form == "txt":  # whose keys are file and line
            assert {name.partition(":")[0] for name in named} == {"neg.txt", "pos.txt"}
        else:
            assert sorted(named) == sorted(ids[text] for text in texts)
        kept[form] = texts
        said = prune("export", "--format", form, "--out", "same")
        assert said.code == 0, said.err
        READ_BACK[form](given, texts, tmp_path)
    assert len(kept["jsonl"]) == 18
    assert all(texts == kept["jsonl"] for texts in kept.values())


def _jsonl(given: list[Row], texts: list[str], tmp_path: Path) -> None:
    lines = Path("same/a.jsonl").read_bytes().splitlines(keepends=True)
    assert set(lines) <= set(Path("data/a.jsonl").read_bytes().splitlines(keepends=True))
    assert sorted(json.loads(line)["text"] for line in lines) == texts
    assert sorted(_loaded("json", "same/a.jsonl", tmp_path)["text"]) == texts


def _csv(given: list[Row], texts: list[str], tmp_path: Path) -> None:
    lines, before = (Path(f"{folder}/a.csv").read_bytes().splitlines(True) for folder in ("same", "data"))
    assert lines[0] == before[0]
    assert set(lines) <= set(before)
    with Path("same/a.csv").open(newline="") as file:
        assert sorted(row["text"] for row in csv.DictReader(file, delimiter=";")) == texts
    assert sorted(_loaded("csv", "same/a.csv", tmp_path, sep=";")["text"]) == texts


def _txt(given: list[Row], texts: list[str], tmp_path: Path) -> None:
    label_of = {row["text"]: row["label"] for row in given}
    for label in ("neg", "pos"):
        lines = Path(f"same/{label}.txt").read_text().splitlines()
        assert sorted(lines) == [text for text in texts if label_of[text] == label]
    assert sorted(_loaded("text", "same/*.txt", tmp_path)["text"]) == texts


def _parquet(given: list[Row], texts: list[str], tmp_path: Path) -> None:
    ids = {row["text"]: row["id"] for row in given}
    loaded = _loaded("parquet", "same/**/*.parquet", tmp_path)
    assert sorted(loaded["text"]) == texts
    assert list(loaded["id"]) == [ids[text] for text in loaded["text"]]


def _shards(given: list[Row], texts: list[str], tmp_path: Path) -> None:
    assert sorted(text for _, text in of_shards(Path("same"))) == texts
    loaded = _loaded("webdataset", "same/*.tar", tmp_path)
    assert sorted(loaded["txt"]) == texts


READ_BACK: dict[str, Callable[[list[Row], list[str], Path], None]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "txt": _txt,
    "parquet": _parquet,
    "webdataset": _shards,
}


def _loaded(module: str, files: str, tmp_path: Path, **options: Any) -> Any:
    import datasets

    datasets.disable_progress_bars()
    cache = str(tmp_path / "cache")
    return datasets.load_dataset(module, data_files=files, cache_dir=cache, split="train", **options)
