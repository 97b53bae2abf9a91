"""Nearest neighbours are those of the loop that everyone can read; what is not exact says how near it is."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index import exact, ivf
from prune.index.gradients import GradientSpace
from prune.index.kept_neighbours import Neighbours
from prune.index.neighbours import nearest, nearest_to
from prune.index.resource_plan import Size
from prune.index.search import search_of
from prune.index.space import EmbeddingSpace, Space


def vectors(space: Space) -> np.ndarray:
    """The samples in float64, gradients as the products that are never formed elsewhere."""
    if isinstance(space, EmbeddingSpace):
        return space.block(0, space.n).astype(np.float64)
    errors, features = (factor.astype(np.float64) for factor in space.factors(slice(0, space.n)))
    return (errors[:, :, None] * np.c_[features, np.ones(space.n)][:, None]).reshape(space.n, -1)


def by_loop(one: np.ndarray, two: np.ndarray, count: int, *, itself: bool) -> tuple[np.ndarray, np.ndarray]:
    rows, squares = [], []
    for i, x in enumerate(one):
        gaps = ((two - x) ** 2).sum(1)
        if not itself:
            gaps[i] = np.inf
        rows.append(np.argsort(gaps, kind="stable")[:count])
        squares.append(gaps[rows[-1]])
    return np.array(rows), np.array(squares)


def clustered(n: int, d: int, groups: int = 40) -> np.ndarray:
    rng = np.random.default_rng(n)
    return 2 * rng.standard_normal((groups, d))[rng.integers(0, groups, n)] + rng.standard_normal((n, d))


def factors(n: int, c: int, d: int) -> GradientSpace:
    rng = np.random.default_rng(c)
    errors = rng.standard_normal((n, c)).astype(np.float16)
    return GradientSpace(errors, clustered(n, d).astype(np.float16))


def agree(found: Neighbours, expected: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(found.rows, expected[0])
    assert np.allclose(found.squares, expected[1], rtol=1e-6, atol=1e-12 * expected[1].max())
    assert (np.diff(found.squares, axis=1) >= 0).all()


SHAPES = {
    "plain": lambda rng: rng.standard_normal((700, 30)),
    "lattice": lambda rng: rng.integers(0, 3, (700, 4)),  # ties and duplicates everywhere
    "far off": lambda rng: 1000 + rng.standard_normal((300, 20)),
    "one point": lambda _: np.ones((150, 3)),
    "tiny": lambda rng: 1e-20 * rng.standard_normal((200, 17)),
}


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # the second runs the code for CUDA devices
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_is_the_loop_also_where_blocks_meet(
    shape: str, metric: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "TILE", 128)
    rows = SHAPES[shape](np.random.default_rng(0)).astype(np.float32)
    space = EmbeddingSpace(rows, metric=metric, device=device)
    agree(nearest(space, 12, kind="exact"), by_loop(vectors(space), vectors(space), 12, itself=False))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_gradients_have_the_neighbours_of_their_products(metric: str) -> None:
    space = factors(400, 5, 9).under(metric)
    agree(nearest(space, 7), by_loop(vectors(space), vectors(space), 7, itself=False))
    one, two = space.subset(np.arange(90)), space.subset(np.arange(90, 400))
    agree(nearest_to(one, two, 7), by_loop(vectors(one), vectors(two), 7, itself=True))


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_nearest_of_another_space_may_be_at_distance_zero(device: str) -> None:
    rows = clustered(500, 12).astype(np.float16)
    one, two = EmbeddingSpace(rows[:200], device=device), EmbeddingSpace(rows[100:], device=device)
    found = nearest_to(one, two, 3)
    agree(found, by_loop(vectors(one), vectors(two), 3, itself=True))
    assert found.rows[100:, 0].tolist() == list(range(100))
    assert (found.squares[100:, 0] == 0).all()


def test_by_hand_with_ties_duplicates_and_a_sample_without_direction() -> None:
    line = EmbeddingSpace(np.array([[0], [1], [3], [1], [5]], np.float16))
    found = nearest(line, 9)
    assert found.rows.tolist() == [[1, 3, 2, 4], [3, 0, 2, 4], [1, 3, 4, 0], [1, 0, 2, 4], [2, 1, 3, 0]]
    assert found.squares[1].tolist() == [0, 1, 4, 16]
    around = EmbeddingSpace(np.array([[1, 0], [0, 0], [0, 5], [2, 0]], np.float32), metric="cosine")
    assert nearest(around, 2).rows.tolist() == [[3, 1], [0, 2], [1, 0], [0, 1]]
    assert nearest(around, 1).squares.ravel().tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_few_samples_have_few_neighbours(kind: str) -> None:
    assert nearest(EmbeddingSpace(np.ones((1, 3), np.float16)), 5, kind=kind).rows.shape == (1, 0)
    assert nearest(EmbeddingSpace(np.ones((2, 3), np.float16)), 5, kind=kind).rows.tolist() == [[1], [0]]
    all_equal = nearest(EmbeddingSpace(np.ones((9, 2), np.float16)), 99, kind=kind)
    assert [sorted(row) for row in all_equal.rows.tolist()] == [
        [row for row in range(9) if row != i] for i in range(9)
    ]


@pytest.mark.parametrize(
    "space", [EmbeddingSpace(clustered(2500, 24).astype(np.float16)), factors(1500, 4, 6)]
)
def test_recall_is_what_another_count_of_the_hits_gives(space: Space) -> None:
    found, true = nearest(space, 15, kind="ivf"), nearest(space, 15, kind="exact")
    hits = [len(np.intersect1d(*rows)) / 15 for rows in zip(found.rows, true.rows, strict=True)]
    assert found.kind == "ivf"
    assert found.recall >= 0.99
    assert abs(found.recall - np.mean(hits)) < 5 * np.std(hits) / np.sqrt(ivf.CHECKED) + 1e-9
    assert not (found.rows == np.arange(space.n)[:, None]).any()
    assert all(len(np.unique(row)) == 15 for row in found.rows)
    same = found.rows == true.rows
    assert np.array_equal(found.squares[same], true.squares[same])


def test_more_lists_are_asked_until_the_recall_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    space = EmbeddingSpace(np.random.default_rng(0).standard_normal((3000, 24)).astype(np.float32))
    assert nearest(space, 10, kind="ivf").recall >= ivf.RECALL
    monkeypatch.setattr(ivf, "PROBES", (1,))
    assert 0.1 < nearest(space, 10, kind="ivf").recall < 0.9


def test_the_kind_is_chosen_by_the_work() -> None:
    size = Size(50_000, 512, 2**32)
    assert search_of(size, 64).kind == "exact"
    assert search_of(Size(1_000_000, 512, 2**32), 64).kind == "ivf"
    assert search_of(Size(1_000_000, 512, 2**32, "cuda"), 64).kind == "exact"
    assert search_of(size, 64, "ivf").kind == "ivf"


def test_what_cannot_be_searched_is_refused() -> None:
    space = EmbeddingSpace(np.ones((4, 2), np.float16))
    with pytest.raises(ValueError, match="cannot find 0 neighbours"):
        nearest(space, 0)
    with pytest.raises(ValueError, match="kind 'flat' is not one of auto, exact, ivf"):
        nearest(space, 1, kind="flat")
    with pytest.raises(ValueError, match=r"width 2 \(euclidean\) have no distance to those of width 3"):
        nearest_to(space, EmbeddingSpace(np.ones((4, 3), np.float16)), 1)
    gradients = GradientSpace(np.ones((4, 1), np.float16), np.ones((4, 1), np.float16))
    with pytest.raises(ValueError, match="gradients have no distance to embeddings"):
        nearest_to(space, gradients, 1)
    with pytest.raises(ValueError, match="embeddings have no distance to gradients"):
        nearest_to(gradients, space, 1)


@pytest.mark.gpu
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_cuda_finds_the_neighbours_of_the_host(metric: str) -> None:
    rows = clustered(20_000, 64).astype(np.float16)
    on_host = nearest(EmbeddingSpace(rows, metric=metric), 20, kind="exact")
    on_device = nearest(EmbeddingSpace(rows, metric=metric, device="cuda"), 20, kind="exact")
    assert np.array_equal(on_host.rows, on_device.rows)
    assert np.array_equal(on_host.squares, on_device.squares)
