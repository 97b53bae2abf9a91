"""Units of work of the verbs: told as text, done again as the same bytes, refused elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import prune
from prune.core.errors import DamagedError, DataError, OutputError, RejectsError, StoreError
from prune.exporters.apart import write_parts
from prune.exporters.job import Listed
from prune.exporters.staging.folder import StagingFolder
from prune.steps import embedding_units, unit_executor
from prune.system import files
from prune.system.executors.executor import BlockLostError
from tests.steps.unit_rows import ROWS, Made, Told, made_alone, settings

Alone = Callable[[str], tuple[Path, Made]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return made_alone(tmp_path_factory)


@pytest.fixture
def home(alone: Alone) -> Path:
    """Texts with an embedding in parts of 16 rows, made by this process alone."""
    return alone("embed")[0]


@pytest.mark.parametrize("name", ROWS)
def test_units_are_told_all_that_decides(
    alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    row, (home, made) = ROWS[name], alone(name)
    row.spread(monkeypatch, by=0)
    done, real = [], getattr(row.module, row.unit)
    monkeypatch.setattr(row.module, row.unit, lambda *words: (done.append(words), real(*words))[1])
    assert row.run(home, tmp_path / "s", settings(**row.asked)) == made
    assert len(done) >= 2
    assert all(len(spec) < 2000 for spec, _ in done)


@pytest.mark.parametrize("name", ROWS)
def test_a_store_that_is_elsewhere_is_said(
    alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    row, (home, _), asked = ROWS[name], alone(name), []
    row.spread(monkeypatch, by=0)
    real = getattr(row.module, row.unit)

    def elsewhere(spec: str, unit: object) -> object:
        asked.append(unit)
        return real(json.dumps({**json.loads(spec), "store": str(tmp_path / "none")}), unit)

    monkeypatch.setattr(row.module, row.unit, elsewhere)
    with pytest.raises(StoreError, match="none") as caught:
        row.run(home, tmp_path / "s", settings(**row.asked))
    assert "all machines" in caught.value.hint
    assert len(asked) == 1


def test_small_exports_start_no_process(alone: Alone, tmp_path: Path) -> None:
    row, told, (home, made) = ROWS["export"], Told(), alone("export")
    assert row.run(home, tmp_path / "out", settings(told, workers=2)) == made
    assert not any("processes" in words for words in told.said)


@pytest.fixture
def spec(home: Path) -> str:
    """What is said to who makes parts of the column of the store."""
    (recipe,) = (home / "alone" / "columns" / "embedding.ngrams").glob("*/recipe.json")
    known = json.loads(recipe.read_text())
    how = {"name": "ngrams", "weights": None, "device": "cpu", "seed": 0, "learns_from": known["dataset"]}
    where = {"data": str(home / "few.jsonl"), "reading": {}, "settled": True}
    column_ = {"column": "embedding.ngrams", "recipe": known, "part_rows": 16, "dtype": "float16"}
    of = {"store": str(home / "alone"), "dataset": known["dataset"], "decoding": [40_000_000, 16]}
    return json.dumps({"location": where, "encoder": how, **column_, **of})


def test_a_unit_done_again_is_the_same_bytes_and_done_once_if_it_is_there(
    home: Path, tmp_path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "alone", tmp_path / "s")
    spec = json.dumps({**json.loads(spec), "store": str(tmp_path / "s")})
    (part,) = (tmp_path / "s" / "columns" / "embedding.ngrams").glob("*/part-00002-*")
    before = part.read_bytes()
    part.write_bytes(b"damaged")
    assert embedding_units.encode_part(spec, 2) == part.name
    assert part.read_bytes() == before
    monkeypatch.setattr(embedding_units, "encode_dataset", None)  # there is nothing to do
    assert embedding_units.encode_part(spec, 2) == part.name


def test_a_unit_of_a_share_is_written_again_where_another_run_tidied_up(
    home: Path, tmp_path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "alone", tmp_path / "s")
    spec = json.dumps({**json.loads(spec), "store": str(tmp_path / "s")})
    (part,) = (tmp_path / "s" / "columns" / "embedding.ngrams").glob("*/part-00001-*")
    before, real, swept = part.read_bytes(), files.disk.rename, []
    part.unlink()

    def rename(old: Path, new: Path) -> None:
        if not swept:
            swept.append(old)
            files.sweep(tmp_path / "s")
        real(old, new)

    monkeypatch.setattr(files.disk, "rename", rename)
    assert embedding_units.encode_part(spec, 1) == part.name
    assert swept
    assert part.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "0" * 64}, "is not here, or holds another dataset"),
        (
            {"recipe": {"encoder": "ngrams", "seed": 4}},
            "of the encoder ngrams is not the same on all machines",
        ),
    ],
)
def test_a_place_that_does_not_see_the_same_says_so(spec: str, change: dict[str, object], said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        embedding_units.encode_part(json.dumps(json.loads(spec) | change), 0)
    assert "all machines" in caught.value.hint


def test_half_a_file_of_a_worker_that_died_is_not_in_the_export(tmp_path: Path) -> None:
    folder = StagingFolder(tmp_path / "out", "identity")

    def apart(*_: object) -> Iterator[Listed]:
        folder.path.mkdir()
        files.NewFile(folder.path).write(b"half")  # whoever wrote it was killed
        (folder.path / "a.tar").write_bytes(b"1234")
        yield {"a.tar": {"size": 4, "sha256": "x"}}

    job = SimpleNamespace(apart=apart)
    assert list(write_parts(job, folder, ["a.tar"], print)) == ["a.tar"]  # type: ignore[arg-type]
    assert [path.name for path in folder.path.iterdir()] == ["a.tar"]


def test_a_part_that_is_written_elsewhere_is_missed(home: Path, tmp_path: Path) -> None:
    folder = StagingFolder(tmp_path / "out", "identity")
    folder.path.mkdir()
    (folder.path / "a.tar").write_bytes(b"1234")
    folder.take({"a.tar": {"size": 4, "sha256": "x"}})
    with pytest.raises(OutputError, match="b.tar was written elsewhere, and is not in"):
        folder.take({"b.tar": {"size": 4, "sha256": "x"}})


def test_what_kills_every_worker_is_named() -> None:
    class Lost:
        def each(self, work, common, blocks, *, name):  # type: ignore[no-untyped-def]
            yield 1
            raise BlockLostError(1, 2)

    found = unit_executor.run_units(Lost(), print, "", [3, 5], name="part {}".format)  # type: ignore[arg-type]
    assert next(found) == 1
    with pytest.raises(DataError, match="part 5 was lost 2 times") as caught:
        next(found)
    assert "--workers 0" in caught.value.hint


def test_fewer_processes_where_memory_is_short() -> None:
    settings = prune.Settings(workers=4, memory=2**30)
    assert unit_executor.executor_for(settings, "encode", 9, memory=2**30) is None
    told = Told()
    settings = prune.Settings(workers=4, memory=2**30, reporter=told)
    assert unit_executor.executor_for(settings, "encode", 9, memory=2**29) is not None
    assert told.said == ["2 processes encode 9 parts side by side, in about 1.07 GB of memory"]


@pytest.mark.parametrize(
    "error",
    [
        StoreError("what", "do"),
        DamagedError("what", Path("s"), "x"),
        RejectsError("what", [("key", "why")], "do"),
    ],
)
def test_errors_travel_whole(error: StoreError) -> None:
    import pickle

    found = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))
