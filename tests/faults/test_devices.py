"""A GPU chooses what a CPU does, but for near ties, and gives the same bytes twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from prune import pipeline, select_rows
from prune.core.arrays import Array
from prune.core.selection import Selection
from prune.steps.settings import Settings
from prune.store import Store

pytestmark = pytest.mark.gpu
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
OTHER: Literal["cuda"] = "cuda"
TABLE, ROW = "Same bytes", "CPU and GPU: decisions that are no near ties"
ROUNDING = 1e-4  # of a gain, relative to the largest: float32 sums of some thousand numbers in another order
N, K = 600, 60
OF_SCORES: dict[str, dict[str, Any]] = {"top": {}, "stratified": {}, "gumbel": {}, "random": {}}
GREEDY: dict[str, dict[str, Any]] = {
    "kcenter": {},
    "facility_location": {},
    "graph_cut": {},
    "log_det": {},
    "disparity_min": {},
    "sum_redundancy": {},
}


def points() -> Array:
    """Clusters of unequal size and spread, in float16 as a store has them: no two distances are equal."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((12, 32))[rng.integers(0, 12, N) ** 2 // 12]
    return (centres + rng.standard_normal((N, 32)) * rng.uniform(0.2, 2, (N, 1))).astype(np.float16)


def chosen(method: str, device: Literal["cpu", "cuda"], **given: Any) -> Selection:
    return select_rows(method=method, k=K, settings=Settings(device=device), **given)


@needs_gpu
@pytest.mark.parametrize("method", GREEDY)
def test_a_greedy_selection_is_the_same_up_to_the_first_near_tie(
    method: str, tally: Callable[..., None]
) -> None:
    ours, theirs = (chosen(method, device, X=points(), **GREEDY[method]) for device in ("cpu", OTHER))
    differs = np.flatnonzero(ours.rows != theirs.rows)
    alike = int(differs[0]) if len(differs) else K
    scale = np.abs(ours.gains).max()
    np.testing.assert_allclose(ours.gains[: alike + 1], theirs.gains[: alike + 1], atol=ROUNDING * scale)
    assert len(set(theirs.rows.tolist())) == K
    tally(TABLE, ROW, "compared", alike)


@needs_gpu
@pytest.mark.parametrize("method", OF_SCORES)
def test_what_goes_by_scores_alone_is_the_same(method: str, tally: Callable[..., None]) -> None:
    given: dict[str, Any] = {"scores": np.random.default_rng(1).random(N).astype(np.float32)}
    given |= {"hard": "high"} if method == "stratified" else {}
    given = {} if method == "random" else given
    given |= {"X": points()} if method == "random" else {}
    ours, theirs = (chosen(method, device, **given) for device in ("cpu", OTHER))
    assert np.array_equal(ours.rows, theirs.rows)
    tally(TABLE, ROW, "compared", K)


def columns_of(store: Path, data: str, device: Literal["cpu", "cuda"]) -> Store:
    settings = Settings(device=device)
    pipeline.embed(store, data, encoder="shufflenet_v2_x0_5", weights="random", settings=settings)
    training = {"proxy": "resnet8", "epochs": 3, "size": 8}
    pipeline.score(store, data, types=["el2n", "grad_norm"], training=training, settings=settings)
    return Store(store)


@needs_gpu
def test_networks_agree_within_their_precision(tmp_path: Path, sources: Path) -> None:
    """Each row's direction, and the order of the scores; see docs/determinism.md."""
    data = str(sources / "images")
    ours, theirs = (columns_of(tmp_path / device, data, device) for device in ("cpu", OTHER))
    one, two = (s.column("embedding.shufflenet_v2_x0_5").read().astype(np.float64) for s in (ours, theirs))
    cosines = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert cosines.min() > 0.99
    ranks = [np.argsort(np.argsort(store.column("score.el2n").read())) for store in (ours, theirs)]
    assert np.corrcoef(ranks)[0, 1] > 0.9
    assert ours.column("images.8").read().tobytes() == theirs.column("images.8").read().tobytes()


@needs_gpu
def test_a_gpu_gives_the_same_bytes_twice(tmp_path: Path, sources: Path, tally: Callable[..., None]) -> None:
    data = str(sources / "images")
    one, two = (columns_of(tmp_path / name, data, OTHER) for name in ("one", "two"))
    assert one.state == two.state
    for name in one.columns:
        assert one.column(name).read().tobytes() == two.column(name).read().tobytes(), name
    tally(TABLE, "one GPU, twice", "compared", len(one.columns))
