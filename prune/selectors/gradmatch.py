"""Gradient matching: few samples whose weighted gradients sum up to the gradient of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.safe_text import size as amount
from prune.core.selection import Selection
from prune.index.given import free_rows, taking_part
from prune.index.resource_plan import Plan, Size, size_of
from prune.index.space import Space, Sums

if TYPE_CHECKING:
    from prune.index.space import Vector
    from prune.optimizers.pursuit import CorrelationSource
    from prune.optimizers.pursuit_atoms import Atoms


def gradmatch(
    space: Space,
    keys: Sequence[str],
    /,
    *,
    k: int,
    seed: int,
    lam: float = 0.01,
    tolerance: float = 1e-4,
    batch: int = 1,
    given: Rows | None = None,
    among: Rows | None = None,
    target: Space | None = None,
    target_weights: Sums | None = None,
) -> Selection:
    """Orthogonal matching pursuit of ``b = Σ gᵢ`` with weights ``w ≥ 0``: ``Σ wⱼ gⱼ ≈ b``.

    Each step takes the sample with the largest ``⟨gⱼ, r⟩``, where ``r = b − Σ wⱼ gⱼ`` is what is left, and
    fits all weights anew: the least ``‖b − Σ wⱼ gⱼ‖² + lam·γ·‖w‖²`` over ``w ≥ 0``, with γ the mean of
    ‖gⱼ‖². ‖r‖ never rises: where the ridge would make it, by spreading the weight, `lam` is halved from that
    step on, as often as it takes, and the weights are the optimum for what it has become.

    When r is within the tolerance, or no sample correlates with it any more, the rest of the budget is filled
    with the samples that have the largest ``⟨gⱼ, b⟩``, ties by the hash of seed and key: late in training
    many gradients are zero, and by row these would be those of the first classes. Filled samples weigh 1 each
    (or ¼, 1/16, … where r would rise), the others at least as much, fitted to the rest of b with hardly a
    ridge. A pursued sample whose best weight is 0 (`idle`) weighs 1e-6, or, where some are filled, as much as
    those.

    Good for training on a weighted subset with the model whose gradients these are, or one like it: the step
    that the subset suggests is the step of the whole dataset. Bad at variety for its own sake, under a model
    that is far from the one that will be trained, and wherever the weights are thrown away. When samples are
    many more than dimensions the residual is small early on, and further samples add little: ask for fewer.

    Time O(n²·width + n·k²), memory 8·(n² + n·k + 2·k²) bytes while that fits in half of the memory
    allowed (`dense`). Otherwise, and for a few large groups, one pass over the gradients a step (`direct`):
    time O(n·k·c·d + k³), memory O(n + k²). Gradients themselves are never formed. Class by class
    (`--quota proportional`, the default), n and k are those of one class.

    Parameters
    ----------
    space
        n gradients, or any other vectors.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the draw between samples to fill with.
    lam
        The ridge, relative to the mean squared norm: at least 0. More spreads the weight more evenly over
        more samples and leaves a larger residual.
    tolerance
        Of ‖r‖ / ‖b‖, in ``[0, 1)``.
    batch
        Choose groups of so many consecutive samples, a group's gradient being the sum of its samples'; the
        last group taken is cut so that exactly k samples are kept.
    given
        Positions of samples that are kept already: they are in the sum from the start, with weights that are
        fitted like the others', and are not returned. Only with ``batch=1``.
    among
        Positions that may be chosen, where not all may: the others are in the sum only.
    target, target_weights
        Match the weighted sum of these gradients, such as a validation set's, scaled to n samples. Weights
        are at least 0, and not all 0.

    Returns
    -------
    Weights are positive, in samples: 1 stands for itself. Gains are the drops of ‖r‖² at each step as parts
    of ‖b‖², at least 0, without what the given samples took off it; 0 where filled. Facts: ``residual``
    ‖r‖ / ‖b‖ at the end (before the last group is cut), ``pursued`` and ``filled`` samples, ``idle`` groups
    that were pursued but lost their weight to later ones, ``stop`` (budget, tolerance, exhausted), ``rule``
    of filling, ``lam``, and ``lam_at_the_end`` for which the weights are best, ``mode``.

    Raises
    ------
    OptionError
        An option is out of range, the target has other dimensions or weights that are negative or all 0, or
        memory is short.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Killamsetty, Durga S, Ramakrishnan, De & Iyer, "GRAD-MATCH: Gradient Matching based Data Subset Selection
    for Efficient Deep Model Training", ICML 2021, arXiv:2103.00123.

    Differs: `lam` is relative, so that the unit of the loss does not matter, and falls where the residual
    would rise; weights are the non-negative optimum at every step, not cut off at 0; b is the sum, so that
    weights count samples.
    """
    from prune.optimizers.pursuit_atoms import Atoms

    _, taken = free_rows(space.n, given, k)
    if among is not None and len(among) + len(taken) < space.n:
        part, own = taking_part(space.n, taken, among)
        more: Mapping[str, Any] = {"target": target or space, "target_weights": target_weights}
        more = {**more, "lam": lam, "tolerance": tolerance, "batch": batch, "seed": seed}
        found = gradmatch(space.subset(part), [keys[int(row)] for row in part], k=k, given=own, **more)
        scale = np.float32(space.n / len(part))  # the sum to be matched was one of so many
        return Selection.of(part[found.rows], found.gains, found.weights * scale, found.facts)
    _require(lam, tolerance, batch, len(taken))
    size = size_of(space, len(taken), 0 if target is None else target.n)
    plan = plan_of_gradmatch(size, k, {"batch": batch})
    if plan.bytes > space.memory:
        raise OptionError(
            f"gradmatch of {k} samples needs {amount(plan.bytes)}, but may use {amount(space.memory)}",
            "--quota proportional, or --set batch=100",
        )
    atoms = Atoms(space, batch)
    source = _source(plan.mode, atoms, k + len(taken), _goal(space, target, target_weights))
    lot = lots([keys[int(row)] for row in atoms.starts], str(seed))
    chosen, gains, weights, facts = _pursued(atoms, source, k, (lam, tolerance), taken, lot)
    facts |= {"lam": lam, "mode": plan.mode}
    return Selection.of(chosen, gains, weights, facts)


def plan_of_gradmatch(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """All inner products if half of the memory holds them, else a pass over all for each one taken."""
    batch = max(int(options.get("batch", 1)), 1)
    m, t = -(-size.n // batch), min(-(-k // batch) + 1 + size.given, size.n)
    c = size.classes or size.width / 2  # c·d is at most a quarter of (c + d)²
    point = c * (size.width - c) if size.gradients else size.width
    fit, rows = 16.0 * t * t, 24.0 * min(size.n, 4096) * size.width
    dense = 8.0 * m * (m + t) + fit + rows + 16.0 * min(size.n, 2048) ** 2
    products, passes = 2.0 * size.n**2 * size.width, 2.0 * t * size.n * point
    fits, few = dense <= size.memory / 2, batch > 1 and passes < products
    if fits and not few:
        return Plan("dense", f"{m} × {m} products fit", int(dense), products + 2.0 * m * t**2 + t**3)
    reason = f"{t} passes cost less than {size.n} × {size.n} products" if fits else f"{m} × {m} do not fit"
    return Plan("direct", reason, int(fit + rows + 24.0 * point + 40.0 * size.n), passes + t**3)


def _require(lam: float, tolerance: float, batch: int, given: int) -> None:
    if not 0 <= lam < np.inf:
        raise OptionError(f"lam={lam} is not a finite number of at least 0", "--set lam=0.01")
    if not 0 <= tolerance < 1:
        raise OptionError(f"tolerance={tolerance} is not in [0, 1)", "--set tolerance=0.0001")
    if batch < 1:
        raise OptionError(f"batch={batch} is not a number of samples", "--set batch=1")
    if batch > 1 and given:
        raise OptionError(
            f"batch={batch} keeps whole groups, which the {given} given samples would split", "--set batch=1"
        )


def _goal(space: Space, target: Space | None, weights: Sums | None) -> Vector | None:
    from prune.index.target_weights import weights_of_target

    if target is None:
        return None
    ours = (getattr(space, "c", 1), space.width)
    theirs = (getattr(target, "c", 1), target.width)
    if ours != theirs:
        raise OptionError(
            f"the target has {theirs[1]} numbers a sample, where the samples have {ours[1]}",
            "embed or score both with the same network",
        )
    counts = weights_of_target(weights, target.n)
    return target.sum(counts) * (space.n / float(counts.sum()))


def _source(mode: str, atoms: Atoms, k: int, goal: Vector | None) -> CorrelationSource:
    from prune.optimizers.pursuit import AllProducts, Direct, most_atoms

    if mode == "direct":
        return Direct(atoms, goal)
    return AllProducts(atoms, goal, most_atoms(len(atoms), k, atoms.batch))


def _pursued(
    atoms: Atoms, source: CorrelationSource, k: int, terms: tuple[float, float], given: Rows, lot: Array
) -> tuple[Rows, Array, Array, dict[str, Any]]:
    from prune.optimizers.pursuit import pursue
    from prune.optimizers.pursuit_fill import RULE, fillers, shared

    lam, tolerance = terms
    sizes, g = atoms.sizes(np.arange(len(atoms))), len(given)
    unit = float(source.squares.mean())
    found = pursue(source, sizes, k, lam * unit, tolerance, given)
    filled = fillers(source, found.atoms, sizes, k + g, lot)
    weights, error = shared(atoms, source, found, filled, tolerance, g)
    chosen = np.concatenate([found.atoms[g:], filled])
    drops = np.concatenate([found.drops[g:], np.zeros(len(filled))]) / sizes[chosen]
    rest = max(k - int(sizes[found.atoms[g:]].sum()), 0)
    facts = {
        "residual": float(np.sqrt(error / source.goal)) if source.goal > 0 else 0.0,
        "pursued": k - rest,
        "filled": rest,
        "idle": int((found.weights[g:] <= 0).sum()),
        "stop": found.stop,
        "rule": RULE,
        "lam_at_the_end": lam * 0.5**found.lowered if found.ridge > 0 else 0.0,
    }
    gains, weighted = (np.repeat(part, sizes[chosen])[:k].astype(np.float32) for part in (drops, weights[g:]))
    return atoms.rows(chosen)[:k], gains, weighted, facts
