"""The quick reading of JSON says what Python's `json` says, or nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from prune.readers import open_reader
from prune.readers.lines import jsonl
from prune.readers.lines.quick_json import quick_objects

_RECORDS = [
    b'{"id": 7, "text": "a", "label": 1}',
    b' \t{"text": "a"}\r',
    b'{"text": "a", "text": "b"}',  # the last counts
    b'{"id": 1, "text": "a", "id": 2}',
    b'{"id": -0, "text": "a"}',
    b'{"id": 18446744073709551615, "text": "a"}',
    b'{"id": 18446744073709551616, "text": "a"}',  # beyond 64 bits
    b'{"id": -9223372036854775808, "text": "a"}',
    b'{"id": -9223372036854775809, "text": "a"}',
    b'{"id": 1e2, "text": "a"}',
    b'{"id": 1.0, "text": "a"}',
    b'{"id": true, "text": "a", "label": true}',
    b'{"id": null, "text": "a", "label": 1.0}',
    b'{"text": "a", "label": 99999999999999999999999}',
    b'{"text": "a", "label": [99999999999999999999999]}',
    b'{"text": "a", "label": ["x"]}',
    b'{"text": "a", "label": {"x": 1}}',
    b'{"text": "a", "x": ' + b"9" * 5000 + b"}",  # more digits than Python makes an integer of
    b'{"text": "a", "x": ' + b"9" * 400 + b"}",
    b'{"text": "a", "x": 1e999}',
    b'{"text": "a", "x": NaN}',
    b'{"text": "a", "x": -Infinity}',
    b'{"text": NaN}',
    b'{"text": 99999999999999999999999}',
    b'{"text": ["a", 99999999999999999999999]}',
    b'{"text": "\\ud83d\\ude00"}',
    b'{"text": "\\ud83d"}',
    b'{"text": "a", "\\ud83d": 1}',
    b'{"text": "\\u0000"}',
    b'{"text": "\x00"}',
    b'{"text": "\t"}',
    b'{"text": "\x7f\xc2\x80\xe2\x80\xa8"}',
    b'{"text": "\xff"}',
    b'{"text": "\xed\xa0\x80"}',  # half of a pair, as UTF-8
    b'\xef\xbb\xbf{"text": "a"}',
    b'{"text": "a"} {"text": "b"}',
    b'{"text": "a",}',
    b'{"text": "a" "x"}',
    b"{'text': 'a'}",
    b'{"text": "a", "x": 01}',
    b'{"text": "a", "x": .5}',
    b'{"text": "a", "x": +5}',
    b'{"text": "a"} // b',
    b'{"text": "\\x61"}',
    b'{"text": "\\/\\u0041"}',
    b'{"text": "", "content": "b"}',
    b'{"text": null, "content": "b"}',
    b'{"messages": [{"role": "user", "content": "a"}, {"content": ["b", {"text": "c"}]}]}',
    b"{}",
    b'["text"]',
    b'"text"',
    b"1",
    b"null",
    b'{"text": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}",
    *(b'{"text": "a", "x": ' + b"[" * deep + b"]" * deep + b"}" for deep in (700, 980, 1010, 10_000)),
    *(b'{"text": "a", "x": ' + b'{"y":' * deep + b"1" + b"}" * (deep + 1) for deep in (700, 1010)),
]
_FIELDS: list[dict[str, Any]] = [
    {},
    {"text_field": "x,text"},
    {"template": "{x} {text}"},
    {"label_field": "x"},
]


def _scanned(folder: Path, lines: list[bytes], fields: dict[str, Any]) -> tuple[Any, list[str]]:
    (folder / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    reader = open_reader(str(folder / "a.jsonl"), **fields)
    table = reader.scan(next(iter(reader.units())))
    samples = table.filter([reason is None for reason in table["reason"].to_pylist()])
    return table, list(reader.payloads(samples))


def _slowly(records: list[bytes]) -> None:
    del records


@pytest.mark.parametrize("fields", _FIELDS, ids=str)
def test_samples_and_reasons_are_those_of_pythons_json(
    fields: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = _scanned(tmp_path, _RECORDS, fields)
    monkeypatch.setattr(jsonl, "quick_objects", _slowly)
    slow = _scanned(tmp_path, _RECORDS, fields)
    assert quick[0].to_pylist() == slow[0].to_pylist()
    assert quick == slow
    assert 0 < len(quick[1]) < len(_RECORDS)


def test_records_with_any_byte_exchanged_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(0)
    lines = []
    for _ in range(3000):
        line = bytearray(draw.choice(_RECORDS[:16] + _RECORDS[25:40]))
        for _ in range(draw.randint(1, 2)):
            line[draw.randrange(len(line))] = draw.choice(
                b'{}[],:"\\0123456789eE.+-ntfu \x00\x1f\x80\xc3\xff'
            )
        lines.append(bytes(line))
    quick = _scanned(tmp_path, lines, {})
    monkeypatch.setattr(jsonl, "quick_objects", _slowly)
    assert quick == _scanned(tmp_path, lines, {})


def test_plain_records_are_read_quickly() -> None:
    record = {"id": "a", "text": "é\n\U0001f600", "meta": {"x": [1, 2.5, None, True]}}
    plain = json.dumps(record).encode()
    assert quick_objects([plain, b"{}"]) == [record, {}]
    for other in (b'{"x": ' + b"[" * 500 + b"]" * 500 + b"}", b"[]", b"{", b""):
        assert quick_objects([plain, other]) is None
