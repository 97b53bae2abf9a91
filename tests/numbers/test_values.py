"""NaN, infinities, zero norms, numbers that a type cannot hold: one outcome each, wherever they are from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prune
from prune import pipeline
from prune.core.errors import DataError, OptionError, PruneError, RejectsError
from prune.core.progress import Silent
from prune.selectors import SELECTORS
from prune.steps.report.compare import coverage
from prune.steps.settings import Settings
from prune.store import Store, read_selection

TABLE, CASES = "Numbers", "cases"
N = 30
X = np.random.default_rng(0).standard_normal((N, 4)).astype(np.float32)
Y = np.arange(N) % 3
BAD = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}
every_bad = pytest.mark.parametrize("bad", BAD.values(), ids=BAD)


def _with(value: float, rows: tuple[int, ...] = (4, 9)) -> np.ndarray:
    spoilt = X.copy()
    spoilt[list(rows), 1] = value
    return spoilt


def _one_sentence(error: PruneError) -> None:
    text = str(error)
    assert text
    assert "\n" not in text
    assert not text.endswith(".")
    assert error.hint


@every_bad
@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_features_that_are_not_finite_are_refused_by_key(
    bad: float, form: str, stored: Callable[..., Store], tmp_path: Path, tally: Callable[..., None]
) -> None:
    store = stored(X, Y)
    data, path = store.path.parent / "x.npy", tmp_path / f"f.{form}"
    if form == "npy":
        np.save(path, _with(bad))
    else:
        table = {"key": [str(row) for row in range(N)], "v": _with(bad).tolist()}
        pq.write_table(pa.table(table), path)
    before = store.columns
    with pytest.raises(DataError, match=r"holds NaN or infinity for 2 keys") as caught:
        pipeline.embed(store, str(data), features=str(path))
    _one_sentence(caught.value)
    assert store.columns == before
    tally(TABLE, "features: NaN, infinity, too large", CASES)


@every_bad
def test_a_dataset_of_such_features_has_rejects(
    bad: float, stored: Callable[..., Store], tally: Callable[..., None]
) -> None:
    with pytest.raises(RejectsError) as caught:
        stored(_with(bad), Y)
    assert caught.value.rejects == [("4", "non-finite values"), ("9", "non-finite values")]
    skip = Settings(on_error="skip", max_bad=0.1)
    store = stored(_with(bad), Y, settings=skip)
    about = pipeline.select(store, method="kcenter", fraction="0.5", settings=skip)
    assert (about["usable"], about["k"]) == (28, 14)
    kept = read_selection(store, "kcenter").manifest.filter(
        read_selection(store, "kcenter").manifest["selected"]
    )
    assert not {4, 9} & set(kept["row"].to_pylist())
    tally(TABLE, "features: NaN, infinity, too large", CASES, 2)


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (65520.0, "float16", r"an embedding reaches 65520, beyond 65504, the limit of float16"),
        (-7e4, "float16", r"an embedding reaches 70000, beyond 65504"),
        (3e38, "float16", r"an embedding reaches 3e\+38, beyond 65504"),
    ],
)
def test_what_float16_cannot_hold_is_refused_and_float32_offered(
    value: float, dtype: str, message: str, stored: Callable[..., Store], tally: Callable[..., None]
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        stored(_with(value), Y, dtype=dtype)
    assert caught.value.hint == "add --dtype float32"
    assert stored(_with(65504.0), Y, dtype=dtype).column("embedding.precomputed").read().max() == 65504
    tally(TABLE, "features: NaN, infinity, too large", CASES)


def test_zero_norms_are_kept_and_counted(stored: Callable[..., Store], tally: Callable[..., None]) -> None:
    rows = X.copy()
    rows[[3, 5]] = 0
    heard: list[str] = []

    class Hears(Silent):
        def say(self, message: str) -> None:
            heard.append(message)

    store = stored(rows, Y, settings=Settings(reporter=Hears()))
    assert "2 of 30 embeddings are all zeros; they are kept" in heard
    about = pipeline.select(store, method="kmeans", count=N)
    assert about["k"] == N
    tally(TABLE, "zero norms kept", CASES)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e39", "-1e39", ""])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_imported_scores_have_to_be_finite(
    text: str, form: str, stored: Callable[..., Store], tmp_path: Path, tally: Callable[..., None]
) -> None:
    store, path = stored(X, Y), tmp_path / f"s.{form}"
    if form == "csv":
        lines = [f"{row},{text if row == 7 else row}" for row in range(N)]
        path.write_text("\n".join(["key,s", *lines]) + "\n")
    else:
        values = [(float(text) if text else None) if row == 7 else float(row) for row in range(N)]
        pq.write_table(pa.table({"key": [str(row) for row in range(N)], "s": values}), path)
    with pytest.raises(DataError, match=r"'s' of .* is not finite for 1 key \('7'\)") as caught:
        pipeline.score(store, imports=str(path), high="hard")
    _one_sentence(caught.value)
    assert "score.s" not in store.columns
    tally(TABLE, "imported scores: NaN, infinity, too large, missing", CASES)


@every_bad
@pytest.mark.parametrize("name", SELECTORS)
def test_no_array_of_a_selector_may_hold_such_numbers(
    name: str, bad: float, tally: Callable[..., None]
) -> None:
    method = SELECTORS[name]
    rng, count = np.random.default_rng(1), 0
    sound: dict[str, Any] = {
        "X": X,
        "scores": np.abs(X[:, 0]),
        "easiness": rng.random(N).astype(np.float32),
        "probs": rng.dirichlet(np.ones(4), N).astype(np.float32),
    }
    if name == "glister":
        errors = rng.dirichlet(np.ones(4), N).astype(np.float32)
        sound = {"errors": errors, "features": X}
    for what in sound:
        needed = {"X": "space", "errors": "space", "features": "space"}.get(what, what)
        if needed in method.needs:
            spoilt = sound[what].copy()
            spoilt[(4,) * spoilt.ndim if spoilt.ndim == 1 else (4, 1)] = bad
            target = {"target": X[:5]} if "target" in method.supplied else {}
            words = {**sound, **target, what: spoilt}
            with pytest.raises(
                (DataError, ValueError), match="not finite|not numbers|no distribution|easiness"
            ):
                prune.select_rows(method=name, k=3, **words)
            count += 1
    tally(TABLE, "arrays of select_rows: NaN, infinity", CASES, count)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"X": np.full((5, 2), 1e300)}, "5 of 5 embeddings are not finite"),
        ({"X": X.astype(complex)}, "X is complex128, not numbers"),
        ({"X": np.array([["a"], ["b"]])}, "X is <U1, not numbers"),
        ({"X": X[:, 0]}, r"embeddings have shape \(30,\)"),
        ({"scores": X, "method": "top"}, r"scores have the shape \(30, 4\), not \(n,\)"),
        ({"scores": np.full(5, 1e300), "method": "top"}, "5 of 5 scores are not numbers"),
        ({"X": X, "labels": Y[:, None], "quota": "equal"}, r"labels have the shape \(30, 1\), not \(n,\)"),
        ({"scores": X[:, 0], "method": "beta", "easiness": X}, r"easiness has the shape|easiness have"),
    ],
)
def test_arrays_of_another_shape_or_type_are_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, ValueError), match=message):
        prune.select_rows(k=2, **words)


@every_bad
def test_targets_and_their_weights_have_to_be_finite(
    bad: float, stored: Callable[..., Store], tmp_path: Path, tally: Callable[..., None]
) -> None:
    store, target, weights = stored(X, Y), tmp_path / "t.npy", tmp_path / "w.npy"
    np.save(target, _with(bad))
    with pytest.raises(DataError, match="2 of 30 rows of the features in .* are not finite") as caught:
        pipeline.select(store, method="gio", count=3, target=str(target))
    _one_sentence(caught.value)
    np.save(target, X)
    spoilt = np.ones(N)
    spoilt[[4, 9]] = bad
    np.save(weights, spoilt)
    with pytest.raises(DataError, match="2 of 30 weights in .* are negative or not finite"):
        pipeline.select(store, method="gio", count=3, target=str(target), target_weights=str(weights))
    tally(TABLE, "targets, weights, errors of classes: NaN, infinity", CASES, 2)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-0.1", "1.5", "null", '"x"'])
def test_errors_of_classes_are_parts(
    bad: str, stored: Callable[..., Store], tmp_path: Path, tally: Callable[..., None]
) -> None:
    path = tmp_path / "errors.json"
    path.write_text(f'{{"0": 0.1, "1": {bad}, "2": 0.3}}')
    with pytest.raises(OptionError) as caught:
        pipeline.select(stored(X, Y), method="random", count=5, quota="drop", quota_errors=str(path))
    _one_sentence(caught.value)
    tally(TABLE, "targets, weights, errors of classes: NaN, infinity", CASES)


def test_missing_labels_have_one_outcome_each(
    stored: Callable[..., Store], tally: Callable[..., None]
) -> None:
    store = stored(X)
    for name, training in (("el2n", {"proxy": "linear", "epochs": 2}), ("class_median", None)):
        with pytest.raises(DataError, match=f"{name} needs labels, and none has one"):
            pipeline.score(store, types=[name], training=training)
    with pytest.raises(DataError, match="--quota needs labels, 30 samples have none"):
        pipeline.select(store, method="kcenter", count=5, quota="equal")
    assert pipeline.select(store, method="kcenter", count=5)["k"] == 5
    tally(TABLE, "missing labels", CASES, 4)


def test_the_report_beside_random_knows_no_infinity() -> None:
    plain = coverage(X, np.arange(N), np.array([0, 7]))
    for power in (-100, 100):
        scaled = coverage(X * np.float32(2.0) ** power, np.arange(N), np.array([0, 7]))
        for name, value in plain.items():
            assert scaled[name] == pytest.approx(value * 2.0**power, rel=1e-5)
