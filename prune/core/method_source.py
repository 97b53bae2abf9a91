"""The tables of methods as their source says, for those who only read them: loads nothing that computes.

A row is a function's name, docstring and signature, and what stands beside it in the table. All of that is
plain text, while loading the function loads numba or torch, which takes seconds.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from prune.core.methods import Method, is_plain, table

_ROOT = Path(__file__).parent.parent
_WORDS: Mapping[str, Any] = {"int": int, "float": float, "str": str, "bool": bool, "Literal": Literal}
_EMPTY = inspect.Parameter.empty

Definition = ast.FunctionDef | ast.ImportFrom | ast.expr  # what a name at the margin of a module stands for


class UnreadError(Exception):
    """The source says it in a way that only running it would tell."""


def rows(module: str, name: str) -> dict[str, Method]:
    """Return the rows of ``name = table(Row(function, …), …)``, their functions with a signature but no body.

    Raises
    ------
    UnreadError, OSError
        They are not written as calls of a name with keywords, or there is no source.
    """
    call = _find(module, name)
    if not isinstance(call, ast.Call) or call.keywords:
        raise UnreadError(f"{module}.{name}")
    return table(*(_row(module, row) for row in call.args))


def entries(module: str, name: str) -> dict[str, SimpleNamespace]:
    """Return what every call in ``name = {"key": Kind(…), …}`` says: literals, and functions as `function`.

    Raises
    ------
    UnreadError, OSError
        They are not written as calls, or there is no source.
    """
    said = _find(module, name)
    if not isinstance(said, ast.Dict):
        raise UnreadError(f"{module}.{name}")
    return {
        str(_evaluated(module, key)): SimpleNamespace(**_keywords(module, call))
        for key, call in zip(said.keys, said.values, strict=True)
        if key is not None
    }


def function(module: str, name: str) -> Callable[..., Any]:
    """Return a function that has the name, docstring and signature of another, and cannot be called.

    Raises
    ------
    UnreadError, OSError
        There is none of this name, an option's default is no literal, or there is no source.
    """
    found, home = _find(module, name), module
    while isinstance(found, ast.ImportFrom):
        home = _home(found)
        found = _find(home, name)
    if not isinstance(found, ast.FunctionDef):
        raise UnreadError(f"{module}.{name}")
    return _told(home, found)


def value(module: str, name: str) -> Any:
    """Return what a name at the margin of a module stands for, where that is a literal.

    Raises
    ------
    UnreadError, OSError
        It is something else, or there is no source.
    """
    found = _find(module, name)
    if isinstance(found, ast.ImportFrom):
        return value(_home(found), name)
    if isinstance(found, ast.FunctionDef):
        raise UnreadError(f"{module}.{name}")
    return _evaluated(module, found)


def _row(module: str, row: ast.expr) -> Method:
    match row:
        case ast.Call(func=ast.Name(id=kind), args=[ast.Name(id=name)], keywords=keywords):
            pass
        case _:
            raise UnreadError(f"{module}: {ast.unparse(row)}")
    facts = {}
    for keyword in keywords:
        with contextlib.suppress(UnreadError):  # a function, or what is computed: nobody reads those
            facts[str(keyword.arg)] = _evaluated(module, keyword.value)
    made: Method = getattr(importlib.import_module(_home(_find(module, kind))), kind)(
        function(module, name), **facts
    )
    return made


def _keywords(module: str, call: ast.expr) -> dict[str, Any]:
    if not isinstance(call, ast.Call):
        raise UnreadError(f"{module}: {ast.unparse(call)}")
    facts: dict[str, Any] = {}
    for keyword in call.keywords:
        match keyword.value:
            case ast.Attribute(value=ast.Name(id=home), attr=name):  # of a module beside this one
                beside = f"{_home(_find(module, home))}.{home}"
                called = isinstance(_find(beside, name), ast.FunctionDef | ast.ImportFrom)
                facts[str(keyword.arg)] = (function if called else value)(beside, name)
            case said:
                with contextlib.suppress(UnreadError):
                    facts[str(keyword.arg)] = _evaluated(module, said)
    return facts


def _told(module: str, node: ast.FunctionDef) -> Callable[..., Any]:
    def unloaded(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"{module}.{node.name} was read, not loaded")

    given, p = node.args, inspect.Parameter
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + [*given.defaults]
    kinds = [p.POSITIONAL_ONLY] * len(given.posonlyargs) + [p.POSITIONAL_OR_KEYWORD] * len(given.args)
    each: list[tuple[ast.arg, Any, ast.expr | None]] = [*zip(places, kinds, defaults, strict=True)]
    each += [(a, p.KEYWORD_ONLY, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    hints = {argument.arg: _hint(module, argument.annotation) for argument, _, _ in each}
    unloaded.__name__ = unloaded.__qualname__ = node.name
    unloaded.__doc__ = ast.get_docstring(node)
    unloaded.__annotations__ = hints
    unloaded.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p(a.arg, kind, default=_default(module, d, hints[a.arg])) for a, kind, d in each]
    )
    return unloaded


def _hint(module: str, annotation: ast.expr | None) -> Any:
    """Return the type of a parameter; `object` where it is none that a word could set."""
    try:
        return object if annotation is None else _evaluated(module, annotation)
    except UnreadError:
        return object


def _default(module: str, default: ast.expr | None, hint: Any) -> Any:
    if default is None:
        return _EMPTY
    try:
        return _evaluated(module, default)
    except UnreadError:
        if is_plain(hint):
            raise
        return ...  # of what is no option


def _evaluated(module: str, node: ast.expr) -> Any:
    """Evaluate literals, names of literals, and types made of plain types."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name(id=word):
            return _WORDS[word] if word in _WORDS else value(module, word)
        case ast.Subscript() if (kind := _evaluated(module, node.value)) is Literal:
            return kind[_evaluated(module, node.slice)]
        case ast.Tuple():
            return tuple(_evaluated(module, one) for one in node.elts)
        case ast.Dict() if None not in node.keys:
            keys = [_evaluated(module, key) for key in node.keys if key is not None]
            return dict(zip(keys, [_evaluated(module, one) for one in node.values], strict=True))
        case ast.BinOp(op=ast.BitOr()):
            return _evaluated(module, node.left) | _evaluated(module, node.right)
        case ast.UnaryOp(op=ast.USub()):
            return -_evaluated(module, node.operand)
    raise UnreadError(f"{module}: {ast.unparse(node)}")


def _find(module: str, name: str) -> Definition:
    try:
        return _definitions(module)[name]
    except KeyError:
        raise UnreadError(f"{module}.{name}") from None


def _home(node: Definition) -> str:
    """Return the module of ours that a name is imported from."""
    if not isinstance(node, ast.ImportFrom) or node.level or not str(node.module).startswith("prune."):
        raise UnreadError(ast.unparse(node))
    return str(node.module)


@functools.cache
def _definitions(module: str) -> dict[str, Definition]:
    """Return what every name at the margin of a module of ours stands for."""
    place = _ROOT.joinpath(*module.split(".")[1:])
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    found: dict[str, Definition] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef():
                found[node.name] = node
            case ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = node.value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as said):
                found[name] = said
            case ast.ImportFrom():
                found |= {alias.name: node for alias in node.names if alias.asname in {None, alias.name}}
    return found
