"""The same bytes for any number of threads, of BLAS and of numba: rows, gains and weights."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

PROGRAM = """
import hashlib
import numpy as np
from prune.steps.select.by_class import ChoiceTask, Material, choose
from prune.index.gradients import GradientSpace, errors_of
from prune.index.space import EmbeddingSpace
from prune.selectors import SELECTORS

n = 3000
rng = np.random.default_rng(0)
centres = 2 * rng.standard_normal((9, 64))[rng.integers(0, 9, n)]
x = (rng.standard_normal((n, 64)) + centres).astype(np.float16)
probs = rng.dirichlet(np.full(10, 0.3), n).astype(np.float32)
labels = rng.integers(0, 10, n)
embeddings = EmbeddingSpace(x, memory=2**30)
gradients = GradientSpace(errors_of(probs, labels), x, memory=2**30)
for name, space, reweight, options in [
    ("facility_location", embeddings, None, {}),
    ("craig", gradients, None, {}),
    ("log_det", gradients, None, {}),
    ("glister", gradients, None, {}),
    ("herding", gradients, "nnls", {}),
    ("prototypes", gradients, "cluster", {}),
    ("sum_redundancy", embeddings, None, {"similarity": "euclidean"}),
]:
    task = ChoiceTask(method=SELECTORS[name], rows=np.arange(n), k=60, reweight=reweight, options=options)
    material = Material(labels=labels, keys=lambda rows: [], space=lambda rows: space.subset(rows))
    found = choose(task, material)
    parts = (found.rows, found.gains, found.weights)
    print(name, *(hashlib.sha256(part.tobytes()).hexdigest() for part in parts))
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: BLAS has one thread whatever it is told")
def test_what_is_chosen_does_not_depend_on_the_number_of_threads(said: Callable[..., str]) -> None:
    assert said(PROGRAM, 1) == said(PROGRAM, 2)
