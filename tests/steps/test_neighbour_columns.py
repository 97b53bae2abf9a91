"""Neighbours are found once and kept: what is read is what would be found, for these very samples only."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.index.kept_neighbours import Neighbours
from prune.index.neighbours import nearest
from prune.index.space import EmbeddingSpace
from prune.scorers.density import density
from prune.steps import neighbour_columns
from prune.steps.report.status import status
from prune.steps.settings import Settings
from prune.store import Store
from prune.store.column import ColumnPart, ColumnWriter

N, D = 300, 12
PLAIN = ["embedding.precomputed", "score.hardness"]
EUCLIDEAN, COSINE = "neighbours.euclidean.precomputed", "neighbours.cosine.precomputed"


class Listener:
    """A reporter that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        return Settings().reporter.stage(what, total, unit)

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def made(elsewhere: Path) -> Store:
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.integers(0, 255, (N, 4, 4, 3), dtype=np.uint8))
    np.save("labels.npy", np.arange(N) % 3)
    vectors = rng.normal(size=(N, D)).astype(np.float32)
    vectors[7] = vectors[3]  # a tie, and at distance 0
    np.save("vectors.npy", vectors)
    prune.embed("store", "x.npy", features="vectors.npy")
    store = Store("store")
    keys = store.dataset.samples["key"].to_pylist()
    Path("hard.csv").write_text(
        "\n".join(["key,hardness", *(f"{key},{i % 7}" for i, key in enumerate(keys))])
    )
    prune.score("store", imports="hard.csv", high="hard")
    return Store("store")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour_columns, "WORTH", 0.0)
    monkeypatch.setattr(neighbour_columns, "PART_ROWS", 64)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each part had that was searched for."""
    found: list[int] = []
    packed = neighbour_columns._packed

    def counted(nearest: Neighbours, span: slice) -> Any:
        found.append(len(nearest.rows))
        return packed(nearest, span)

    monkeypatch.setattr(neighbour_columns, "_packed", counted)
    return found


def selected(name: str, method: str = "d2", **asked: Any) -> dict[str, Any]:
    asked = {"fraction": 0.2, "settings": Settings(device="cpu"), **asked}
    return prune.select("store", method=method, name=name, **asked)


def files_of(name: str) -> dict[str, Any]:
    """What a selection is, file by file, without what its name and the clock say."""
    home = Path("store", "selections", name)
    about = json.loads((home / "selection.json").read_bytes())
    facts = {key: about[key] for key in about if key not in {"seconds", "name", "recipe", "plan"}}
    written = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.iterdir()}
    return {**written, "selection.json": facts}


METHODS: dict[str, dict[str, Any]] = {
    "d2": {},
    "facility_location": {"options": {"mode": "sparse", "neighbours": 20}},
    "saturated_coverage": {"options": {"mode": "sparse", "neighbours": 8}},
    "craig": {"options": {"mode": "sparse", "neighbours": 8}, "on": "precomputed", "quota": "none"},
}


@pytest.mark.parametrize("method", METHODS)
def test_a_selection_is_the_same_with_and_without(
    made: Store, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = METHODS[method]
    selected("before", method, **asked)
    monkeypatch.setattr(neighbour_columns, "WORTH", 0.0)
    monkeypatch.setattr(neighbour_columns, "PART_ROWS", 64)
    selected("after", method, **asked)
    selected("again", method, **asked)
    assert files_of("before") == files_of("after") == files_of("again")


def test_a_small_search_leaves_nothing(made: Store) -> None:
    selected("mine")
    assert made.columns == PLAIN


def test_fewer_are_the_first_of_more(made: Store, kept: None, searches: list[int]) -> None:
    selected("many", options={"neighbours": 9})
    assert searches == [64, 64, 64, 64, 44]
    assert made.column(EUCLIDEAN).shape == (N, 9, 2)
    selected("few", options={"neighbours": 4})
    assert len(searches) == 5
    selected("more", options={"neighbours": 10})
    assert len(searches) == 10
    assert made.column(EUCLIDEAN).shape == (N, 10, 2)


def test_parts_are_what_the_whole_search_finds(made: Store, kept: None) -> None:
    selected("mine", options={"neighbours": 6})
    space = EmbeddingSpace(np.load("vectors.npy").astype(np.float16))
    found = nearest(space, 6)
    column = made.column(EUCLIDEAN).read()
    assert np.array_equal(column[..., 0], found.rows)
    assert np.array_equal(column[..., 1].copy().view(np.float32), found.squares)


def test_other_samples_do_not_take_them(made: Store, kept: None, searches: list[int]) -> None:
    selected("all")
    before = len(searches)
    given = made.dataset.samples["key"].to_pylist()[:5]
    for name, asked in {"classes": {"quota": "equal"}, "given": {"given": given}}.items():
        selected(name, **asked)
        assert len(searches) == before
    prune.select("store", method="d2", fraction=0.2, name="cosine", options={"metric": "cosine"})
    assert len(searches) == 2 * before
    assert made.columns == [PLAIN[0], COSINE, EUCLIDEAN, PLAIN[1]]


def test_an_interrupted_search_goes_on(
    made: Store, kept: None, searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = selected("whole", options={"metric": "cosine"})["keys_sha256"]
    before = {path.name for path in Path("store/columns", COSINE).rglob("part-*")}
    shutil.rmtree(Path("store/columns", COSINE))
    searches.clear()
    put = ColumnWriter.put

    def stopped(writer: ColumnWriter, part: ColumnPart, *given: Any) -> None:
        put(writer, part, *given)
        if part.number == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ColumnWriter, "put", stopped)
        with pytest.raises(KeyboardInterrupt):
            selected("mine", options={"metric": "cosine"})
    assert status(made)["unfinished"] == [COSINE]
    assert selected("mine", options={"metric": "cosine"})["keys_sha256"] == whole
    assert searches == [64, 64, 64, 64, 44]  # none twice, though the later ones were found in another way
    assert {path.name for path in Path("store/columns", COSINE).rglob("part-*")} == before


def test_a_damaged_part_is_found_again(made: Store, kept: None, searches: list[int]) -> None:
    first = selected("mine")
    part = sorted(Path("store/columns", EUCLIDEAN).glob("*/part-00001-*"))[0]
    part.write_bytes(part.read_bytes()[:-1])
    assert prune.verify("store")["exit_code"] == 4
    before = len(searches)
    assert selected("other")["keys_sha256"] == first["keys_sha256"]
    assert searches[before:] == [64]
    assert prune.verify("store")["exit_code"] == 0


def test_damaged_ones_do_not_serve_who_wants_fewer(made: Store, kept: None) -> None:
    selected("many", options={"neighbours": 9})
    sorted(Path("store/columns", EUCLIDEAN).glob("*/part-00000-*"))[0].unlink()
    fewer = selected("fewer", options={"neighbours": 4})
    assert made.column(EUCLIDEAN).shape == (N, 4, 2)
    assert prune.verify("store")["exit_code"] == 0
    assert selected("again", options={"neighbours": 4})["keys_sha256"] == fewer["keys_sha256"]
    selected("more", options={"neighbours": 9})
    assert made.column(EUCLIDEAN).shape == (N, 9, 2)
    assert prune.verify("store")["exit_code"] == 0


@pytest.mark.parametrize("lost", ["*/part-00001-*", "*/column.json", "*"])
def test_what_verify_says_of_damaged_ones_helps(made: Store, kept: None, lost: str) -> None:
    selected("mine")
    path = next(Path("store/columns", EUCLIDEAN).glob(lost))
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    [finding] = prune.verify("store")["findings"]
    assert finding["command"] == "prune gc --store store"
    assert selected("mine")["unchanged"]  # so the command that found them would not help
    shown = made.columns
    prune.gc("store", dry_run=True)
    assert made.columns == shown
    prune.gc("store")
    assert made.columns == PLAIN
    assert prune.verify("store")["exit_code"] == 0


def test_an_embedding_that_goes_takes_its_neighbours(made: Store, kept: None) -> None:
    selected("mine")
    with made.writing():
        made.publish(without=["embedding.precomputed"])
    assert made.columns == PLAIN[1:]


def test_nothing_changes_for_who_asks_again(made: Store, kept: None) -> None:
    assert not selected("mine")["unchanged"]
    assert selected("mine")["unchanged"]


def test_another_embedding_forgets_them(made: Store, kept: None) -> None:
    selected("mine")
    np.save("vectors.npy", np.load("vectors.npy")[::-1])
    prune.embed("store", features="vectors.npy")
    assert made.columns == PLAIN
    removed = {Path(piece["path"]).parent.name for piece in prune.gc("store")["removed"]}
    assert EUCLIDEAN in removed
    assert not {"damaged", "missing"} & set(prune.verify("store")["counts"])


def test_what_is_kept_is_said_and_bounded(made: Store, kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener()
    settings = Settings(device="cpu", reporter=heard)
    monkeypatch.setattr(neighbour_columns, "MOST", 1000)
    selected("mine", settings=settings)
    assert "12 kB of neighbours are not kept: at most 1 kB are" in heard.said
    assert (made.columns, made.unfinished) == (PLAIN, [])
    monkeypatch.setattr(neighbour_columns, "MOST", 10**9)
    selected("other", settings=settings)
    assert f"{EUCLIDEAN} keeps the 5 nearest of every sample: 12 kB" in heard.said
    selected("third", settings=settings)
    assert f"the nearest of every sample are there already: {EUCLIDEAN}" in heard.said


def test_a_full_disk_keeps_nothing(made: Store, kept: None, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Listener()
    usage = type("Usage", (), {"free": 100, "total": 1000})
    monkeypatch.setattr("prune.system.disk_space.shutil.disk_usage", lambda _: usage)
    selected("mine", settings=Settings(device="cpu", reporter=heard))
    assert "neighbours are not kept: store needs about 12 kB, 100 B are free" in heard.said
    assert (made.columns, made.unfinished) == (PLAIN, [])


def test_a_score_takes_what_a_selection_left(made: Store, kept: None, searches: list[int]) -> None:
    selected("mine", options={"metric": "cosine", "neighbours": 10})
    before = len(searches)
    alone = np.load("vectors.npy").astype(np.float16)
    prune.score("store", types=["density"], on="precomputed")
    assert len(searches) == before
    assert np.array_equal(made.scores()["density"], density(EmbeddingSpace(alone), seed=0))


def test_lists_are_kept_for_the_same_question_only(made: Store, kept: None) -> None:
    space = EmbeddingSpace(np.load("vectors.npy"))
    embedding = made.column("embedding.precomputed")
    heard = Listener()
    with made.writing():
        space.keeper = neighbour_columns.NeighbourColumns(made, embedding, made.dataset.fingerprint, heard)
        first = nearest(space, 5, kind="ivf", seed=1)
        again = nearest(space, 5, kind="ivf", seed=1)
        assert heard.said[-1].startswith("the nearest of every sample are there already")
        nearest(space, 4, kind="ivf", seed=1)
        nearest(space, 4, kind="ivf", seed=2)
        assert heard.said[-1].startswith(f"{EUCLIDEAN} keeps the 4 nearest")
    assert (first.recall, first.kind) == (again.recall, again.kind)
    assert np.array_equal(first.rows, again.rows)
    assert np.array_equal(first.squares, again.squares)
