"""What `check` is asked for: conditions by the names of their options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from prune.core.errors import OptionError, UnknownNameError

EXAMPLES = {  # of each condition: how it is typed, and what it asks
    "min_delta": ("--min-delta -0.2", "accuracy, in points above random sets of the same size"),
    "min_per_class": ("--min-per-class 50", "kept samples of every class"),
    "max_class_shift": ("--max-class-shift 0.1", "share of kept samples that moved between classes"),
    "max_duplicates": ("--max-duplicates 0.01", "share of kept samples that are copies of others"),
    "no_leak": ("--no-leak test/", "no kept sample is one of a held-out dataset, or a copy"),
    "max_suspects": ("--max-suspects 0.02", "share (below 1) or number of kept labels in doubt"),
    "churn": ("--churn LAST 0.2", "share of kept samples that an earlier selection did not keep"),
}


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """Conditions; None where one is not asked for."""

    min_delta: float | None = None
    min_per_class: int | None = None
    max_class_shift: float | None = None
    max_duplicates: float | None = None
    no_leak: Sequence[str] = ()  # held-out datasets
    max_suspects: float | None = None  # a share below 1, or a number of samples
    churn: tuple[str, float] | None = None  # an earlier selection, and the share that may differ from it

    probe: bool = False  # whether --min-delta may go by a linear probe

    def __post_init__(self) -> None:
        if self.min_delta is not None and not math.isfinite(self.min_delta):
            raise OptionError(f"--min-delta must be a number, not {self.min_delta}", _typed("min_delta"))
        if self.probe and self.min_delta is None:
            raise OptionError("--probe is for one condition only", f"--probe {_typed('min_delta')}")
        if self.min_per_class is not None and self.min_per_class < 1:
            raise OptionError(
                f"--min-per-class must be at least 1, not {self.min_per_class}", _typed("min_per_class")
            )
        shares = {name: getattr(self, name) for name in ("max_class_shift", "max_duplicates")}
        shares["churn"] = None if self.churn is None else self.churn[1]
        for name, share in shares.items():
            if share is not None and not 0 <= share <= 1:
                raise OptionError(f"{_option(name)} must be from 0 to 1, not {share:g}", _typed(name))
        most = self.max_suspects
        if most is not None and not (0 <= most < 1 or (most >= 1 and most == int(most))):
            raise OptionError(
                f"--max-suspects must be a share below 1 or a whole number, not {most:g}",
                _typed("max_suspects"),
            )

    @classmethod
    def of(cls, conditions: Mapping[str, Any]) -> CheckRequest:
        """Return the conditions of a mapping: names of options, with dashes or underscores.

        Raises
        ------
        UnknownNameError
            A name is no condition.
        OptionError
            A value makes no sense.
        """
        known = {field.name for field in fields(cls)}
        values = {name.replace("-", "_"): value for name, value in conditions.items()}
        for name in values:
            if name not in known:
                raise UnknownNameError("condition", name, known)
        leak, churn = values.get("no_leak"), values.get("churn")
        if isinstance(leak, str):
            values["no_leak"] = [leak]
        if churn is not None:
            values["churn"] = _churn(churn)
        return cls(**{name: _checked(name, value) for name, value in values.items() if value is not None})

    @property
    def asked(self) -> list[str]:
        """The conditions that are asked for, in the order of the table."""
        return [name for name in EXAMPLES if getattr(self, name) not in (None, ())]

    def limits(self, name: str) -> Sequence[Any]:
        """Return the limits of a condition that is asked for: one, mostly."""
        value = getattr(self, name)
        return list(value) if name == "no_leak" else [value]

    def titled(self, name: str, limit: Any) -> tuple[str, float]:
        """Return how a condition is typed, but for its number, and the number."""
        option = _option(name)
        if name == "no_leak":
            return f"{option} {limit}", 0
        return (f"{option} {limit[0]}", limit[1]) if name == "churn" else (option, limit)

    def require_some(self) -> None:
        """Raise `OptionError`, which lists the conditions, where none is asked for."""
        if not self.asked:
            listed = ", ".join(typed for typed, _ in EXAMPLES.values())
            raise OptionError(f"check wants conditions; there are {listed}", "prune check --min-per-class 50")


def _churn(value: Any) -> tuple[str, float]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2:
        raise OptionError(f"churn wants an earlier selection and a share, not {value!r}", _typed("churn"))
    return str(value[0]), _number("churn", value[1])


def _checked(name: str, value: Any) -> Any:
    if name in {"churn", "probe"}:
        return value
    if name == "no_leak":
        return tuple(str(one) for one in value)
    number = _number(name, value)
    if name == "min_per_class":
        if number != int(number):
            raise OptionError(f"{_option(name)} must be a whole number, not {value}", _typed(name))
        return int(number)
    return number


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{_option(name)} must be a number, not {value!r}", _typed(name)) from error


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _typed(name: str) -> str:
    return EXAMPLES[name][0]
