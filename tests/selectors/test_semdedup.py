"""SemDeDup: planted duplicates are found and nothing else, by every rule of who is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.gradients import GradientSpace
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace, Space
from prune.selectors.semdedup import plan_of_semdedup
from prune.selectors.semdedup import semdedup as semdedup_of


def semdedup(space: Space, **options: Any) -> Selection:
    """Choose by names of our own."""
    return semdedup_of(space, [str(row) for row in range(space.n)], **options)


def _planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """400 random directions, and 100 that are one of the first hundred, scaled and hardly turned."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((500, 32))
    points[400:] = points[:100] * rng.uniform(0.5, 2, (100, 1)) + 0.01 * rng.standard_normal((100, 32))
    order = rng.permutation(500)
    twin = np.full(500, -1)
    place = np.argsort(order)
    twin[place[400:]], twin[place[:100]] = place[:100], place[400:]
    return points[order].astype(np.float16), twin


def _cosines(points: np.ndarray) -> np.ndarray:
    rows = points.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


@pytest.mark.parametrize("keep", ["hard", "easy", "middle", "random"])
def test_planted_duplicates_are_found_and_nothing_else(keep: str) -> None:
    points, twin = _planted()
    taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=0.01, clusters=1, keep=keep)
    removed = np.setdiff1d(np.arange(500), taken.rows)
    assert taken.facts["duplicates"] == len(removed) == 100
    assert (twin[removed] >= 0).all()
    assert np.isin(twin[removed], taken.rows).all()
    assert taken.plain.facts["partners"] == {"rows": removed.tolist(), "of": twin[removed].tolist()}


def test_the_rule_says_which_of_two_is_kept() -> None:
    points = np.array([[1, 0.0], [1, 0.2], [1, 0.4], [1, 0.9]], np.float32)  # 0, 11, 22, 42 degrees, mean 19
    scores = np.array([1, 4, 3, 2], np.float32)

    def best(**options) -> int:
        taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=1.9, clusters=1, **options)
        return int(taken.rows.item())

    assert (best(), best(keep="easy"), best(keep="middle")) == (3, 2, 0)  # 1 is as middling as 0
    assert best(keep="score", scores=scores) == 1
    assert best(keep="score", scores=scores, lowest=True) == 0


def _loop(cosines: np.ndarray, order: np.ndarray, bar: float) -> tuple[np.ndarray, np.ndarray]:
    """Which are kept, and the largest cosine of each to those before it that are kept."""
    kept, largest = [], np.full(len(order), -1.0)
    for row in order:
        if kept:
            largest[row] = cosines[row, kept].max()
        if largest[row] < bar:
            kept.append(int(row))
    return np.array(kept), largest


@pytest.mark.parametrize("eps", [0.3, 0.6])
def test_chains_do_not_vanish(eps: float) -> None:
    rng = np.random.default_rng(4)
    points = rng.standard_normal((3000, 3)).astype(np.float32)  # more than a tile
    scores = rng.permutation(3000).astype(np.float32)
    kept, largest = _loop(_cosines(points), np.argsort(-scores), 1 - eps)
    taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=eps, clusters=1, keep="score", scores=scores)
    assert sorted(taken.rows.tolist()) == sorted(kept.tolist())
    assert taken.rows.tolist() == sorted(kept, key=lambda row: (largest[row], row))
    assert np.allclose(taken.gains, 1 - largest[taken.rows], atol=1e-6)
    partners = taken.plain.facts["partners"]
    cosines = _cosines(points)[np.ix_(partners["rows"], kept)]
    earlier = scores[kept] > scores[partners["rows"]][:, None]
    assert partners["of"] == kept[np.where(earlier, cosines, -2).argmax(1)].tolist()


def test_a_budget_keeps_the_least_redundant() -> None:
    points, twin = _planted(1)
    scores = np.random.default_rng(0).permutation(500).astype(np.float32)
    _, largest = _loop(_cosines(points), np.argsort(-scores), 2)
    taken = semdedup(EmbeddingSpace(points), k=450, seed=0, clusters=1, keep="score", scores=scores)
    assert taken.rows.tolist() == np.lexsort((np.arange(500), largest))[:450].tolist()
    assert taken.rows[0] == scores.argmax()
    assert taken.gains[0] == 2
    assert np.allclose(taken.gains, 1 - largest[taken.rows], atol=1e-6)
    dropped = taken.plain.facts["partners"]
    assert len(dropped["rows"]) == 50
    assert dropped["of"] == twin[dropped["rows"]].tolist()
    assert taken.facts["duplicates"] == 0  # none has quite the direction of another


def test_a_budget_beyond_a_threshold_is_an_upper_bound() -> None:
    points, _ = _planted()
    space = EmbeddingSpace(points)
    free = semdedup(space, k=None, seed=0, eps=0.01, clusters=1)
    assert np.array_equal(semdedup(space, k=123, seed=0, eps=0.01, clusters=1).rows, free.rows[:123])
    with pytest.raises(OptionError, match=r"eps=0.01 leaves 400 of 500 samples, fewer than the 401 to keep"):
        semdedup(space, k=401, seed=0, eps=0.01, clusters=1)
    assert np.array_equal(semdedup(space, k=None, seed=0, clusters=1).rows, free.rows)  # the default eps


def test_duplicates_everywhere() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((7, 5)).astype(np.float16)
    points = kinds[rng.integers(0, 7, 3000)]
    taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=0.0, clusters=4)
    assert len(taken) == len(np.unique(points[taken.rows], axis=0)) == 7
    whole = semdedup(EmbeddingSpace(points), k=3000, seed=0, clusters=4)
    assert len(np.unique(points[whole.rows[:7]], axis=0)) == 7
    assert (whole.gains[7:] == 0).all()
    lot = lots([str(row) for row in range(3000)], "0")
    assert (np.diff(lot[whole.rows[7:]].astype(np.float64)) > 0).all()
    assert semdedup(EmbeddingSpace(points[:1]), k=1, seed=0).gains.tolist() == [2]


def test_zero_vectors_are_duplicates_of_nothing() -> None:
    points = np.array([[0, 0], [1, 1], [0, 0], [2, 2]], np.float16)
    taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=0.0)
    assert sorted(taken.rows.tolist()) in ([0, 1, 2], [0, 2, 3])
    assert taken.gains.tolist() == [2, 1, 1]
    nothing = semdedup(EmbeddingSpace(np.zeros((3, 2), np.float16)), k=2, seed=0)
    assert nothing.rows.tolist() == np.argsort(lots(list("012"), "0"))[:2].tolist()
    assert nothing.facts["tied_at_cut"] == 3


def test_given_samples_come_first_and_stay() -> None:
    points, twin = _planted()
    given = np.flatnonzero(twin >= 0)[:60]
    taken = semdedup(EmbeddingSpace(points), k=None, seed=0, eps=0.01, clusters=1, given=given)
    assert not np.isin(given, taken.rows).any()
    assert not np.isin(twin[given], taken.rows).any()
    both = np.isin(twin[given], given)  # a pair that is given both times loses nobody
    assert taken.facts["duplicates"] == 100 - both.sum() // 2
    assert len(taken) == 500 - len(given) - taken.facts["duplicates"]


def test_gradients_are_compared_exactly() -> None:
    rng = np.random.default_rng(0)
    errors = rng.standard_normal((300, 4)).astype(np.float32)
    features = rng.standard_normal((300, 9)).astype(np.float32)
    errors[200:250], features[200:250] = 3 * errors[:50], features[:50]
    features[250:], errors[250:] = features[:50], rng.standard_normal((50, 4))
    products = (errors @ errors.T).astype(np.float64) * (1 + features @ features.T)
    norms = np.sqrt(np.diag(products))
    cosines = products / np.outer(norms, norms)
    scores = rng.permutation(300).astype(np.float32)
    for eps in (1e-6, 0.2):
        kept, _ = _loop(cosines, np.argsort(-scores), 1 - eps)
        space = GradientSpace(errors, features)
        taken = semdedup(space, k=None, seed=0, eps=eps, clusters=1, keep="score", scores=scores)
        assert sorted(taken.rows.tolist()) == sorted(kept.tolist())


def test_what_makes_no_sense_is_refused() -> None:
    space = EmbeddingSpace(np.eye(3, dtype=np.float32))
    with pytest.raises(OptionError, match="eps=-1 is not between 0 and 2"):
        semdedup(space, k=1, seed=0, eps=-1)
    with pytest.raises(OptionError, match="clusters=0 is not at least 1"):
        semdedup(space, k=1, seed=0, clusters=0)
    with pytest.raises(OptionError, match="keep=score needs scores"):
        semdedup(space, k=1, seed=0, keep="score")
    with pytest.raises(OptionError, match="keep=best is not one of hard, easy, middle, random, score"):
        semdedup(space, k=1, seed=0, keep="best")
    with pytest.raises(ValueError, match="1 of 3 scores are not numbers"):
        semdedup(space, k=1, seed=0, keep="score", scores=np.array([0, np.nan, 1], np.float32))
    with pytest.raises(ValueError, match="2 scores, but 3 samples"):
        semdedup(space, k=1, seed=0, keep="score", scores=np.zeros(2, np.float32))


def test_its_plan_says_how_much_is_compared() -> None:
    one, many = (plan_of_semdedup(Size(n, 512, 2**33), 10, {"clusters": None}) for n in (4_000, 1_000_000))
    assert one.why == "all pairs of 4,000 samples, without a matrix of them"
    assert many.why == "1,000,000 samples in 159 clusters of at most 25,160, compared inside each"
    assert many.bytes < 2**28
