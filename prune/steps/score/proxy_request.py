"""What is asked of proxies: how many runs, on which part of the samples, until when, by which folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from prune.core.errors import OptionError
from prune.core.option_words import option_words

MOST_RUNS = 10  # where runs are added until nothing changes, and nobody said how many at most


@dataclass(frozen=True, kw_only=True)
class ProxyRequest:
    """What `--runs`, `--until-stable`, `--on-fraction` and `--cross-fit` ask for; see `ProxyRequest.of`."""

    runs: int = 1  # ≥ 1; with `until_stable`, the most of them
    until_stable: float | None = None  # in (0, 1): a Spearman correlation at which nothing more is added
    on_fraction: str | None = None  # in (0, 1): part of the samples that is scored; the rest is filled in
    cross_fit: int | None = None  # ≥ 2: folds, each scored by a proxy that did not train on it
    training: tuple[str, ...] = ()  # what else was said of proxies, as the command has it
    fields: Mapping[str, Any] = field(default_factory=dict)  # and the fields of `Training` that were given
    said: frozenset[str] = frozenset()  # which of the first four were given
    drawn: int | None = None  # seed of parts and folds; None: that of the command

    @classmethod
    def of(
        cls,
        runs: int | None = None,
        until_stable: float | None = None,
        on_fraction: str | float | None = None,
        cross_fit: int | None = None,
    ) -> ProxyRequest:
        """Check what was asked; None stands for not asked.

        Raises
        ------
        OptionError
            A number is out of its range, or two options do not go together.
        """
        given = {
            "runs": runs,
            "until_stable": until_stable,
            "on_fraction": on_fraction,
            "cross_fit": cross_fit,
        }
        said = frozenset(name for name, value in given.items() if value is not None)
        if runs is None:
            runs = 1 if until_stable is None else MOST_RUNS
        if runs < 1:
            raise OptionError(f"--runs must be at least 1, not {runs}")
        if until_stable is not None and not 0 < until_stable < 1:
            raise OptionError(
                f"--until-stable must be over 0 and under 1, not {until_stable:g}",
                "--until-stable 0.95   # a Spearman correlation",
            )
        if cross_fit is not None and cross_fit < 2:
            raise OptionError(f"--cross-fit must be at least 2, not {cross_fit}", "--cross-fit 5")
        fraction = _fraction(on_fraction)
        if fraction is not None and cross_fit is not None:
            raise OptionError(
                "--cross-fit scores every sample, --on-fraction only some", "leave one of the two out"
            )
        if cross_fit is not None and until_stable is not None and runs == 1:
            raise OptionError(
                "--until-stable with one run stops a proxy early, but --cross-fit trains several",
                "--runs 5   # adds runs until the ranking no longer moves",
            )
        return cls(runs=runs, until_stable=until_stable, on_fraction=fraction, cross_fit=cross_fit, said=said)

    def with_training(self, given: Mapping[str, Any] | None) -> ProxyRequest:
        """Add what was said of how a proxy trains, as fields of `Training`; None stands for not said."""
        fields = {name: value for name, value in (given or {}).items() if value is not None}
        if fields.get("proxy") == "own":  # which is no proxy, but that none is to be trained
            del fields["proxy"]
        return replace(self, training=_training_words(given), fields=fields)

    @property
    def is_said(self) -> bool:
        """Whether anything was said of how to train."""
        return bool(self.said or self.fields)

    @property
    def words(self) -> list[str]:
        """What was asked for beyond one plain run, as the command has it."""
        asked = {
            f"--runs {self.runs}": self.runs > 1 and self.until_stable is None,
            f"--until-stable {self.until_stable}": self.until_stable is not None,
            f"--on-fraction {self.on_fraction}": self.on_fraction is not None,
            f"--cross-fit {self.cross_fit}": self.cross_fit is not None,
        }
        return [*(option for option, is_given in asked.items() if is_given), *self.training]

    def require_none(
        self, why: str, words: Sequence[str] = (), hint: str = "leave it out; --proxy resnet8 trains a proxy"
    ) -> None:
        """Raise OptionError where more was asked for than one plain run, or any of `words`."""
        given = [*self.words, *words]
        if given:
            raise OptionError(f"{' '.join(given)}: {why}", hint)

    def require_comparable(self, names: Sequence[str]) -> None:
        """Refuse folds for scores that compare samples: what different proxies make of them does not compare.

        Raises
        ------
        OptionError
            There are such scores.
        """
        if names and self.cross_fit is not None:
            of_store = "cross_fit" not in self.said
            raise OptionError(
                f"{', '.join(names)} compares samples by what one proxy makes of them, but --cross-fit "
                f"{self.cross_fit} {'has trained' if of_store else 'trains'} several",
                f"prune score --type {','.join(names)} --on-fraction 1   # trains one on all samples"
                if of_store
                else "leave --cross-fit out, or that score",
            )

    @property
    def stops_epochs(self) -> bool:
        """Whether it is epochs that are added until nothing changes: with one run there is nothing else."""
        return self.until_stable is not None and self.runs == 1

    @property
    def stops_runs(self) -> bool:
        """Whether it is runs."""
        return self.until_stable is not None and self.runs > 1


def _training_words(training: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what is said of how a proxy trains, as the command has it; not which, its images and seed."""
    given = {k: v for k, v in (training or {}).items() if v is not None and k not in _OF_OTHERS}
    return tuple(" ".join(option_words({name: value})) for name, value in given.items())


_OF_OTHERS = {"proxy", "size", "seed"}


def _fraction(given: str | float | None) -> str | None:
    """Return a fraction in one spelling; None where it is all."""
    if given is None:
        return None
    text = given if isinstance(given, str) else repr(float(given))
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not (number.is_finite() and 0 < number <= 1) or number.adjusted() < -30:
        raise OptionError(
            f"--on-fraction must be over 0 and at most 1, not {text}",
            "--on-fraction 0.25   # trains on and scores a quarter of the samples",
        )
    return None if number == 1 else f"{number.normalize():f}"
