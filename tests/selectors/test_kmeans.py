"""k-means sampling: shares by hand, of every prefix, and with samples that are given."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace
from prune.selectors.kmeans import kmeans, plan_of_kmeans

SIZES = np.array([6, 3, 1])
WHICH = np.repeat([0, 1, 2], SIZES)
SPACE = EmbeddingSpace(((WHICH * 100) + [0, 1, 2, 3, 4, 10, 0, 1, 5, 0])[:, None].astype(np.float32))


def _take(k: int, **options):
    return kmeans(SPACE, k=k, seed=0, clusters=3, metric="euclidean", **options)


def test_by_hand() -> None:
    taken = _take(10)  # stand at 1/12, 3/12, …, at 1/6, 3/6, 5/6, and at 1/2
    assert WHICH[taken.rows].tolist() == [0, 1, 0, 0, 1, 2, 0, 0, 1, 0]
    first = taken.rows[WHICH[taken.rows] == 0].tolist()  # the mean is 20/6
    assert first == [3, 4, 2, 1, 0, 5]
    assert (taken.facts["clusters"], taken.facts["reached"]) == (3, 3)
    owners = taken.plain.facts["cluster_of"]["of"]
    assert (len(owners), len(set(owners))) == (len(WHICH), 3)
    assert WHICH[_take(10, share="equal").rows].tolist() == [0, 1, 2, 0, 1, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("draw", ["nearest", "random"])
def test_every_prefix_has_the_shares_within_one_sample(draw: str) -> None:
    rng = np.random.default_rng(0)
    which = rng.choice(4, 200, p=[0.6, 0.2, 0.15, 0.05])
    points = 50 * np.eye(4, dtype=np.float32)[which] + rng.standard_normal((200, 4)).astype(np.float32)
    taken = kmeans(EmbeddingSpace(points), k=200, seed=3, clusters=4, draw=draw)
    counts = np.cumsum(np.eye(4)[which[taken.rows]], axis=0)
    exact = np.outer(np.arange(1, 201), np.bincount(which) / 200)
    assert np.abs(counts - exact).max() < 1


def test_one_of_each_cluster_where_as_many_are_asked_for() -> None:
    space = EmbeddingSpace(np.random.default_rng(1).standard_normal((90, 3)).astype(np.float32))
    taken = kmeans(space, k=12, seed=0, clusters=12, share="equal")
    assert (taken.facts["clusters"], taken.facts["reached"]) == (12, 12)


def test_random_draws_follow_the_seed_and_keep_the_clusters() -> None:
    one, two, other = (
        kmeans(SPACE, k=10, seed=seed, clusters=1, draw="random", metric="euclidean").rows
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_given_samples_count_as_the_share_of_their_cluster() -> None:
    taken = _take(4, given=np.array([0, 1, 2, 5]))  # 4 of 6 are there: the next stands at 9/12
    assert WHICH[taken.rows].tolist() == [1, 1, 2, 0]
    assert taken.rows[-1] == 3
    assert WHICH[_take(3, share="equal", given=np.array([7, 9])).rows].tolist() == [0, 0, 1]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(OptionError, match="clusters=-1 is not at least 1"):
        kmeans(SPACE, k=1, seed=0, clusters=-1)
    with pytest.raises(ValueError, match="cannot keep 11 of 10 samples"):
        _take(11)


def test_its_plan_is_a_few_passes() -> None:
    told = plan_of_kmeans(Size(10_000, 64, 2**30), 50, {"clusters": 20})
    assert (told.mode, told.why) == ("direct", "50 of 10,000 samples in 20 clusters")
