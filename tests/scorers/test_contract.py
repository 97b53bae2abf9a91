"""What holds for every scorer, whatever it computes."""

import inspect
from pathlib import Path

import numpy as np
import pytest

import prune.scorers
from prune.scorers import SCORERS

N, T = 60, 7
NOT_SCORERS = {"__init__", "epochs", "imported"}
PER_SAMPLE = {"gradient"}  # (n,)
PER_EPOCH = {  # (t, n)
    "margin", "loss", "p_label", "p_other", "gap", "error", "entropy", "divergence", "feature_norm", "right",
}  # fmt: skip

every_scorer = pytest.mark.parametrize("name", SCORERS)


def inputs(method, seed=0):
    """What a scorer needs, random but sensible, and read-only; samples lie last, but for images."""
    rng = np.random.default_rng(seed)
    arrays = []
    for need in method.needs:
        if need == "images":
            array = rng.integers(0, 256, (N, 3, 6, 6), np.uint8)
        elif need == "right":
            array = rng.integers(0, 2, (T, N)).astype(np.float32)
        elif need in PER_SAMPLE:
            array = rng.random(N, np.float32)
        else:
            assert need in PER_EPOCH, f"no column is called {need}"
            array = rng.random((T, N)).astype(np.float16)
        array.flags.writeable = False
        arrays.append(array)
    return arrays


def take(arrays, rows):
    return [a[rows] if a.dtype == np.uint8 or a.ndim == 1 else a[:, rows] for a in arrays]


@every_scorer
def test_one_finite_float32_a_sample(name):
    method = SCORERS[name]
    scores = method.function(*inputs(method))
    assert scores.shape == (N,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 1


@every_scorer
def test_the_order_of_samples_does_not_matter(name):
    method, rows = SCORERS[name], np.random.default_rng(1).permutation(N)
    arrays = inputs(method)
    np.testing.assert_array_equal(method.function(*take(arrays, rows)), method.function(*arrays)[rows])


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if m.needs != ["images"]])
def test_a_sample_without_numbers_scores_nan_and_leaves_the_others_alone(name):
    method = SCORERS[name]
    arrays = [a.copy() for a in inputs(method)]
    for array in arrays:
        array[..., 5] = np.nan
    scores, whole = method.function(*arrays), method.function(*inputs(method))
    assert np.isnan(scores[5])
    np.testing.assert_array_equal(np.delete(scores, 5), np.delete(whole, 5))


@every_scorer
def test_one_epoch_and_one_sample_are_enough(name):
    method = SCORERS[name]
    arrays = [a if a.ndim != 2 else a[:1] for a in take(inputs(method), [3])]
    assert np.isfinite(method.function(*arrays)).all()


@every_scorer
def test_says_what_a_high_value_means(name):
    method = SCORERS[name]
    assert method.high in {"hard", "easy", "typical", "redundant", "uncertain"} or name == "input_norm"


@every_scorer
def test_the_docstring_gives_the_formula_the_range_and_the_paper(name):
    method = SCORERS[name]
    doc = inspect.getdoc(method.function)
    assert method.summary.endswith(".")
    for section in ("Parameters", "Returns", "References"):
        assert f"\n{section}\n---" in doc
    assert ("Raises" in doc) == ("epoch" in method.options)


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if m.rowwise])
def test_the_size_of_blocks_does_not_matter(name):
    method = SCORERS[name]
    arrays = inputs(method)
    whole = method.function(*arrays)
    for size in (1, 7, N - 1):
        blocks = [method.function(*take(arrays, slice(i, i + size))) for i in range(0, N, size)]
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if m.flag])
def test_a_flag_is_one_bool_a_sample(name):
    method = SCORERS[name]
    flags = method.flag(*inputs(method))
    assert flags.shape == (N,)
    assert flags.dtype == bool


def test_every_file_is_listed_and_named_like_its_scorer():
    folder = Path(prune.scorers.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - NOT_SCORERS == set(SCORERS)
