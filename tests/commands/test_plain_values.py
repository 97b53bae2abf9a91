"""Words that are taken without a validator become what typer would have made of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from prune.cli import command_tree
from prune.commands.plain_values import take_plain_values

GROUP: Any = command_tree()
WORDS = [
    *(None, "", " ", "0", "1", "-1", "007", "+3", "3.0", "2.50", "1e3", ".5", "5.", "1_0", "٣", "9" * 30),
    *("nan", "inf", "true", "no", "cpu", "CPU", "cuda", "skip", "keep", "fail", "data", "a\0b", "a\nb", "."),
    *("x y", "/", "/nowhere/at/all", 3, 0.5, True, Path("store")),
]


def _each() -> Iterator[Any]:
    """Yield one parameter of every kind that commands have."""
    kinds = {}
    for command in GROUP.commands.values():
        for param in command.params:
            info = param.type_descriptor.parameter_info
            told = (str(param.type_descriptor.annotation), param.multiple, param.nargs, info.readable)
            kinds.setdefault(told, param)
    yield from kinds.values()


def _became(param: Any, value: Any) -> tuple[str, str]:
    context = typer.Context(GROUP)
    try:
        found = param.get_runtime_param().coerce(value, param=param, ctx=context)
    except typer.BadParameter as error:
        return "wrong", error.message
    return type(found).__name__, repr(found)


@pytest.mark.parametrize("param", list(_each()), ids=lambda param: param.name)
def test_what_typer_would_make_of_it(param: Any, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    values = [*WORDS, str(tmp_path), str(closed)]
    if param.multiple:
        values = [None, [], ["a"], ("a", "b"), ["a", 3], "a"]
    param._runtime_param = None
    theirs = [_became(param, value) for value in values]
    for value, wanted in zip(values, theirs, strict=True):
        param._runtime_param = None
        take_plain_values([param])
        assert type(param._runtime_param).__name__ == "PlainValue"
        assert _became(param, value) == wanted, repr(value)
    closed.chmod(0o700)
    param._runtime_param = None


def test_what_must_be_checked_is_left_to_typer() -> None:
    other = typer.Typer()

    @other.command()
    def checked(
        small: int = typer.Option(1, max=3),
        there: Path = typer.Option("x", exists=True),  # noqa: B008
        shout: str = typer.Option("x", parser=str.upper),
    ) -> None:
        del small, there, shout

    params = [one for one in typer.main.get_command(other).params if one.name in {"small", "there", "shout"}]
    assert len(params) == 3
    take_plain_values(params)
    assert [one._runtime_param for one in params] == [None] * 3  # type: ignore[attr-defined]
