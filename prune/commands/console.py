"""Progress on standard error: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import typer

from prune.core.progress import SILENT, Advance, Reporter
from prune.core.safe_text import duration, number, printable

_EVERY = 10.0  # seconds between lines, where there is no terminal


class Lines:
    """Progress as lines on standard error, for logs."""

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        """Print a line every ten seconds, and one at the end of a stage that took longer."""
        began = last = time.monotonic()
        done = said = 0

        def advance(count: int) -> None:
            nonlocal done, said, last
            done += count
            now = time.monotonic()
            if now - last >= _EVERY:
                last, said = now, done
                self._line(what, done, total, unit, now - began)

        yield advance
        if last > began and said < done:
            self._line(what, done, total, unit, time.monotonic() - began)

    def say(self, message: str) -> None:
        """Print one line."""
        typer.echo(printable(message), err=True)

    def _line(self, what: str, done: int, total: int, unit: str, seconds: float) -> None:
        rate = done / seconds if seconds else 0
        of = f" of {number(total)}" if total else ""
        left = f", {duration((total - done) / rate)} left" if rate and total > done else ""
        typer.echo(f"{what}: {number(done)}{of} {unit}, {rate:,.0f}/s{left}", err=True)


class Bars(Lines):
    """Progress as a bar with rate and time left, for terminals."""

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        """Draw a bar that goes away when the stage is done."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.text import Text

        class Rate(TextColumn):
            def render(self, task: Any) -> Text:
                return Text(f"{task.speed or 0:,.0f} {unit}/s")

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        with Progress(*columns, Rate(""), TimeRemainingColumn(), console=console, transient=True) as progress:
            task = progress.add_task(printable(what), total=total or None)
            yield lambda count: progress.advance(task, count)


def reporter(*, quiet: bool) -> Reporter:
    """Return a bar for a terminal, lines for a log, silence when asked."""
    if quiet:
        return SILENT
    return Bars() if sys.stderr.isatty() else Lines()


def noting(result: dict[str, Any], what: str, lines: list[str]) -> list[str]:
    """Return the lines to print, after one that says so where nothing was changed."""
    return [f"unchanged: {what}", *lines] if result.get("unchanged") else lines


def finish(result: dict[str, Any], lines: list[str], *, as_json: bool, quiet: bool = False) -> None:
    """Print what a command did: one JSON object, or a few lines."""
    if as_json:
        typer.echo(json.dumps(result, sort_keys=True))
    elif not quiet:
        for line in lines:
            typer.echo(printable(line))
