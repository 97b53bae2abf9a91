from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.modalities.text.fields import TEXTS
from prune.readers import open_reader, recognise
from prune.readers.lines import raw_columns, records
from prune.readers.lines.fields import LABELS
from prune.readers.scan import scan
from prune.store import Dataset

Prune = Callable[..., Any]


def write(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    return path


def scanned(path: Path, **options: Any) -> Dataset:
    return scan(open_reader(str(path), **options), path.parent / "scans", SILENT, keep=False)


def test_ids_are_keys_where_they_tell_all_samples_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": 7, "text": "x"}, {"id": "b/1", "text": "y"})
    assert scanned(path).keys == ["7", "b/1"]


@pytest.mark.parametrize("other", [{"id": 7}, {}, {"id": ""}, {"id": [1]}, {"id": "../x"}, {"id": True}])
def test_else_file_and_line(other: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": 7, "text": "x"}, b"", {"text": "y", **other})
    assert scanned(path).keys == ["a.jsonl:1", "a.jsonl:3"]


def test_ids_that_another_file_has_too_are_no_keys(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "d" / f"{name}.jsonl", {"id": 0, "text": name})
    assert scanned(tmp_path / "d").keys == ["a.jsonl:1", "b.jsonl:1"]


def test_a_broken_line_does_not_rename_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": "x", "text": "x"}, b"{", {"id": "z", "text": "z"})
    dataset = scanned(path)
    assert dataset.keys == ["x", "a.jsonl:2", "z"]
    assert list(dataset.rejects) == [1]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("label", LABELS)
def test_usual_fields_are_found(field: str, label: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", {field: "x", label: "pos"}, {field: "y", label: "neg"})
    dataset = scanned(path)
    assert (dataset.classes, dataset.labels.tolist()) == (["neg", "pos"], [1, 0])
    assert dataset.modality == "text"


def test_fields_can_be_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", {"text": "no", "body": "yes", "label": 1, "kind": 10}, {"body": "z", "kind": 2}
    )
    dataset = scanned(path, text_field="body", label_field="kind")
    assert list(open_reader(str(path), text_field="body").payloads(dataset.samples)) == ["yes", "z"]
    assert (dataset.classes, dataset.labels.tolist()) == (["2", "10"], [1, 0])
    assert scanned(path, text_field="body", no_labels=True).labels.tolist() == [-1, -1]
    with pytest.raises(DataError, match="no sample has the field 'mood'"):
        scanned(path, text_field="body", label_field="mood")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "a JSON list, not an object"),
        (b"3", "a JSON int, not an object"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"text": "\\ud800"}', "not Unicode"),
        (b'{"text": ""}', "no text in the field text; the fields are text"),
        (b'{"text": 3}', "no text in the field text: it holds a int"),
        (b'{"title": "x"}', "the fields are title"),
        (b'{"\\ud83d\\u202e": "x"}', r"the fields are \ud83d\u202e"),
        (json.dumps({"a" * 99: 1} | dict.fromkeys("bcdefghi", 2)).encode(), "a…, b, c, d, e, f, g, h, …"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_line_that_is_no_sample_says_why(line: bytes, reason: str, tmp_path: Path) -> None:
    dataset = scanned(write(tmp_path / "a.jsonl", {"text": "x"}, line))
    assert reason in dataset.rejects[1]


def texts_of(path: Path, **options: Any) -> list[str]:
    return list(open_reader(str(path), **options).payloads(scanned(path, **options).samples))


def test_texts_are_made_of_several_fields_and_labels_lie_deeper(tmp_path: Path) -> None:
    rows = [
        {"title": "a", "body": "b", "meta": {"kind": "x"}},
        {"title": "", "body": "c", "meta": {"kind": "y"}},
    ]
    path = write(tmp_path / "a.jsonl", *rows)
    assert texts_of(path, text_field="title,body") == ["a\nb", "c"]
    assert texts_of(path, template=r"{title}: {body}\n") == ["a: b\n", ": c\n"]
    assert scanned(path, text_field="body", label_field="meta.kind").classes == ["x", "y"]
    with pytest.raises(OptionError, match="both say what the text is"):
        open_reader(str(path), text_field="body", template="{body}")


def test_records_of_chats_and_documents_are_known(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}
    share = {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}
    alpaca = {"instruction": "do", "input": "", "output": "done"}
    dolma = {
        "id": "d",
        "text": "t",
        "source": "s",
        "added": "",
        "created": "",
        "metadata": {},
        "attributes": {},
    }
    path = write(tmp_path / "a.jsonl", chat, share, alpaca, dolma)
    assert texts_of(path) == ["hi\nho", "a\nb", "do\ndone", "t"]


def test_files_called_after_splits_are_splits(tmp_path: Path) -> None:
    for name in ("train", "test", "more"):
        write(tmp_path / "d" / f"{name}.jsonl", {"text": name})
    write(tmp_path / "d" / "metadata.jsonl", {"file_name": "x.png", "text": "no"})
    assert texts_of(tmp_path / "d") == ["more", "train"]
    assert texts_of(tmp_path / "d", split="test") == ["test"]
    assert texts_of(tmp_path / "d" / "*.jsonl", split="test") == ["test"]
    assert scanned(tmp_path / "d").split == "train"
    with pytest.raises(OptionError, match="is called 'dev'") as caught:
        open_reader(str(tmp_path / "d"), split="dev")
    assert caught.value.hint == "choose: --split test or --split train"
    assert scanned(tmp_path / "d" / "test.jsonl").split is None


def test_lines_in_a_compressed_json_file_are_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "d" / "c4.json", {"text": "no"})
    (tmp_path / "d" / "c4.json.gz").write_bytes(gzip.compress(b'{"text": "x"}\n'))
    assert recognise(str(tmp_path / "d")) == recognise(str(tmp_path / "d" / "*.json.gz")) == "jsonl"
    assert texts_of(tmp_path / "d") == texts_of(tmp_path / "d" / "*.json.gz") == ["x"]
    plain.unlink()
    assert scanned(tmp_path / "d" / "c4.json.gz").keys == ["c4.json.gz:1"]


def test_utf16_is_named_with_the_line_that_rewrites_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "ü"}\n'.encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16") as caught:
        scanned(path)
    line, _, then = str(caught.value.hint).partition("   # then: prune embed ")
    subprocess.run(line, shell=True, check=True)  # noqa: S602 - as it is typed
    assert texts_of(Path(then)) == ["ü"]


def test_several_labels_are_no_class(tmp_path: Path) -> None:
    dataset = scanned(
        write(tmp_path / "a.jsonl", *({"text": f"{i}", "labels": ["a", "b"]} for i in range(5)))
    )
    assert (dataset.classes, dataset.rejects) == ([], {})


def test_more_lines_than_are_held_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [{"text": f"{i}", "label": i % 3} for i in range(10)]
    path = write(tmp_path / "a.jsonl", *whole)
    wanted = scanned(path)
    monkeypatch.setattr(raw_columns, "_ROWS", 2)
    monkeypatch.setattr(raw_columns, "_BLOCK", 4)
    monkeypatch.setattr(records, "_ROWS", 4)
    found = scanned(path)
    assert found.fingerprint == wanted.fingerprint
    rows = found.samples.take([9, 0, 4, 5, 3, 8])
    assert list(open_reader(str(path)).payloads(rows)) == ["9", "0", "4", "5", "3", "8"]


def test_attributes_beside_documents_are_no_documents(tmp_path: Path) -> None:
    for source in ("wiki", "web"):
        write(tmp_path / source / "documents" / "a.jsonl", {"text": source})
        write(tmp_path / source / "attributes" / "toxic" / "a.jsonl", {"attributes": {}})
    found = scanned(tmp_path)
    assert (found.keys, found.rejects) == (["web/documents/a.jsonl:1", "wiki/documents/a.jsonl:1"], {})
    found = scanned(tmp_path / "wiki")  # where attributes are written beside, too
    assert (found.keys, found.rejects) == (["a.jsonl:1"], {})
    write(tmp_path / "attributes" / "b.jsonl", {"text": "of texts that are called so"})
    assert len(scanned(tmp_path)) == 3


def test_lines_beside_images_are_notes(images: Path) -> None:
    write(images / "captions.jsonl", {"text": "x"})
    assert recognise(str(images)) == "imagefolder"


def test_texts_with_features_of_ones_own_go_through_all_verbs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Prune
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [{"id": f"n{i}", "text": f"text {i}", "label": i % 2} for i in range(40)]
    write(Path("data.jsonl"), *lines)
    np.save("x.npy", np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32))
    done = prune("embed", "data.jsonl", "--features", "x.npy")
    assert "40 samples, 2 classes" in done.out + done.err
    prune("score", "--type", "el2n", "--proxy", "linear", "--epochs", "2")
    prune("select", "--method", "kcenter", "--count", "10")
    prune("export", "--format", "manifest", "--out", "out")
    kept = Path("out/keys.txt").read_text().split()
    assert len(kept) == 10
    assert set(kept) <= {line["id"] for line in lines}


def test_what_looks_at_images_refuses_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Prune
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("data.jsonl"), *({"text": f"{i}", "label": i % 2} for i in range(4)))
    done = prune("embed", "data.jsonl", "--encoder", "pixels")
    assert (done.code, "texts" in done.err) == (2, True)


def test_formats_of_images_refuse_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Prune
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("data.jsonl"), *({"text": f"{i}"} for i in range(4)))
    np.save("x.npy", np.eye(4, dtype=np.float32))
    prune("embed", "data.jsonl", "--features", "x.npy")
    prune("select", "--count", "2")
    done = prune("export", "--format", "imagefolder")
    assert (done.code, "texts" in done.err) == (2, True)
    assert not Path("pruned-imagefolder").exists()


def test_a_text_that_changes_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Prune) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("data.jsonl"), *({"text": f"{i}"} for i in range(4)))
    np.save("x.npy", np.eye(4, dtype=np.float32))
    prune("embed", "data.jsonl", "--features", "x.npy")
    write(Path("data.jsonl"), *({"text": f"{9 - i}"} for i in range(4)))
    done = prune("verify")
    assert done.code == 4
    assert "data.jsonl changed" in done.out + done.err
