"""Protocol: how long a target is trained on each set, so that sets of several sizes can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prune.core.errors import OptionError
from prune.core.safe_text import counted, duration

USUAL_EPOCHS = 10  # of everything, whose steps every set gets unless something else is said


@dataclass(frozen=True)
class Protocol:
    """Equal steps for every set, or equal epochs, each with a schedule of its own."""

    kind: Literal["steps", "epochs", "fit"]
    count: int
    batch: int  # samples of a step, the same for every set that has so many

    @classmethod
    def of(cls, *, steps: int | None, epochs: int | None, everything: int, batch: int) -> Protocol:
        """Return the protocol that was asked for.

        By default every set is trained for the steps of 10 epochs of everything: the small set is seen more
        often, as it would be by whoever has it. With equal epochs a set of a tenth gets a tenth of the steps,
        and what is compared is then how far a short training gets.

        Parameters
        ----------
        everything
            Samples that could be trained on.
        batch
            Samples of a step, as the network is usually trained; of few samples smaller, so that an epoch of
            everything has 16 steps.

        Raises
        ------
        OptionError
            Both were asked for, or none of it.
        """
        if steps is not None and epochs is not None:
            raise OptionError("--steps and --epochs are two protocols", "give one of them")
        batch = min(batch, max(_FEW, everything // _FEW))
        count = epochs if epochs is not None else steps
        if count is not None and count < 1:
            name = "epochs" if epochs is not None else "steps"
            raise OptionError(f"--{name} must be at least 1, not {count}", f"--{name} 10")
        if epochs is not None:
            return cls("epochs", epochs, batch)
        return cls("steps", USUAL_EPOCHS * _epoch(everything, batch) if steps is None else steps, batch)

    def steps(self, n: int) -> int:
        """Return the steps of a set of n samples."""
        return self.count if self.kind != "epochs" else self.count * _epoch(n, self.batch)

    def samples(self, n: int) -> int:
        """Return how many samples the steps of a set of n look at, with the last epoch as far as it goes."""
        ends = _ends(n, self.batch)
        epochs, more = divmod(self.steps(n), len(ends))
        return epochs * n + (ends[more - 1] if more else 0)

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return {"kind": self.kind, "count": self.count, "batch": self.batch}

    @property
    def in_short(self) -> str:
        """What stands in a row of a table."""
        return f"equal {self.kind}: {self.count}"

    @property
    def when_tested(self) -> str:
        """When accuracy is measured, to follow "accuracy"."""
        return " after the last step"

    def foretold(self, expected: Mapping[str, Any]) -> str:
        """Say how much is left to train, and how long that takes."""
        cells, steps = expected["cells"], expected["steps"]
        each = f"{steps // cells:,} steps each" if steps % cells == 0 else f"{steps:,} steps in all"
        return (
            f"{counted(cells, 'cell')} to train, {each}, {expected['seconds_a_step']:.3g} s a step: "
            f"about {duration(expected['seconds'])}"
        )

    def __str__(self) -> str:
        return f"equal {self.kind}, {self.count:,} {'each' if self.kind == 'steps' else 'of each set'}"


@dataclass(frozen=True)
class FitProtocol(Protocol):
    """A fit to its end, which has no steps and no epochs: one look at every sample of a set."""

    kind: Literal["steps", "epochs", "fit"] = "fit"
    count: int = 1
    batch: int = 1  # samples of a step of the same set, were it trained on

    def samples(self, n: int) -> int:
        """Return how many samples a fit looks at."""
        return n

    @property
    def in_short(self) -> str:
        """What stands in a row of a table."""
        return str(self)

    @property
    def when_tested(self) -> str:
        """Nothing: there is no step to be the last."""
        return ""

    def foretold(self, expected: Mapping[str, Any]) -> str:
        """Say how much is left to fit, and how long that takes."""
        return f"{counted(expected['cells'], 'probe')} to fit: {duration(expected['seconds'])} at most"

    def __str__(self) -> str:
        return "fitted to the end"


def protocol_of(recipe: Mapping[str, Any]) -> Protocol:
    """Return the protocol that a recipe tells of."""
    kind = FitProtocol if recipe["kind"] == "fit" else Protocol
    return kind(recipe["kind"], recipe["count"], recipe["batch"])


_FEW = 16  # as the proxy is trained: steps of an epoch, and samples of a step, of a small dataset


def _epoch(n: int, batch: int) -> int:
    return len(_ends(n, batch))


def _ends(n: int, batch: int) -> list[int]:
    from prune.proxy.training_length import TrainingLength  # loads torch

    return TrainingLength(1, batch).ends(n)
