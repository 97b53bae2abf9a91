"""What faiss names is taken only where no rounding can have hidden a nearer one; else others decide."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
import pytest

from prune.index import flat
from prune.index.blocks import Vectors, operands_of
from prune.index.exact import each_to_all
from prune.index.flat import meet_by_faiss
from prune.index.space import EmbeddingSpace


def operands(rows: np.ndarray) -> Vectors:
    found = operands_of(EmbeddingSpace(rows.astype(np.float32)))
    assert isinstance(found, Vectors)
    return found


def by_loop(one: Vectors, two: Vectors, count: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = (vectors.space.block(0, vectors.n).astype(np.float64) for vectors in (one, two))
    gaps = ((x[:, None] - y[None]) ** 2).sum(2)
    if one is two:
        np.fill_diagonal(gaps, np.inf)
    rows = np.argsort(gaps, axis=1, kind="stable")[:, :count]
    return rows, np.take_along_axis(gaps, rows, axis=1)


def in_order(gaps: np.ndarray, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((who, gaps))
    return np.take_along_axis(who, order, axis=1), np.take_along_axis(gaps, order, axis=1)


SHAPES = {
    "plain": lambda rng: rng.standard_normal((400, 30)),
    "lattice": lambda rng: rng.integers(0, 3, (400, 4)),  # ties and duplicates everywhere
    "far off": lambda rng: 1000 + rng.standard_normal((300, 20)),
    "tiny": lambda rng: 1e-20 * rng.standard_normal((200, 17)),
    "huge": lambda rng: 1e14 * rng.standard_normal((200, 5)),
}


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_nearest_are_those_of_the_loop_whatever_is_looked_at_together(
    shape: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat, "OFFERED", 1)
    monkeypatch.setattr(flat, "LEAST", 90)
    monkeypatch.setattr(flat, "WORK", 1.0)
    two = operands(SHAPES[shape](np.random.default_rng(0)))
    one = two.framed_like(two.space.subset(np.arange(0, two.n, 3)))
    for asks in (one, two):
        rows, squares = in_order(*each_to_all(asks, two, count))
        expected = by_loop(asks, two, count)
        assert np.array_equal(rows, expected[0])
        assert np.allclose(squares, expected[1], rtol=1e-12, atol=0)


def test_who_is_nobody_else_is_said_where_many_are_equally_near() -> None:
    rng = np.random.default_rng(0)
    plain, lattice = (operands(rng.standard_normal((300, 8))), operands(rng.integers(0, 2, (300, 3))))
    assert len(meet_by_faiss(plain, plain, 3)[1]) == 0
    heaps, doubtful = meet_by_faiss(lattice, lattice, 3)
    assert len(doubtful) == 300  # of eight points, each of which has some forty samples
    assert (heaps.gaps == 0).all()
    few = operands(rng.integers(0, 2, (9, 3)))
    assert len(meet_by_faiss(lattice, few.framed_like(few.space), 9)[1]) == 0  # all others were candidates


def test_some_samples_alone_find_what_they_find_among_all() -> None:
    two = operands(np.random.default_rng(0).standard_normal((300, 6)))
    some = np.array([250, 3, 77])
    everybody, alone = each_to_all(two, two, 5), each_to_all(two, two, 5, some)
    assert np.array_equal(in_order(*alone)[0], in_order(everybody.gaps[some], everybody.who[some])[0])


def test_another_rounding_of_distances_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    grid = rng.integers(0, 40, (500, 3)) + 1e-4 * rng.standard_normal((500, 3))
    one = operands(grid)

    class Shaken:
        """An index whose distances are off by as much as rounding can make them."""

        def __init__(self, d: int) -> None:
            self.rows, self.ntotal = np.empty((0, d), np.float32), 0

        def add(self, rows: np.ndarray) -> None:
            self.rows, self.ntotal = rows.copy(), len(rows)

        def search(self, asks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
            x, y = asks.astype(np.float64), self.rows.astype(np.float64)
            gaps = ((x[:, None] - y[None]) ** 2).sum(2)
            both = np.linalg.norm(x, axis=1) + np.linalg.norm(y, axis=1).max()
            gaps += rng.uniform(-0.99, 0.99, gaps.shape) * flat._doubt(both, x.shape[1])[:, None]
            who = np.argsort(gaps, axis=1)[:, :count]
            return np.take_along_axis(gaps, who, axis=1).astype(np.float32), who

    before: Any = in_order(*each_to_all(one, one, 4))
    monkeypatch.setattr(faiss, "IndexFlatL2", Shaken)
    for _ in range(3):
        rows, squares = in_order(*each_to_all(one, one, 4))
        assert np.array_equal(rows, before[0])
        assert np.array_equal(squares, before[1])
