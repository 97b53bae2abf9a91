"""What holds for every scorer, whatever it computes."""

import inspect
from pathlib import Path

import numpy as np
import pytest

import prune.scorers
from prune.core.directions import AND, MEANINGS
from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace
from prune.scorers import SCORERS

N, T = 60, 7
NOT_SCORERS = {"__init__", "epochs", "imported", "score_lines", "tables"}
PER_SAMPLE = {"gradient", "boundary"}  # (n,)
PER_EPOCH = {  # (t, n)
    "margin", "loss", "p_label", "p_other", "gap", "error", "entropy", "divergence", "feature_norm", "right",
}  # fmt: skip
SUPPLIED = {"seed": 0, "classes": 1}

every_scorer = pytest.mark.parametrize("name", SCORERS)


def inputs(method, seed=0):
    """What a scorer needs, random but sensible, and read-only; samples lie last, but for images."""
    rng = np.random.default_rng(seed)
    arrays = []
    for need in method.needs:
        if need == "texts":
            arrays.append(np.array(["a word " * count for count in rng.integers(1, 99, N)], object))
            continue
        if need == "images":
            array = rng.integers(0, 256, (N, 3, 6, 6), np.uint8)
        elif need == "right":
            array = rng.integers(0, 2, (T, N)).astype(np.float32)
        elif need in PER_SAMPLE:
            array = rng.random(N, np.float32)
        elif need == "space":
            array = rng.standard_normal((N, 5)).astype(np.float32)
        elif need in {"pictures", "captions"}:
            array = rng.standard_normal((N, 5)).astype(np.float16)
        elif need == "labels":
            array = rng.integers(0, 4, N)
        elif need == "probs":
            array = rng.dirichlet(np.ones(4), N).astype(np.float16)
        else:
            assert need in PER_EPOCH, f"no column is called {need}"
            array = rng.random((T, N)).astype(np.float16)
        array.flags.writeable = False
        arrays.append(EmbeddingSpace(array) if need == "space" else array)
    return arrays


def score(method, arrays, **options):
    supplied = {name: SUPPLIED[name] for name in method.supplied}
    return method.function(*arrays, **supplied, **options)


def take(method, arrays, rows):
    taken = []
    for need, array in zip(method.needs, arrays, strict=True):
        if need == "space":
            taken.append(array.subset(np.arange(N)[rows]))
        else:
            taken.append(array[:, rows] if need in PER_EPOCH else array[rows])
    return taken


@every_scorer
def test_one_finite_float32_a_sample(name):
    method = SCORERS[name]
    scores = score(method, inputs(method))
    assert scores.shape == (N,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 1


@every_scorer
def test_the_order_of_samples_does_not_matter(name):
    method, rows = SCORERS[name], np.random.default_rng(1).permutation(N)
    arrays = inputs(method)
    shuffled, whole = score(method, take(method, arrays, rows)), score(method, arrays)[rows]
    if name == "prototype":  # the sum of a cluster is rounded in the order of its members
        np.testing.assert_allclose(shuffled, whole, rtol=1e-5)
    else:
        np.testing.assert_array_equal(shuffled, whole)


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if set(m.needs) <= PER_EPOCH | PER_SAMPLE])
def test_a_sample_without_numbers_scores_nan_and_leaves_the_others_alone(name):
    method = SCORERS[name]
    arrays = [a.copy() for a in inputs(method)]
    for array in arrays:
        array[..., 5] = np.nan
    others = np.delete(np.arange(N), 5)
    scores, alone = score(method, arrays), score(method, take(method, inputs(method), others))
    assert np.isnan(scores[5])
    np.testing.assert_array_equal(scores[others], alone)


@every_scorer
def test_a_short_trace_and_one_sample_are_enough(name):
    method = SCORERS[name]
    least = method.least_epochs
    one = take(method, inputs(method), [3])
    arrays = [a[:least] if need in PER_EPOCH else a for need, a in zip(method.needs, one, strict=True)]
    assert np.isfinite(score(method, arrays)).all()


COMPARING = [name for name, scorer in SCORERS.items() if scorer.compares_epochs]


@pytest.mark.parametrize("name", [name for name in COMPARING if name != "forgetting"])
def test_fewer_epochs_than_a_score_compares_are_refused(name):
    method, least = SCORERS[name], SCORERS[name].least_epochs
    short = [a[: least - 1] for a in inputs(method)]
    with pytest.raises(OptionError, match=f"fewer than the {least} that this score compares") as caught:
        score(method, short)
    assert caught.value.hint == "train longer: --epochs 10"


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if "first" in m.options])
def test_a_window_of_epochs_is_a_trace_of_these_epochs(name):
    method = SCORERS[name]
    arrays = inputs(method)
    cut = score(method, [a[1:6] for a in arrays])
    np.testing.assert_array_equal(score(method, arrays, first=2, last=6), cut)
    assert not np.array_equal(score(method, arrays), cut)
    with pytest.raises(OptionError, match=f"the trace has epochs 1 to {T}, not 8"):
        score(method, arrays, last=8)
    with pytest.raises(OptionError, match="first=5 comes after last=4"):
        score(method, arrays, first=5, last=4)


@every_scorer
def test_says_what_a_high_value_means(name):
    method = SCORERS[name]
    assert set(method.high.split(AND)) <= set(MEANINGS) or name == "input_norm"


@every_scorer
def test_the_docstring_gives_the_formula_the_range_and_the_paper(name):
    method = SCORERS[name]
    doc = inspect.getdoc(method.function)
    assert method.summary.endswith(".")
    for section in ("Parameters", "Returns", "References"):
        assert f"\n{section}\n---" in doc
    assert ("Raises" in doc) == bool(method.options)


@pytest.mark.parametrize("name", [n for n, m in SCORERS.items() if m.rowwise])
def test_the_size_of_blocks_does_not_matter(name):
    method = SCORERS[name]
    arrays = inputs(method)
    whole = score(method, arrays)
    for size in (1, 7, N - 1):
        blocks = [score(method, take(method, arrays, slice(i, i + size))) for i in range(0, N, size)]
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize(("name", "flag"), [(n, f) for n, m in SCORERS.items() for f in m.flags])
def test_a_flag_is_one_bool_a_sample(name, flag):
    method = SCORERS[name]
    flags = method.flags[flag](*inputs(method))
    assert flags.shape == (N,)
    assert flags.dtype == bool


def test_every_file_is_listed_and_named_like_its_scorer():
    folder = Path(prune.scorers.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - NOT_SCORERS == set(SCORERS)
