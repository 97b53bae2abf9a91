"""A bound is above what float32 gets wrong, and no lower than what is nearer."""

from __future__ import annotations

import numpy as np

from prune.index.product_bounds import limit_of, slack


def test_slack_is_above_the_error_of_float32_products() -> None:
    rng = np.random.default_rng(0)
    for d in (3, 64, 1000):
        rows = (rng.standard_normal((200, d)) + 5).astype(np.float32)
        norms = (rows.astype(np.float64) ** 2).sum(1)
        seen = (norms / 2).astype(np.float32)[None] - rows @ rows.T
        true = norms[None] / 2 - rows.astype(np.float64) @ rows.astype(np.float64).T
        allowed = slack(np.sqrt(norms.max()), np.sqrt(norms.max()), d)
        assert np.abs(seen - true).max() < allowed < 1e-3 * norms.max()


def test_whoever_is_nearer_is_below_the_limit() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((200, 64)) + 5).astype(np.float32)
    wide = rows.astype(np.float64)
    norms = (wide**2).sum(1)
    keys = (norms / 2).astype(np.float32)[None] - rows @ rows.T
    gaps = ((wide[:, None] - wide[None]) ** 2).sum(2)
    for i, row in enumerate(gaps):
        now = np.median(row)
        limit = limit_of(now, norms[i], 1.0, slack(np.sqrt(norms[i]), np.sqrt(norms.max()), 64))
        assert (keys[i][row < now] < limit).all()
        assert (keys[i][row > 1.01 * now] >= limit).all()
