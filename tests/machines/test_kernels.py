"""The same rows and scores, whatever kernel adds up: that of an old processor, and that in use.

Under `make test-kernels` the one in use is each that this processor can pretend to have.
"""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PROGRAM = """
import sys
import numpy as np
import prune
from prune.index.gradients import errors_of
from prune.index.space import EmbeddingSpace
from prune.scorers import SCORERS
from prune.selectors import SELECTORS

N, K = 420, 90
rng = np.random.default_rng(0)
labels = rng.integers(0, 6, N)
plain = (2 * rng.standard_normal((6, 24))[labels] + rng.standard_normal((N, 24))).astype(np.float32)
copies = (np.round(2 * plain) / 2).astype(np.float32)
copies[200:300] = copies[:100]
far = plain + np.float32(300)
probs = rng.dirichlet(np.full(6, 0.3), N)
probs = (0.6 * probs + 0.4 * np.eye(6)[labels]).astype(np.float16)
factors = {"errors": errors_of(probs, labels), "features": np.maximum(plain, 0).astype(np.float16)}
factors = {name: np.concatenate([part[:320], part[:100]]) for name, part in factors.items()}
scores, easiness = np.abs(plain[:, 0]), rng.random(N).astype(np.float32)
MATERIAL = {"plain": {"X": plain}, "copies": {"X": copies}, "far": {"X": far}, "gradients": factors}
WAYS = [(name, {}) for name in SELECTORS if "space" in SELECTORS[name].needs]
WAYS += [(name, {"similarity": kind}) for kind in ("euclidean", "rbf") for name in
         ("facility_location", "graph_cut", "saturated_coverage", "sum_redundancy")]
WAYS += [("log_det", {"similarity": "rbf"}), ("gradmatch", {"lam": 0.0}), ("gradmatch", {"batch": 10}),
         ("kcenter", {"metric": "cosine"}), ("herding", {"metric": "cosine"}),
         ("kmeans", {"metric": "euclidean"}),
         ("disparity_sum", {"metric": "euclidean"}), ("disparity_min", {"metric": "euclidean"}),
         ("feature_based", {"concave": "log"}), ("craig", {"mode": "sparse"}),
         ("random", {"reweight": "cluster"}),
         ("facility_location", {"mode": "sparse"}), ("facility_location", {"greedy": "stochastic"})]
out = {}
for name, options in WAYS:
    for where, given in MATERIAL.items():
        if name == "glister" and where != "gradients":
            continue
        more = {"target": plain[::9]} if "target" in SELECTORS[name].supplied else {}
        if more and where == "gradients":
            more = {"target": (given["errors"][::9], given["features"][::9])}
        more |= {"scores": scores} if "scores" in SELECTORS[name].needs or name == "semdedup" else {}
        found = prune.select_rows(method=name, k=K, seed=1, **given, **more, **options)
        case = " ".join([name, where, *map(str, options.values())])
        out |= {f"{case}:{part}": getattr(found, part) for part in ("rows", "gains", "weights")}
texts = [" ".join(map(str, row)) for row in rng.integers(0, 9, (N, 120))]
for name in SELECTORS:
    if "space" not in SELECTORS[name].needs:
        more = {"target": texts[::9]} if "target" in SELECTORS[name].supplied else {}
        found = prune.select_rows(
            method=name, k=K, seed=1, scores=scores, easiness=easiness, probs=probs.astype(np.float32),
            texts=texts, **more,
        )
        out[f"{name}:rows"] = found.rows
for where in ("plain", "copies", "far"):
    space = EmbeddingSpace(MATERIAL[where]["X"])
    values = {
        "density": SCORERS["density"].function(space, seed=1),
        "prototype": SCORERS["prototype"].function(space, classes=6, seed=1),
        "class_median": SCORERS["class_median"].function(space, labels),
        "cal": SCORERS["cal"].function(space, probs, seed=1),
    }
    for name, found in values.items():
        out[f"score {name} {where}:gains"] = found
np.savez(sys.stdout.buffer, **out)
"""


def _load() -> Any:
    path = Path(__file__).parents[1] / "kernels.py"
    spec = importlib.util.spec_from_file_location("kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _chosen(environment: dict[str, str]) -> dict[str, np.ndarray]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    with np.load(io.BytesIO(done.stdout)) as arrays:
        return dict(arrays)


def test_what_is_chosen_does_not_depend_on_the_kernel() -> None:
    kernels = _load()
    if not kernels.possible():
        pytest.skip("this processor has no older kind to pretend to be")
    old, now = _chosen(kernels.environment("prescott")), _chosen(dict(os.environ))
    assert len(old) > 250
    assert old.keys() == now.keys()
    other = [case for case in old if case.endswith(":rows") and not np.array_equal(old[case], now[case])]
    assert not other
    for case in old:
        scale = float(np.abs(old[case]).max())
        assert now[case] == pytest.approx(old[case], rel=1e-4, abs=1e-5 * scale), case
