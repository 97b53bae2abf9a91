"""Progress of long work: the pipeline speaks to a `Reporter`, the command line draws it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

Advance = Callable[[int], None]


class Reporter(Protocol):
    """Where the pipeline sends what happens while it works."""

    def stage(self, what: str, total: int, unit: str = "samples") -> AbstractContextManager[Advance]:
        """Open a stage of `total` units; the value of the `with` statement is called as units are done."""

    def say(self, message: str) -> None:
        """Tell the user one fact: a warning, or a choice that was made for them."""


class Silent:
    """The reporter of the library: says nothing."""

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:  # noqa: ARG002
        """Do nothing."""
        yield lambda done: None  # noqa: ARG005

    def say(self, message: str) -> None:
        """Say nothing."""


class Timed:
    """Another reporter, and how long each stage took."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        """Time the stage; stages of one name add up."""
        began = time.perf_counter()
        with self.reporter.stage(what, total, unit) as advance:
            yield advance
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - began

    def say(self, message: str) -> None:
        """Pass the message on."""
        self.reporter.say(message)


class StagesOnly:
    """Another reporter, without what is said: where somebody else says it, or has said it."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def stage(self, what: str, total: int, unit: str = "samples") -> AbstractContextManager[Advance]:
        """Pass the stage on."""
        return self.reporter.stage(what, total, unit)

    def say(self, message: str) -> None:
        """Say nothing."""


class EachOnce:
    """Another reporter, which is told the same thing once: by several parts of a command, that look anew."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self._said = set[str]()

    def stage(self, what: str, total: int, unit: str = "samples") -> AbstractContextManager[Advance]:
        """Pass the stage on."""
        return self.reporter.stage(what, total, unit)

    def say(self, message: str) -> None:
        """Say what was not said yet."""
        if message not in self._said:
            self._said.add(message)
            self.reporter.say(message)


class Clock(Timed):
    """Seconds of each stage, and of the whole."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(reporter)
        self.began = time.perf_counter()

    def stop(self) -> dict[str, float]:
        """Return them, by stage and in `total`."""
        return {**self.seconds, "total": time.perf_counter() - self.began}


SILENT = Silent()
