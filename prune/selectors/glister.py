"""GLISTER: samples whose gradients lower the loss on a target, after what those before them did to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space

if TYPE_CHECKING:
    from prune.index.gradients import GradientSpace


def glister(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    eta: float | None = None,
    step: Literal["mean", "sum"] = "mean",
    every: int = 1,
    epsilon: float | None = None,
    given: Rows | None = None,
    target: Space | None = None,
) -> Selection:
    """Greedy on the target's loss after one step on what is chosen: ``argmax ⟨gⱼ, ∇L(θ − η·ḡ)⟩``.

    ḡ is the mean gradient of the samples chosen so far, L the mean loss of the target, both of the last
    layer. The step moves the logits of target sample t by ``−η·mean eᵢ(1 + hᵢ·hₜ)`` over the chosen i; its
    probabilities, errors and the gradient follow, exactly. That is repeated after every pick, so a direction
    that is served already counts for less.

    Good for noisy or imbalanced data with a small clean target set: what helps the target is taken first.
    Bad without one: the loss of the training set itself is lowered most by large and typical gradients, many
    of them alike. Needs gradients, and the network that they come from to be half-trained: a step from a
    network that fits its data perfectly has nothing to say.

    Time O(t·c·d) a pick for the gradient of t target samples, and as much for the n samples at worst; those
    whose gain cannot have become the largest, as far as the gradient has moved, are not looked at.
    Memory O(n + t·(c + d) + c·d).

    Parameters
    ----------
    space
        n gradients (`--on gradients`).
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the draws, with `epsilon`.
    eta
        Length of the step, over 0. Default: ``2 / mean(1 + ‖hₜ‖²)`` of the target, one over the largest
        curvature that the loss of a softmax layer can have; so the scale of the features does not matter.
    step
        Along the `mean` of the chosen gradients; or, as in the paper, along their `sum`: it grows with every
        pick, and a class that is served is left to others.
    epsilon
        Take the best of ``⌈(n / k)·ln(1/ε)⌉`` samples that are drawn for each pick, as published code does
        with 0.01, in ``(0, 0.5]``; default: the best of all, which are the extremes of the dataset.
    every
        Picks between two updates of the target's gradient; more is faster, and less exact.
    given
        Positions of samples that are chosen already: they count in the mean and are not taken again.
    target
        Gradients of the samples whose loss is to be lowered, such as a validation set; default: all n.

    Returns
    -------
    Gains are ``⟨gⱼ, ∇L⟩``, by how much the loss of the target falls per unit of step when the sample is
    taken; negative where it rises. Weights are 1. Facts: ``eta``, ``passes`` over all n samples,
    ``looked_at``, how many gains a pick has cost on average.

    Raises
    ------
    OptionError
        The space holds no gradients, the target has other dimensions, or an option is out of range.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Killamsetty, Sivasubramanian, Ramakrishnan & Iyer, "GLISTER: Generalization based Data Subset Selection
    for Efficient and Robust Learning", AAAI 2021, arXiv:2012.10630.

    Differs: by default the step follows the mean of the chosen gradients, not their sum, so that it does not
    grow with k, and all samples are looked at. The labels and logits of the target are read off its errors:
    e = p − y is negative at the label only, and logits matter up to a constant, so log p serves. An error of
    zero throughout has no label, and no gradient either; it is taken for class 0.
    """
    from prune.index.given import free_rows
    from prune.optimizers.loss_lookahead import Lookahead, look_ahead, look_at_some
    from prune.optimizers.stochastic import draws
    from prune.system.executors.threads import threads

    ours, theirs = _gradients(space), _gradients(space if target is None else target)
    if (ours.c, ours.d) != (theirs.c, theirs.d):
        raise OptionError(
            f"the target has {theirs.c} classes and {theirs.d} features, the samples {ours.c} and {ours.d}",
            "score both with the same network",
        )
    if eta is not None and not 0 < eta < np.inf:
        raise OptionError(f"eta={eta} is not a finite number over 0", "--set eta=0.1")
    if every < 1:
        raise OptionError(f"every={every} is not a number of picks", "--set every=1")
    if step not in ("mean", "sum"):
        raise OptionError(f"step={step!r} is neither mean nor sum", "--set step=sum")
    free, taken = free_rows(space.n, given, k)
    with threads() as pool:
        ahead = Lookahead(theirs, eta, pool, summed=step == "sum")
        if epsilon is None:
            found = look_ahead(ours, ahead, k, taken, every)
        else:
            count = draws(len(free), k, epsilon)
            found = look_at_some(ours, ahead, k, taken, every, np.random.default_rng(seed), count)
    facts = {
        "eta": ahead.eta,
        "passes": found.passes,
        "looked_at": round(found.looked_at / k, 1),
        "target": "given" if target is not None else "the samples themselves",
    }
    return Selection.of(found.rows, found.gains.astype(np.float32), facts=facts)


def plan_of_glister(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """The target's gradient once a pick, and a look at the samples that may have become the best."""
    target = size.target or size.n
    c = size.classes or size.width / 2  # c·d is at most a quarter of (c + d)²
    point = c * (size.width - c)
    updates = -(-k // max(int(options.get("every", 1)), 1))
    why = f"the gradient of {target} samples {updates} times"
    needs = 20.0 * target * size.width + 48.0 * point + 40.0 * size.n + 64.0 * 4096 * size.width
    return Plan(
        "direct", why, int(needs), 24.0 * updates * target * point
    )  # as measured: memory, not arithmetic


def _gradients(space: Space) -> GradientSpace:
    from prune.index.gradients import GradientSpace

    if not isinstance(space, GradientSpace):
        raise OptionError("glister follows the loss, and embeddings have none", "--on gradients")
    return space.under("euclidean")
