"""The page that `--help` shows: options in groups, then examples. Plain text, as wide as the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from prune.commands.examples import CHAIN, EXAMPLES
from prune.commands.options import GROUPS, RUN
from prune.commands.output_schema import schema_option
from prune.commands.plain_values import take_plain_values
from prune.commands.usage import swallowed

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 10_000}
_COLUMN = 30  # widest first column; what is longer has its text on the next line


class Command(TyperCommand):
    """A verb, whose options are listed by their `rich_help_panel`, without drawing boxes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params.append(schema_option())

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group, all with the same first column."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for param in self.get_params(ctx):
            record: tuple[str, str] | None = param.get_help_record(ctx)
            if record is None:
                continue
            name = param.metavar or param.name.upper() if param.param_type_name == "argument" else record[0]
            group = getattr(param, "rich_help_panel", None) or RUN
            groups.setdefault(group, []).append((name, record[1]))
        names = [name for rows in groups.values() for name, _ in rows]
        wide = max((len(name) for name in names if len(name) <= _COLUMN), default=0)
        for group, rows in groups.items():
            if not rows:
                continue
            with formatter.section(_heading(group)):
                formatter.write_dl([(name.ljust(wide), about) for name, about in rows], col_max=_COLUMN)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as it is called
        """Write the examples."""
        _write_examples(formatter, EXAMPLES.get(self.name or "", ()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; the name of a method is not taken for a dataset that is not there."""
        typed = [self.name or "", *args]
        take_plain_values(self.get_params(ctx))
        rest = super().parse_args(ctx, args)
        data = ctx.params.get("data")
        if isinstance(data, str) and ctx.parent and not ctx.resilient_parsing:
            wrong = swallowed(typed, ctx.parent.command, data)
            if wrong:
                raise wrong
        return rest


class Group(TyperGroup):
    """The list of verbs."""

    command_class = Command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as it is called
        """Write every verb with the whole sentence about it."""
        rows = [(name, (verb.help or "").partition("\n\n")[0]) for name, verb in self.commands.items()]
        with formatter.section(_heading("Commands")):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as it is called
        """Write the chain."""
        _write_examples(formatter, CHAIN)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what stands before the verb."""
        take_plain_values(self.get_params(ctx))
        return super().parse_args(ctx, args)


class VerbTable(Mapping[str, Any]):
    """Verbs by name; the options of one are made when it is asked for, which takes typer 3 ms each.

    Parameters
    ----------
    verbs
        Their functions.
    """

    def __init__(self, verbs: Iterable[Callable[..., None]]) -> None:
        self._functions = {verb.__name__: verb for verb in verbs}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(cls=Command, context_settings=SETTINGS)(self._functions[name])
            self._made[name] = typer.main.get_command(alone)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


def _write_examples(formatter: Any, examples: Sequence[tuple[str, str]]) -> None:
    """Write a line of words above each command; commands are never wrapped."""
    if not examples:
        return
    with formatter.section(_heading("Examples")):
        for words, command in examples:
            formatter.write(f"  # {words}\n  {command}\n")


def _heading(text: str) -> str:
    return typer.style(text, bold=True) if _draws_bold() else text


def _draws_bold() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ
