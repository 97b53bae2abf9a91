"""Shapes at the edge: every selector and every scorer on data that is tiny, equal, uneven, huge or minute.

From each: exactly k distinct samples, finite numbers, no warning; or one sentence that says why not.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import prune
from prune import pipeline
from prune.core.errors import DataError
from prune.core.methods import Method
from prune.core.selection import Selection
from prune.scorers import SCORERS
from prune.selectors import SELECTORS
from prune.steps.settings import Settings
from prune.store import Store, read_selection

TABLE, CASES = "Numbers", "cases"
N = 12
RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 6)).astype(np.float32)
Y = np.arange(24) % 3
FEW = {"proxy": "linear", "epochs": 4}
LEARNED = [name for name, how in SCORERS.items() if not {"images", "texts", "captions"} & set(how.needs)]


def _spaces() -> Iterator[tuple[str, np.ndarray]]:
    """Features that differ from sensible ones in one respect."""
    rows = X[:N]
    every_third = np.where(np.arange(N)[:, None] % 3, rows, 0).astype(np.float32)
    yield "sensible", rows
    yield "all equal", np.ones((N, 6), np.float32)
    yield "all zero", np.zeros((N, 6), np.float32)
    yield "some zero", every_third
    yield "one constant dimension", np.concatenate([rows, np.full((N, 1), 7, np.float32)], axis=1)
    yield "one dimension", rows[:, :1]
    yield "the whole range of float16", (rows / np.abs(rows).max() * 65504).astype(np.float16)
    yield "the smallest of float16", (rows * 6e-8).astype(np.float16)
    yield "up to 1e14", rows * np.float32(1e14)
    yield "down to 1e-25", rows * np.float32(1e-25)
    yield "down to 1e-44", rows * np.float32(1e-44)
    yield (
        "of very different length",
        rows * np.where(np.arange(N)[:, None] % 2, 1e-30, 1e14).astype(np.float32),
    )
    yield "far from zero", rows * np.float32(1e-3) + np.float32(1e4)


SPACES = dict(_spaces())
LABELS = {
    "one class": np.zeros(N, np.int64),
    "a class each": np.arange(N),
    "a class of one": np.array([7] + [0, 1] * 5 + [1]),
    "far apart": np.arange(N) % 3 * 10**9,
}
SCORES = {
    "all equal": np.ones(N, np.float32),
    "all zero": np.zeros(N, np.float32),
    "up to 3e38": np.abs(X[:N, 0]) / np.abs(X[:N, 0]).max() * np.float32(3e38),
    "down to 1e-44": np.abs(X[:N, 0]) * np.float32(1e-44),
}
every_selector = pytest.mark.parametrize("name", SELECTORS)


def _given(method: Method, rows: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What a selector is called with, gradients where it is made for them."""
    rng = np.random.default_rng(1)
    words: dict[str, Any] = {"labels": labels}
    if "space" in method.needs and method.on == "gradients":
        errors = rng.dirichlet(np.ones(3), len(rows)).astype(np.float32)
        errors[np.arange(len(rows)), labels % 3] -= 1
        words |= {"errors": errors, "features": rows}
    elif "space" in method.needs:
        words["X"] = rows
    if "scores" in method.needs or not {"space", "probs"} & set(method.needs):
        words["scores"] = scores
    if "texts" in method.needs:
        words["texts"] = [" ".join(str(value) for value in row) for row in rows]
    if "target" in method.supplied and "texts" in method.needs:
        words["target"] = words["texts"][::3]
        words["shortest"] = 0
    elif "target" in method.supplied:
        words["target"] = rows[::3]
    if "easiness" in method.needs:
        words["easiness"] = rng.random(len(rows)).astype(np.float32)
    if "probs" in method.needs:
        words["probs"] = rng.dirichlet(np.ones(4), len(rows)).astype(np.float16)
    return words


def _check(chosen: Selection, k: int) -> None:
    assert len(chosen.rows) == len(np.unique(chosen.rows)) == k
    assert np.isfinite(chosen.gains).all()
    assert np.isfinite(chosen.weights).all()
    assert (chosen.weights > 0).all()
    json.dumps(dict(chosen.facts), allow_nan=False)


@every_selector
def test_every_selector_on_every_space(name: str, tally: Callable[..., None]) -> None:
    method, count = SELECTORS[name], 0
    if "space" not in method.needs:
        pytest.skip("compares no samples")
    for rows in SPACES.values():
        words = _given(method, rows, np.abs(X[:N, 0]), Y[:N])
        for k in (1, 4, N):
            _check(prune.select_rows(method=name, k=k, **words), k)
            count += 1
    tally(TABLE, "selectors: features at the edge", CASES, count)


@every_selector
def test_every_selector_on_every_kind_of_classes_and_scores(name: str, tally: Callable[..., None]) -> None:
    method, count = SELECTORS[name], 0
    for labels in LABELS.values():
        for quota in ("proportional", "equal"):
            for k in (1, 5, N):
                words = _given(method, X[:N], np.abs(X[:N, 0]), labels)
                _check(prune.select_rows(method=name, k=k, quota=quota, **words), k)
                count += 1
    for scores in SCORES.values() if "scores" in method.needs else ():
        _check(prune.select_rows(method=name, k=5, **_given(method, X[:N], scores, Y[:N])), 5)
        count += 1
    for n in (1, 2, 3):
        for k in range(1, n + 1):
            words = _given(method, X[:n], np.abs(X[:n, 0]), Y[:n])
            _check(prune.select_rows(method=name, k=k, **words), k)
            count += 1
    tally(TABLE, "selectors: classes, scores and sizes at the edge", CASES, count)


@pytest.mark.parametrize("name", ["facility_location", "craig", "saturated_coverage"])
def test_a_class_of_one_has_no_neighbours(name: str) -> None:
    words = _given(SELECTORS[name], X[:N], X[:N, 0], LABELS["a class of one"])
    _check(prune.select_rows(method=name, k=5, quota="equal", mode="sparse", **words), 5)


@pytest.mark.parametrize("similarity", ["cosine", "euclidean", "rbf"])
@pytest.mark.parametrize("name", ["facility_location", "graph_cut", "log_det", "saturated_coverage"])
def test_every_similarity_on_every_space(name: str, similarity: str, tally: Callable[..., None]) -> None:
    if (name, similarity) == ("log_det", "euclidean"):
        pytest.skip("is no kernel")
    for rows in SPACES.values():
        _check(prune.select_rows(rows, method=name, k=4, similarity=similarity), 4)
    tally(TABLE, "selectors: features at the edge", CASES, len(SPACES))


def test_of_samples_that_are_all_equal_every_method_takes_those_that_random_takes() -> None:
    same = np.ones((N, 4), np.float32)
    drawn = prune.select_rows(same, method="random", k=N).rows.tolist()
    for name in ("herding", "prototypes", "facility_location", "kcenter", "log_det", "graph_cut"):
        assert prune.select_rows(same, method=name, k=5).rows.tolist() == drawn[:5], name
    for name in ("top", "bottom"):
        assert prune.select_rows(scores=np.ones(N), method=name, k=5).rows.tolist() == drawn[:5]


def test_scale_changes_nothing() -> None:
    for name in ("kcenter", "herding", "kmeans", "d2", "facility_location"):
        words = {"scores": np.abs(X[:, 0])} if name == "d2" else {}
        plain = prune.select_rows(X, method=name, k=9, **words).rows
        for power in (-50, 40):
            scaled = X * np.float32(2.0) ** power
            assert prune.select_rows(scaled, method=name, k=9, **words).rows.tolist() == plain.tolist(), name


DATASETS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "one sample": (X[:1], Y[:1]),
    "two samples of two classes": (X[:2], Y[:2]),
    "one class": (X, np.zeros(24, np.int64)),
    "a class each": (X, np.arange(24)),
    "duplicates only": (np.ones((24, 6), np.float32), Y),
    "zeros of one class": (np.zeros((24, 6), np.float32), np.zeros(24, np.int64)),
    "numbers up to 1e13": (X * np.float32(1e13), Y - 5),
}


@pytest.mark.parametrize("kind", DATASETS)
def test_every_scorer_and_every_selector_by_the_verbs(
    kind: str, stored: Callable[..., Store], tally: Callable[..., None]
) -> None:
    features, labels = DATASETS[kind]
    store, n = stored(features, labels), len(features)
    done = pipeline.score(store, types=LEARNED, training=FEW, runs=2)
    json.dumps(done, allow_nan=False)
    for name in LEARNED:
        assert np.isfinite(store.column(f"score.{name}").read()).all(), name
    pipeline.score(store, types=["el2n"], training=FEW, until_stable=0.9)
    count = len(LEARNED) + 1
    for name, method in SELECTORS.items():
        if "texts" in method.needs:
            continue
        words: dict[str, Any] = {} if method.on == "gradients" else {"on": "precomputed"}
        if "scores" in method.needs:
            words["score"] = method.score or "el2n"
        if "target" in method.supplied:
            words["target"] = str(store.path)
        for asked in ({"count": n}, {"fraction": "0.3", "quota": "equal"}):
            about = pipeline.select(store, method=name, name="x", **asked, **words)
            _check_manifest(store, about, n if "count" in asked else max(1, round(0.3 * n)))
            count += 1
    tally(TABLE, "scorers and selectors by the verbs, odd datasets", CASES, count)


def _check_manifest(store: Store, about: dict[str, Any], k: int) -> None:
    table = read_selection(store, "x").manifest
    kept = table["selected"].to_numpy()
    assert about["k"] == kept.sum() == k
    assert np.isfinite(table["gain"].to_numpy()).all()
    assert (table["weight"].to_numpy()[kept] > 0).all()
    assert sorted(table["rank"].drop_null().to_pylist()) == list(range(k))


def test_ten_thousand_classes_take_seconds(stored: Callable[..., Store], tally: Callable[..., None]) -> None:
    n, c = 20_000, 10_000
    rng = np.random.default_rng(3)
    store = stored(rng.standard_normal((n, 4)).astype(np.float32), np.arange(n) % c)
    pipeline.score(store, types=["class_median", "density"])
    began = time.process_time()
    for method in ("random", "moderate", "kcenter"):
        words = {} if method == "kcenter" else {"score": "class_median"}
        about = pipeline.select(store, method=method, fraction="0.5", quota="equal", **words)
        assert about["k"] == c
        labels = read_selection(store, method).manifest.filter(
            read_selection(store, method).manifest["selected"]
        )["label"]
        assert len(labels.unique()) == c  # one of each
    assert time.process_time() - began < 60
    tally(TABLE, "10,000 classes by the verbs", CASES, 5)


def test_equal_images_are_one_place_before_geometry_decides(
    tmp_path: Path, stored: Callable[..., Store], tally: Callable[..., None]
) -> None:
    """Five copies of eight images, whose given features differ by noise: each image is taken once first."""
    data = tmp_path / "data"
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (8, 6, 6, 3), np.uint8)
    for copy in range(5):
        for number, image in enumerate(pixels):
            path = data / f"c{number % 2}" / f"{copy}-{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    chosen = []
    for noise in (0.0, 1e-3):
        store = Store(tmp_path / f"store-{noise}")
        features = np.repeat(X[:8], 5, axis=0)  # rows are sorted by class, copy, number
        keys = [path.relative_to(data) for path in sorted(data.rglob("*.png"))]
        features = X[[int(key.stem.partition("-")[2]) for key in keys]]
        features = features + rng.normal(0, noise, features.shape).astype(np.float32)
        np.save(tmp_path / "f.npy", features)
        pipeline.embed(store, str(data), features=str(tmp_path / "f.npy"), dtype="float32")
        about = pipeline.select(store, method="kcenter", count=8)
        table = read_selection(store, "kcenter").manifest
        taken = table.filter(table["selected"])["key"].to_pylist()
        assert len({key.partition("-")[2] for key in taken}) == about["k"] == 8
        chosen.append(taken)
    assert chosen[0] == chosen[1]  # the hash of seed and key says which copy, and noise says nothing
    tally(TABLE, "duplicates collapsed by content", CASES, 2)


def test_an_unusable_sample_is_nobodys_original(tmp_path: Path, tally: Callable[..., None]) -> None:
    """The first of two equal images cannot be used, for its key; the second has features all the same."""
    shard = tmp_path / "data" / "a.tar"
    shard.parent.mkdir()
    with tarfile.open(shard, "w") as tar:
        for row in range(6):
            image = io.BytesIO()
            content = np.full((8, 8, 3), 40 * (row // 2), np.uint8)
            Image.fromarray(content).save(image, "PNG")
            for suffix, held in (("png", image.getvalue()), ("cls", b"" if row == 0 else b"1")):
                info = tarfile.TarInfo(f"/{row:03}.{suffix}" if row == 0 else f"{row:03}.{suffix}")
                info.size = len(held)
                tar.addfile(info, io.BytesIO(held))
    store, skip = Store(tmp_path / "store"), Settings(on_error="skip", max_bad=0.5)
    done = pipeline.embed(store, str(shard.parent), encoder="pixels", settings=skip)
    assert done["rejects"] == 1
    about = pipeline.select(store, method="kcenter", fraction="1", settings=skip)
    assert (about["k"], about["usable"]) == (5, 5)
    table = read_selection(store, "kcenter").manifest
    assert table["duplicate_of"].to_pylist() == [None, None, None, 2, None, 4]
    keys = table["key"].to_pylist()
    assert table["duplicate_of_key"].to_pylist() == [None, None, None, keys[2], None, keys[4]]
    tally(TABLE, "duplicates collapsed by content", CASES)


def test_numbers_without_products_are_refused_with_what_to_do() -> None:
    long = X * np.float32(1e20)
    for method in ("kcenter", "zcore", "kmeans"):  # these take no products, or scale before they do
        _check(prune.select_rows(long, method=method, k=3), 3)
    errors = np.full((24, 3), 0.5, np.float32)
    for words in ({"method": "herding", "X": long}, {"method": "craig", "errors": errors, "features": long}):
        with pytest.raises(DataError, match=r"24 of 24 \w+ are longer than 1e\+15: no float32") as caught:
            prune.select_rows(k=3, **words)
        assert caught.value.hint == "divide all of them by a constant, and embed again"
