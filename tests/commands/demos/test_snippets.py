"""The snippets of the demo: what is in each file, and that they are written once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from prune.commands.demos import snippets
from prune.core.errors import OutputError


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_the_pool_is_a_mixture_and_the_target_is_of_one_domain(tmp_path: Path) -> None:
    data = snippets.write_snippets(tmp_path / "demo")
    pool = [json.loads(line) for line in data.pool.read_text().splitlines()]
    assert Counter(one["domain"] for one in pool) == dict.fromkeys(
        ("movie", "news", "product", "tweet"), 1000
    )
    assert {one["label"] for one in pool} == {"negative", "positive"}
    assert all(snippets.domain(one["id"]) == one["domain"] for one in pool)
    test = [json.loads(line) for line in data.test.read_text().splitlines()]
    assert [one["domain"] for one in test] == ["movie"] * 600
    wanted = data.wanted.read_text().splitlines()
    assert len(wanted) == 300
    assert not any(line.startswith("{") for line in wanted)


def test_no_text_is_in_two_files(tmp_path: Path) -> None:
    data = snippets.write_snippets(tmp_path)
    every = [*texts(data.pool), *texts(data.test), *data.wanted.read_text().splitlines()]
    assert len(set(every)) == len(every) == 4900


def test_a_file_that_is_there_stays_and_an_unfinished_one_is_none(tmp_path: Path, faulty, killed) -> None:
    faulty("torn", 3)
    with pytest.raises(killed):
        snippets.write_snippets(tmp_path / "demo")
    faulty()
    data = snippets.write_snippets(tmp_path / "demo")
    assert len(texts(data.pool)) == 4000
    disk = faulty()
    snippets.write_snippets(tmp_path / "demo")
    assert disk.calls == []


def test_a_full_disk_is_one_sentence(tmp_path: Path, faulty) -> None:
    faulty("full", 3)
    with pytest.raises(OutputError, match="no space left"):
        snippets.write_snippets(tmp_path / "demo")


def test_the_licence_lies_beside_them() -> None:
    words = Path(snippets.__file__).with_name("snippets.txt").read_text()
    assert "The MIT License" in words
    assert "Hutto" in words
