"""A budget, and how it is split over classes: whole numbers that add up to exactly k."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Labels, Rows
from prune.core.errors import DataError, OptionError
from prune.core.selection import Selection, merge

Quota: TypeAlias = Literal["none", "proportional", "equal", "drop"]
Counts: TypeAlias = npt.NDArray[np.int64]  # (c,)
Errors: TypeAlias = npt.NDArray[np.float64]  # (c,), in [0, 1]: how often a class is mistaken

_STEPS = 2**40  # of an error between 0 and 1: budgets are exact for errors written in these


def keep_count(fraction: str | float, n: int) -> int:
    """Round ``fraction · n`` half up, exactly, from the decimal text; at least 1.

    ``0.29`` of 100 is 29, though the nearest float64 times 100 is below it. A float is read as it prints.

    Raises
    ------
    OptionError
        The fraction is not a number, not over 0, or over 1.
    ValueError
        There are no samples.
    """
    if n < 1:
        raise ValueError(f"cannot keep a fraction of {n} samples")
    text = str(fraction)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or not 0 < number <= 1:
        raise OptionError(
            f"--fraction must be over 0 and at most 1, not {text}",
            "--fraction 0.3 keeps three samples in ten",
        )
    if number.adjusted() < -30:  # its denominator might not fit in memory
        return 1
    return max(1, int(Fraction(number) * n + Fraction(1, 2)))


def share_count(share: float, n: int) -> int:
    """Round ``share · n`` half up, as `keep_count` does, but to 0 where the share is small."""
    return int(Fraction(Decimal(repr(float(share)))) * n + Fraction(1, 2))


def budgets(
    counts: Sequence[int] | Counts,
    k: int,
    kind: Quota,
    *,
    floor: int = 0,
    cap: int | None = None,
    errors: Errors | None = None,
) -> Counts:
    """Split k over classes of the given sizes, by largest remainders; ties by class.

    Parameters
    ----------
    counts : (c,)
        Samples in each class; zero is allowed.
    k
        In ``[0, Σ counts]``.
    kind
        ``proportional`` to the sizes, or ``equal``: classes too small for an equal share are kept whole, and
        what they leave is shared by the others; or ``drop``: the same with shares proportional to size times
        error, so that the fraction kept of a class is proportional to its error.
    floor
        No class gets fewer, unless it is smaller.
    cap
        No class gets more.
    errors : (c,)
        For ``drop``, in ``[0, 1]``. Classes without error get what the others have no room for.

    Returns
    -------
    (c,)
        Adds up to k; 0 ≤ budget ≤ count.

    Raises
    ------
    OptionError
        More than all samples are asked for, or floor and cap leave no way to reach k.
    ValueError
        `kind` splits nothing, a count is negative, or errors are missing or not in ``[0, 1]``.

    References
    ----------
    Vysogorets, Ahuja & Kempe, "DRoP: Distributionally Robust Data Pruning", ICLR 2025, arXiv:2404.05579.
    """
    sizes = np.asarray(counts, np.int64)
    if kind not in ("proportional", "equal", "drop"):
        raise ValueError(f"quota {kind!r} splits nothing; it is not proportional, equal or drop")
    if (sizes < 0).any():
        raise ValueError(f"a class has {sizes.min()} samples")
    if not 0 <= k <= sizes.sum():
        raise OptionError(f"cannot keep {k} of {sizes.sum()} samples")
    lower = np.minimum(sizes, floor)
    upper = sizes if cap is None else np.minimum(sizes, cap)
    _refuse_impossible(lower, upper, k, floor, cap)
    weights = sizes if kind == "proportional" else (sizes > 0).astype(np.int64)
    if kind == "drop":  # in whole numbers of any length
        weights = _of_errors(sizes, errors)
        lower, upper = lower.astype(object), upper.astype(object)
    level = _level(weights, lower, upper, k)
    shares = np.clip(level.numerator * weights, lower * level.denominator, upper * level.denominator)
    whole, remainder = shares // level.denominator, shares % level.denominator
    whole[np.argsort(-remainder, kind="stable")[: k - whole.sum()]] += 1
    return whole.astype(np.int64)


def _of_errors(sizes: Counts, errors: Errors | None) -> npt.NDArray[Any]:
    """Return size times error in steps, and one step more, so that a class without error comes last."""
    if errors is None or len(errors) != len(sizes):
        have = "none" if errors is None else len(errors)
        raise ValueError(f"quota drop wants an error for each of {len(sizes)} classes, not {have}")
    if not ((errors >= 0) & (errors <= 1)).all():
        raise ValueError(f"errors span [{errors.min()}, {errors.max()}], not a part of [0, 1]")
    steps = [int(n) * (round(e * _STEPS) + 1) for n, e in zip(sizes, errors.tolist(), strict=True)]
    return np.array(steps, object)


def groups(
    labels: Labels,
    candidates: Rows,
    k: int | None,
    quota: Quota,
    *,
    floor: int = 0,
    cap: int | None = None,
    errors: Errors | None = None,
) -> list[tuple[Rows, int | None]]:
    """Return the candidates of every class with the budget of each; classes that get nothing are left out.

    Parameters
    ----------
    labels : (n,)
        Class ids of all n samples; −1 where there is none.
    candidates : (m,)
        Rows to choose from.
    k
        In ``[1, m]``; None leaves every class without a budget.
    quota, floor, cap
        As `budgets` has them; with the quota ``none``, all candidates are one group.
    errors : (c,)
        For ``drop``, by class id.

    Raises
    ------
    OptionError
        k is above m, the budgets are impossible, there is a floor or a cap without a quota, or
        these or the quota `drop` without k.
    DataError
        The quota needs labels that some candidates do not have.
    """
    rows = np.asarray(candidates, np.int64)
    if k is not None and not 1 <= k <= len(rows):
        raise OptionError(f"cannot keep {k} of {len(rows)} samples")
    if quota == "none":
        if floor or cap is not None:
            raise OptionError("a floor or a cap is of classes", "--quota proportional, or equal")
        return [(rows, k)]
    if k is None and (floor or cap is not None or quota == "drop"):
        what = "--quota drop" if quota == "drop" else "a floor or a cap"
        raise OptionError(f"{what} splits a budget, and there is none", "--count or --fraction as well")
    own = np.asarray(labels)[rows]
    if missing := int((own < 0).sum()):
        have = "sample has" if missing == 1 else "samples have"
        raise DataError(f"--quota needs labels, {missing} {have} none", "--quota none")
    order = np.argsort(own, kind="stable")
    ids, starts, counts = np.unique(own[order], return_index=True, return_counts=True)
    members = [rows[order[start : start + count]] for start, count in zip(starts, counts, strict=True)]
    if k is None:
        return [(member, None) for member in members]
    own_errors = None if errors is None else errors[ids]
    split = budgets(counts, k, quota, floor=floor, cap=cap, errors=own_errors)
    return [(member, int(share)) for member, share in zip(members, split, strict=True) if share]


def select_under_quota(
    run: Callable[[Rows, int | None], Selection], shares: Sequence[tuple[Rows, int | None]]
) -> Selection:
    """Run a selector group by group, and interleave what it chose.

    Parameters
    ----------
    run
        Takes the rows of a group and a budget, and returns rows of the dataset.
    shares
        Rows and a budget each, from `groups`.

    Returns
    -------
    If `run` is nested, so is the result, nearly: a prefix
    holds of each class a prefix of its order, and its share within one sample.
    """
    chosen = [run(member, share) for member, share in shares]
    return chosen[0] if len(chosen) == 1 else merge(chosen)


def _refuse_impossible(lower: Counts, upper: Counts, k: int, floor: int, cap: int | None) -> None:
    if floor < 0:
        raise OptionError(f"a floor of {floor} is no number of samples", "--quota-floor 0")
    if cap is not None and cap < max(floor, 1):
        raise OptionError(
            f"a cap of {cap} is below the floor of {max(floor, 1)}", f"--quota-cap {max(floor, 1)}"
        )
    if lower.sum() > k:
        hint = f"--quota-floor {k // len(lower)}, or keep more"
        raise OptionError(f"a floor of {floor} takes {lower.sum()} samples, more than the {k} to keep", hint)
    if upper.sum() < k:
        hint = f"a higher --quota-cap, or --count {upper.sum()}"
        raise OptionError(f"a cap of {cap} allows {upper.sum()} samples, fewer than the {k} to keep", hint)


def _level(weights: Counts, lower: Counts, upper: Counts, k: int) -> Fraction:
    """Return λ with ``Σ clip(λ·weights, lower, upper) = k``: how high the water stands."""
    some = weights > 0
    w, low, high = weights[some], lower[some], upper[some]
    knots = sorted({Fraction(int(b), int(v)) for bound in (low, high) for b, v in zip(bound, w, strict=True)})
    if not knots:
        return Fraction(0)

    def filled(level: Fraction) -> Fraction:
        p, q = level.numerator, level.denominator
        return Fraction(int(np.clip(p * w, low * q, high * q).sum()), q)

    under, over = 0, len(knots)  # the lowest knot fills exactly the floors, which are at most k
    while over - under > 1:
        half = (under + over) // 2
        under, over = (half, over) if filled(knots[half]) <= k else (under, half)
    p, q = knots[under].numerator, knots[under].denominator
    rising = (p * w >= low * q) & (p * w < high * q)
    if not rising.any():
        return knots[under]
    settled = np.where(p * w < low * q, low, high)[~rising].sum()
    return Fraction(k - int(settled), int(w[rising].sum()))
