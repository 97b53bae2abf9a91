"""The list of commands, and the one place that turns errors into exit codes. Loads nothing heavy."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from prune import __version__
from prune.commands import demo, embed, export, methods, score, select, status, verify
from prune.ending import end_on_signals
from prune.errors import DataError, PruneError, RejectsError
from prune.local import require_no_secrets
from prune.text import printable

_SHORT = ("out of memory", "fewer --workers, a smaller --proxy-size, or a larger machine")
_SHOWN = 20  # rejected samples that are listed on the terminal

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Make a training dataset smaller without making the model worse.\n\n"
    "prune score --type grad_norm data/, then prune select --method kcenter --fraction 0.3, "
    "then prune export --format webdataset.",
)
for _command in (
    embed.embed,
    score.score,
    select.select,
    export.export,
    status.status,
    verify.verify,
    methods.methods,
    demo.demo,
):
    app.command()(_command)


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=lambda on: _version(on), is_eager=True),
    ] = False,
) -> None:
    """Nothing happens without a command."""
    assert not version


def main() -> None:
    """Run the command line; never returns."""
    end_on_signals()
    try:
        require_no_secrets(sys.argv[1:])
        app(prog_name="prune")
    except PruneError as error:
        _explain(error)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == 2 and "--json" in sys.argv:  # the usage error itself is on standard error
            typer.echo(json.dumps({"error": "the command line is wrong", "hint": _help(), "exit_code": 2}))
        raise
    except BrokenPipeError:
        os._exit(1)  # whoever read our output is gone; flushing at exit would fail again
    except MemoryError:
        _explain(PruneError(*_SHORT))
        sys.exit(1)
    except RuntimeError as error:  # torch's, of which there are many: memory is the user's affair
        words = _short_of_memory(error)
        if not words:
            raise
        _explain(PruneError(*words))
        sys.exit(1)
    except OSError as error:  # a name that is too long, a file that cannot be read: the system's own words
        wrong = DataError(f"{error.strerror or error}: {error.filename or ''}".strip(": "), _help())
        _explain(wrong)
        sys.exit(wrong.exit_code)


def _short_of_memory(error: RuntimeError) -> tuple[str, str] | None:
    if type(error).__name__ == "OutOfMemoryError":
        return "the device is out of memory", "add --device cpu, or wait until the device is free"
    if "can't allocate memory" in str(error):
        return _SHORT
    return None


def _version(on: bool) -> None:
    if on:
        typer.echo(f"prune {__version__}")
        raise typer.Exit


def _help() -> str:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    verb = next((word for word in sys.argv[1:] if word in commands), None)
    return f"prune {verb} --help" if verb else "prune --help"


def _explain(error: PruneError) -> None:
    rejects = error.rejects if isinstance(error, RejectsError) else []
    for key, reason in rejects[:_SHOWN]:
        typer.echo(f"{printable(key)}: {printable(reason)}", err=True)
    if len(rejects) > _SHOWN:
        typer.echo(f"… and {len(rejects) - _SHOWN} more, all listed in rejects.json in the store", err=True)
    typer.echo(f"error: {printable(str(error))}", err=True)
    typer.echo(f"try:   {printable(error.hint or _help())}", err=True)
    if "--json" in sys.argv:
        body = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
        if rejects:
            body["rejects"] = [{"key": key, "reason": reason} for key, reason in rejects]
        typer.echo(json.dumps(body))
