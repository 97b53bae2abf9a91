"""The list of commands, and the one place that turns errors into exit codes. Loads nothing heavy."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main

from prune import __version__
from prune.commands import (
    check,
    demo,
    diff,
    embed,
    evaluate,
    export,
    gc,
    methods,
    plan,
    report,
    run,
    score,
    select,
    status,
    suspects,
    verify,
    why,
)
from prune.commands.help import SETTINGS, Group, VerbTable
from prune.commands.hints import placed, typed_out
from prune.commands.signals import end_on_signals
from prune.commands.usage import in_two_lines
from prune.core.errors import DataError, GateError, OutputError, PruneError, RejectsError, StoreError
from prune.core.safe_text import printable
from prune.system.local_paths import require_no_secrets
from prune.system.os_errors import lift

_SHORT = ("out of memory", "fewer --workers, a smaller --proxy-size, or a larger machine")
_LIBRARY = "ulimit -v unlimited   # if memory is limited here; else install it again"
_SHOWN = 20  # rejected samples that are listed on the terminal

app = typer.Typer(
    cls=Group,
    context_settings=SETTINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Make a training dataset smaller without making the model worse.",
)
VERBS = (
    embed.embed,
    score.score,
    select.select,
    export.export,
    evaluate.evaluate,
    report.report,
    run.run,
    plan.plan,
    status.status,
    verify.verify,
    check.check,
    gc.gc,
    suspects.suspects,
    why.why,
    diff.diff,
    methods.methods,
    demo.demo,
)


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=lambda on: _version(on), is_eager=True),
    ] = False,
) -> None:
    """Nothing happens without a command."""
    assert not version


@functools.cache
def command_tree() -> Any:
    """Return the group of all commands, made once: an error asks it again."""
    tree: Any = typer.main.get_command(app)
    tree.commands = VerbTable(VERBS)
    return tree


def main() -> None:
    """Run the command line; never returns."""
    end_on_signals()
    try:
        require_no_secrets(sys.argv[1:])
        sys.exit(command_tree()(prog_name="prune", standalone_mode=False))
    except PruneError as error:
        _explain(error)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if len(sys.argv) == 1:
            typer.echo(error.message, err=True)  # the help
        else:
            _explain(in_two_lines(error, sys.argv[1:], command_tree()))
        sys.exit(2)
    except BrokenPipeError:
        os._exit(1)  # whoever read our output is gone; flushing at exit would fail again
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        wrong = _in_words(error)
        if wrong is None:
            raise
        _explain(wrong)
        sys.exit(wrong.exit_code)


def _in_words(error: MemoryError | RuntimeError | ImportError | OSError) -> PruneError | None:
    """Return what is the user's affair and not a bug: memory, a library, a limit, a file."""
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, ImportError):
        return _not_loaded(error)
    if type(error).__name__ == "OutOfMemoryError":
        return PruneError("the device is out of memory", "add --device cpu, or wait until the device is free")
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return PruneError(*_SHORT)
    return None


def _refused(error: OSError) -> PruneError:
    """Say in the system's own words what it refused, such as a name that is too long."""
    file = Path(str(error.filename or ""))
    store = _store_of(file) if isinstance(error, PermissionError) else None
    if store is not None:
        hint = f"chmod -R u+rwX {shlex.quote(str(store))}   # as the user whose files they are"
        return StoreError(f"{file} cannot be read: permission denied", hint)
    hint = lift(error) or (_LIBRARY if "shared object" in str(error) else _help())
    return DataError(f"{error.strerror or error}: {error.filename or ''}".strip(": "), hint)


def _store_of(file: Path) -> Path | None:
    """Return the store that a file is in: the nearest folder above it that holds `store.json`."""
    from prune.store.layout import STATE

    if file.name == STATE:
        return file.parent
    return next((above for above in file.parents if os.path.exists(above / STATE)), None)  # noqa: PTH110


def _not_loaded(error: ImportError) -> DataError | None:
    """Say which library cannot be loaded; one of our own modules is a bug."""
    _, _, inside = (error.path or "").partition("/site-packages/")
    name = inside.split("/")[0] or (error.name or "a library").split(".")[0]
    said = str(error).strip().partition("\n")[0]
    if name == "prune":
        return None
    return DataError(f"{name} cannot be loaded: {said}", _LIBRARY)


def _version(on: bool) -> None:
    if on:
        typer.echo(f"prune {__version__}")
        raise typer.Exit


def _help() -> str:
    verb = next((word for word in sys.argv[1:] if word in command_tree().commands), None)
    return f"prune {verb} --help" if verb else "prune --help"


def _explain(error: PruneError) -> None:
    rejects = error.rejects if isinstance(error, RejectsError) else []
    for key, reason in rejects[:_SHOWN]:
        typer.echo(f"{printable(key)}: {printable(reason)}", err=True)
    if len(rejects) > _SHOWN:
        typer.echo(f"… and {len(rejects) - _SHOWN} more, all listed in rejects.json in the store", err=True)
    typed = (sys.argv[1:], command_tree())
    hint = placed(typed_out(lift(error.__cause__) or error.hint, *typed), *typed)
    typer.echo(f"error: {printable(str(error))}", err=True)
    typer.echo(f"try:   {printable(hint or _help())}", err=True)
    if "--json" in sys.argv:
        body: dict[str, Any] = {"error": str(error), "hint": hint, "exit_code": error.exit_code}
        if isinstance(error, GateError):  # one object: what was found, and that it does not pass
            body = error.result | body
        if rejects:
            body["rejects"] = [{"key": key, "reason": reason} for key, reason in rejects]
        _say_json(body)


def _say_json(body: dict[str, Any]) -> None:
    with contextlib.suppress(OutputError, BrokenPipeError):  # it is on standard error too
        typer.echo(json.dumps(body))
