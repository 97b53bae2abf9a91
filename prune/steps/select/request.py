"""What the user asked `select` for, checked as far as words can be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from prune.core.arrays import Labels, Rows
from prune.core.errors import OptionError, UnknownNameError
from prune.core.method_rows import Selector
from prune.core.methods import find
from prune.core.quota import Quota
from prune.selectors import SELECTORS
from prune.steps.columns.expression import Condition
from prune.steps.select.by_class import checked_reweight
from prune.steps.select.partitions import require_partitions
from prune.steps.settings import Settings
from prune.steps.space_columns import GRADIENTS


@dataclass(frozen=True, kw_only=True)
class SelectRequest:
    """What the user asked `select` for."""

    method: str = "kcenter"
    fraction: str | float | None = None
    count: int | None = None
    score: str | None = None
    quota: str | None = None  # none, proportional, equal or drop; default: what the method is made for
    quota_floor: int = 0  # samples that a class keeps at least
    quota_cap: int | None = None  # and at most
    quota_errors: str | None = None  # a file: how often each class is mistaken, for drop
    by: str | None = None  # columns, with commas between: what the budget is split over instead of classes
    where: str | None = None  # a condition in SQL: only samples that meet it may be chosen
    drop_hardest: float | str | None = None  # a fraction, or auto; None: as the method would
    drop_by: str | None = None  # the score that says what is hardest; default: the one to select by
    on: str | None = None  # an embedding, proxy or gradients
    given: Sequence[str] = ()  # keys that are chosen already
    keeps: str | None = None  # an earlier selection that this one goes on from
    replace: bool = False  # whether others may take the place of what that kept
    target: str | None = None  # what to match: a dataset, another store, or a file of features
    target_split: str | None = None
    target_weights: str | None = None  # a file of one number a target sample
    reweight: str | None = None  # none, cluster or nnls
    within: str | None = None  # an earlier selection: only what it kept may be chosen
    drop_suspects: str | Sequence[str] | None = None  # `auto`, or keys: labels in doubt, which are left out
    drop_leaks: Sequence[str] = ()  # held-out datasets, of which no sample and no copy may be chosen
    drop_duplicates: bool = False  # whether copies of samples that stand before them are left out
    partitions: int | None = None  # chosen in each of so many, and then among what these kept
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        checked_reweight(self.reweight)
        if not checked_share(self.drop_hardest) and self.drop_by is not None:
            raise OptionError(f"--drop-by {self.drop_by} drops nothing", "--drop-hardest 0.1, or auto")
        if self.replace and self.keeps is None:
            raise OptionError("--replace is about what a selection kept", "--given SELECTION")
        if self.quota is not None:
            checked_quota(self.quota)
        self._check_columns()
        require_partitions(self.selector, self.partitions)
        if self.quota_errors is not None and self.quota != "drop":
            raise OptionError("--quota-errors is for one quota only", "--quota drop")
        if self.target is not None and not self.selector.takes("target"):
            known = ", ".join(name for name, method in SELECTORS.items() if method.takes("target"))
            raise OptionError(f"{self.method} matches no --target", f"methods that do: {known}")

        if self.target is None and "target" in self.selector.supplied:
            raise OptionError(f"{self.method} wants something to match", "--target DATA")
        if self.target_weights is not None and not self.selector.takes("target_weights"):
            raise OptionError(f"{self.method} weighs no target", "leave --target-weights out")

    def _check_columns(self) -> None:
        if self.by is not None and self.quota in {"none", "drop"}:
            splits = "splits nothing" if self.quota == "none" else "goes by errors of classes"
            what = f"--quota {self.quota} {splits}, and --by names {self.by}"
            raise OptionError(what, "--quota proportional")
        if self.by is not None and not all(self.split_by):
            raise OptionError(f"--by {self.by!r} lacks a column", "--by site, or --by label,site")
        if self.where is not None:
            _ = self.condition

    @property
    def split_by(self) -> list[str]:
        """The columns that the budget is split over; none: over classes, if at all."""
        return [] if self.by is None else [name.strip() for name in self.by.split(",")]

    @cached_property
    def condition(self) -> Condition | None:
        """What samples have to meet, read and checked."""
        return None if self.where is None else Condition(self.where)

    @property
    def columns(self) -> list[str]:
        """Columns of the dataset, or of samples, that it chooses by."""
        return list(dict.fromkeys([*self.split_by, *self.columns_in_sql]))

    @property
    def columns_in_sql(self) -> Sequence[str]:
        """Those of the condition."""
        return () if self.condition is None else self.condition.columns

    @property
    def selector(self) -> Selector:
        """The method, looked up."""
        return find("selector", self.method, SELECTORS)

    @property
    def uses_scores(self) -> bool:
        """Whether the method has a use for a score, be it only for one that is named."""
        return "scores" in self.selector.needs or self.selector.takes("scores")

    @property
    def goes_by_score(self) -> bool:
        """Whether a score decides: the method needs one, or has a use for the one that is named."""
        return "scores" in self.selector.needs or (self.selector.takes("scores") and self.score is not None)

    @property
    def drops_hardest(self) -> bool:
        """Whether the hardest samples are left out."""
        return bool(checked_share(self.drop_hardest))

    @property
    def needs_space(self) -> bool:
        """Whether samples are compared with one another."""
        return "space" in self.selector.needs or self.reweight in {"cluster", "nnls"}

    @property
    def needs_texts(self) -> bool:
        """Whether the method looks at the texts themselves."""
        return "texts" in self.selector.needs

    @property
    def on_gradients(self) -> bool:
        """Whether the samples are compared by their gradients."""
        return self.needs_space and (self.on or self.selector.on) == GRADIENTS

    def device(self, settings: Settings) -> str:
        """Where the arithmetic runs; methods without a space need no device."""
        return settings.torch_device if self.needs_space else "cpu"

    def split_over(self, labels: Labels, rows: Rows) -> Quota:
        """Return the quota asked for; else the method's own, where the samples have labels."""
        if self.by is not None:
            return checked_quota(self.quota or "proportional")
        return quota_of(self.selector, self.quota, labels[rows])


def keys_in(given: str | Path | Sequence[str] | None) -> list[str]:
    """Return the keys of a file, one a line; a list of keys is returned as it is.

    Raises
    ------
    OptionError
        There is no such file.
    """
    if given is None or not isinstance(given, str | Path):
        return list(given or ())
    try:
        lines = Path(given).read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"cannot read keys from {given}", "one key a line, as in keys.txt of a selection"
        ) from error
    return [key for key in (line.removesuffix("\r") for line in lines) if key]


def quota_of(method: Selector, asked: str | None, labels: Labels) -> Quota:
    """Return the quota asked for; else the method's own, where all samples have labels."""
    if asked is not None:
        return checked_quota(asked)
    labelled = bool(len(labels)) and bool((labels >= 0).all())
    return checked_quota(method.quota) if labelled else "none"


def checked_quota(quota: str) -> Quota:
    """Return a quota that exists, or raise `UnknownNameError`."""
    for known in get_args(Quota):
        if quota == known:
            return known
    raise UnknownNameError("quota", quota, get_args(Quota))


def checked_share(share: float | str | None) -> float | Literal["auto"]:
    """Return the share of the hardest to leave out; none is 0.

    Raises
    ------
    OptionError
        It is neither `auto` nor a number from 0 up to 1.
    """
    if share == "auto":
        return "auto"
    try:
        number = float(share or 0)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1:
        raise OptionError(
            f"--drop-hardest must be from 0 up to (not including) 1, not {share}", "or --drop-hardest auto"
        )
    return number


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def checked_name(name: str) -> str:
    """Return a name that can name a folder.

    Raises
    ------
    OptionError
        It cannot.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"--name {name!r} cannot name a selection",
            "use up to 64 letters, digits, dots, dashes and underscores",
        )
    return name
