"""Errors of usage in our two lines: what is wrong, with the word; and the command that was meant.

The parser has its own errors and its own wording. typer shows their base, `typer.TyperException`, and
`typer.BadParameter`; the others are told apart by what they carry (`option_name`, `possibilities`).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from typing import Any

import typer

from prune.commands.corrections import Line
from prune.commands.examples import VALUES
from prune.core.errors import OptionError

_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}


def in_two_lines(error: typer.TyperException, words: Sequence[str], root: Any) -> OptionError:
    """Return the error as ours.

    Parameters
    ----------
    words
        What was typed behind `prune`.
    root
        The list of commands, as the parser knows it.
    """
    line = Line(words, root)
    if line.command is None:
        return _no_command(line)
    name = getattr(error, "option_name", None)
    if name is not None and hasattr(error, "possibilities"):
        return _no_option(line, name)
    if name is not None:
        return _no_value(line, name, error.message)
    param = getattr(error, "param", None)
    if param is not None and hasattr(error, "param_type"):
        return _left_out(line, param)
    if param is not None:
        return _bad_value(line, param, error.message)
    return _stray(line, error.message)


def _no_command(line: Line) -> OptionError:
    early = line.early
    if early:  # an option before the verb
        return OptionError(f"{early} stands before the command", line.verb_first())
    word = line.first
    if word is None:
        return OptionError("prune wants a command", "prune --help")
    near = difflib.get_close_matches(word, line.verbs, n=1, cutoff=0.5)
    return OptionError(f"prune has no command {word!r}", line.meant_by(word, near[0] if near else None))


def _no_option(line: Line, name: str) -> OptionError:
    typed = line.as_typed(name)
    return OptionError(f"prune {line.verb} has no option {typed}", line.with_option_meant(typed))


def _no_value(line: Line, name: str, message: str) -> OptionError:
    if "does not take" in message:
        return OptionError(f"{name} takes no value", line.replaced(line.as_typed(name, whole=True), name))
    value = VALUES.get(name) or line.default(name)
    hint = line.with_words(name, value) if value else line.help
    return OptionError(f"{name} wants a value", hint)


def _left_out(line: Line, param: Any) -> OptionError:
    name = param.opts[0] if param.param_type_name == "option" else line.argument
    hint = line.placed()[0] if len(line.loose) > line.places else line.complete()
    return OptionError(f"prune {line.verb} wants {name}", hint)


def _bad_value(line: Line, param: Any, message: str) -> OptionError:
    name = next((o for o in (*param.opts, *param.secondary_opts) if line.has(o)), param.opts[0])
    value = line.value_of(name)
    choices = [str(getattr(c, "value", c)) for c in param.type_descriptor.choices or ()]
    kind = f"one of {', '.join(choices)}" if choices else _KINDS.get(param.type_descriptor.annotation)
    if value is None or kind is None:
        return OptionError(f"{name}: {message[:1].lower()}{message[1:].rstrip('.')}", line.help)
    near = difflib.get_close_matches(value.lower(), choices, n=1, cutoff=0.5)
    good = near[0] if near else (choices[0] if choices else VALUES.get(name) or line.default(name))
    hint = line.with_value(name, good) if good else line.help
    return OptionError(f"{name} is {kind}, not {value!r}", hint)


def _stray(line: Line, message: str) -> OptionError:
    loose = line.loose
    if len(loose) <= line.places:
        return OptionError(message[:1].lower() + message[1:].rstrip("."), line.help)
    placed, why = line.placed()
    words = ", ".join(repr(line.words[at]) for at in loose)
    takes = f"takes one {line.argument}" if line.places else "takes options only"
    return OptionError(f"prune {line.verb} {takes}, but got {words}", f"{placed}{why}")


def swallowed(words: Sequence[str], root: Any, data: str) -> OptionError | None:
    """Return what to say where the name of a method was read as DATA: `--type el2n aum`."""
    if os.path.lexists(data):
        return None
    line = Line(words, root)
    if line.command is None or not line.belongs(data):
        return None
    return OptionError(f"{data!r} is a method, but stands where DATA does", line.placed()[0])
