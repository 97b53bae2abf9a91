"""What is near whom is the same by any number of threads and the kernel of an old processor."""

from __future__ import annotations

from collections.abc import Callable

FARTHEST = """
import numpy as np
from prune.index.farthest import farthest_first
from prune.index.space import EmbeddingSpace
rng = np.random.default_rng(0)
x = 9 * rng.standard_normal((30, 24))[rng.integers(0, 30, 9000)] + rng.standard_normal((9000, 24))
rows, gains = farthest_first(EmbeddingSpace(x.astype(np.float32)), 900)
print(rows.tolist(), gains.tobytes().hex())
"""
NEIGHBOURS = """
import hashlib, numpy as np
from prune.index.clusters import clusters
from prune.index.neighbours import nearest
from prune.index.space import EmbeddingSpace
rng = np.random.default_rng(0)
x = 3 * rng.standard_normal((60, 33))[rng.integers(0, 60, 2600)] + rng.standard_normal((2600, 33))
space = EmbeddingSpace(x.astype(np.float16), metric='cosine')
for kind in ('exact', 'ivf'):
    found = nearest(space, 9, kind=kind)
    print(hashlib.md5(found.rows.tobytes() + found.squares.tobytes()).hexdigest(), found.recall)
found = clusters(space, 20, seed=1)
print(hashlib.md5(found.centroids.tobytes() + found.squares.tobytes()).hexdigest())
"""


def test_the_farthest_first(said: Callable[..., str]) -> None:
    assert said(FARTHEST, 1) == said(FARTHEST, 4)


def test_neighbours_and_clusters(said: Callable[..., str]) -> None:
    one = said(NEIGHBOURS, 1).splitlines()
    old = said(NEIGHBOURS, 2, OPENBLAS_CORETYPE="Prescott").splitlines()
    assert said(NEIGHBOURS, 3).splitlines() == one
    assert old[:2] == one[:2]  # a centroid is a mean, whose last digit may be another
