"""The JSON schemas of what `--json` prints: a literal file a verb, shipped with the package."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main

from prune.commands.options import OUT

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PART = "#/$defs/"
_FOLDER = Path(__file__).parent / "schemas"


def output_schema(verb: str) -> dict[str, Any]:
    """Return what a verb prints with `--json`: its result, or an error; keys that are not named are none."""
    parts: dict[str, Any] = {}
    _collect([verb, "error"], parts)
    return {
        "$schema": DIALECT,
        "title": f"prune {verb} --json",
        "anyOf": [{"$ref": f"{_PART}{verb}"}, {"$ref": f"{_PART}error"}],
        "$defs": parts,
    }


def _collect(names: Iterable[str], parts: dict[str, Any]) -> None:
    """Add schemas by name, with those that they refer to: what several verbs print is said once."""
    for name in names:
        if name not in parts:
            text = (_FOLDER / f"{name}.json").read_text(encoding="utf-8")
            parts[name] = json.loads(text)
            _collect(re.findall(rf'"{re.escape(_PART)}(\w+)"', text), parts)


@functools.cache
def schema_option() -> Any:
    """Return the option that every verb has: it prints the schema and stops, whatever else is typed."""
    verb = typer.Typer(add_completion=False)
    verb.command()(_verb)
    return typer.main.get_command(verb).params[0]


def _print(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        typer.echo(json.dumps(output_schema(str(ctx.info_name)), indent=1))
        raise typer.Exit


def _verb(
    json_schema: Annotated[
        bool,
        typer.Option(
            "--json-schema",
            callback=_print,
            is_eager=True,
            expose_value=False,
            help="Print the JSON schema of what --json prints, and stop.",
            rich_help_panel=OUT,
        ),
    ] = False,
) -> None:
    """Have the option that all verbs are given."""
    assert not json_schema
