"""GIO as published: a free point slides down the divergence by gradient descent, then snaps to a sample."""

from __future__ import annotations

import math

import numpy as np
import torch

NEIGHBOUR = 5
STEPS = 50
EPSILON = 1e-8


def divergence(target: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """KL(target ‖ chosen) from distances to neighbours, averaged over the orders of the second term.

    Everything is made anew at every call: the (n, n) distances of the target, whose neighbours never change,
    and the (n, m) distances to the chosen.
    """
    (n, d), m = target.shape, len(chosen)
    inside = _distances(target, target).topk(NEIGHBOUR + 1, largest=False).values[:, -1]
    across = _distances(target, chosen)
    orders = torch.arange(1, m + 1, dtype=torch.float64)
    sizes = torch.log(NEIGHBOUR * m / (orders * (n - 1))).mean()
    return d * torch.log(across + EPSILON).mean() - d * torch.log(inside + EPSILON).mean() + sizes


def gio(target: np.ndarray, candidates: np.ndarray, picks: int, start: np.ndarray) -> np.ndarray:
    """Take `picks` candidates; each descent starts at the mean of the target (Everaert & Potts 2024)."""
    wanted, pool = torch.from_numpy(target), torch.from_numpy(candidates)
    chosen, free = torch.from_numpy(start), np.ones(len(candidates), bool)
    mean, scale, taken = wanted.mean(0), None, []
    for step in range(picks):
        point = mean.clone()
        for _ in range(STEPS * (3 if step == 0 else 1)):
            point.requires_grad_(True)
            (slope,) = torch.autograd.grad(divergence(wanted, torch.cat([chosen, point[None]])), point)
            if scale is None:
                scale = float(point.detach().norm() / slope.norm())
            point = point.detach() - 0.01 * scale * slope
        away = torch.cdist(point[None], pool)[0]
        away[torch.from_numpy(~free)] = math.inf
        best = int(away.argmin())
        taken.append(best)
        free[best] = False
        chosen = torch.cat([chosen, pool[best : best + 1]])
        divergence(wanted, chosen)  # published: the curve that its stop rules look at
    return np.array(taken)


def _distances(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    squares = (one * one).sum(1)[:, None] + (two * two).sum(1) - 2 * one @ two.T
    return squares.clamp(1e-10, 1e20).sqrt()
