"""What the user asked `evaluate` for, checked as far as words can be."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.errors import OptionError
from prune.core.methods import whole
from prune.core.option_words import option_words
from prune.core.quota import keep_count
from prune.steps.settings import DEFAULTS, Settings

USUAL_SEEDS, SEEDS_OF_A_CHOICE, MOST_SEEDS = 3, 5, 1000
_SETTINGS = ("seed", "device", "on_error", "max_bad")


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """What the user asked `evaluate` for."""

    test: str | None = None  # None: what the store holds out
    test_split: str | None = None
    test_labels: str | None = None
    select: Sequence[str] = ()
    fractions: Sequence[str] = ()
    seeds: int = USUAL_SEEDS
    choose: bool | None = None  # among a few selections, or those named
    model: str | None = None
    on: str | None = None
    size: int | None = None
    steps: int | None = None
    epochs: int | None = None
    batch: int | None = None
    peak_lr: float | None = None
    flip: bool | None = None
    probe: bool | None = None  # instead of a network
    label_noise: float | None = None

    @classmethod
    def of(cls, *, select: Any, fractions: Any, **given: Any) -> EvaluateRequest:
        """Return it of what a caller gave: single values for lists, numbers for words.

        Raises
        ------
        OptionError
            A number is out of its range.
        """
        one = [select] if isinstance(select, str) else list(select or ())
        shares = [fractions] if isinstance(fractions, str | float | int) else list(fractions or ())
        texts = [_fraction(word) for share in shares for word in str(share).replace(",", " ").split()]
        seeds = given.pop("seeds")
        given["seeds"] = usual_seeds(choose=given["choose"]) if seeds is None else seeds
        asked = cls(select=one, fractions=list(dict.fromkeys(texts)), **given)
        for name in ("seeds", "steps", "epochs", "size", "batch"):
            value = getattr(asked, name)
            if value is not None:
                whole(value, name)
        if asked.choose and not texts:
            raise OptionError(
                "--choose wants to know how much to keep", "--fraction 0.3   # or several: 0.1,0.3"
            )
        if asked.probe:
            asked.require_no_training()
        if not 1 <= asked.seeds <= MOST_SEEDS:
            raise OptionError(f"--seeds must be from 1 to {MOST_SEEDS}, not {asked.seeds}", "--seeds 3")
        rate = asked.label_noise
        if rate is not None and not 0 <= rate < 1:
            raise OptionError(
                f"--label-noise must be from 0 up to (not including) 1, not {rate}",
                "--label-noise 0.1   # makes one label in ten wrong",
            )
        return asked

    def require_no_training(self) -> None:
        """Refuse what is said of a network where a probe takes its place."""
        for name in ("model", "size", "steps", "epochs", "batch", "peak_lr", "flip"):
            value = getattr(self, name)
            if value is not None:
                words = option_words({name: value}) if name != "size" else ["--size", str(value)]
                raise OptionError(
                    f"--probe trains no network, so {' '.join(words)} has no meaning", "leave one of them out"
                )

    def command(self, settings: Settings) -> str:
        """Return `prune evaluate …` as one would type it again."""
        asked = dict(vars(self))
        if asked["seeds"] == usual_seeds(choose=self.choose):
            del asked["seeds"]
        size = asked.pop("size")
        for name in _SETTINGS:
            if getattr(settings, name) != getattr(DEFAULTS, name):
                asked[name] = getattr(settings, name)
        words = ["prune", "evaluate", *option_words(asked), *([] if size is None else ["--size", str(size)])]
        return shlex.join(words)


def usual_seeds(*, choose: bool | None) -> int:
    """Return how many trainings each set gets: more where a choice is made, since its level is stricter."""
    return SEEDS_OF_A_CHOICE if choose else USUAL_SEEDS


def _fraction(text: str) -> str:
    """Return a fraction in its shortest form: 0.30 and .3 are one."""
    if keep_count(text, 10**9) >= 10**9:
        raise OptionError(
            f"--fraction {text} keeps everything, which is trained beside in any case", "--fraction 0.3"
        )
    from decimal import Decimal

    return f"{Decimal(text).normalize():f}"
