"""Methods: plain functions in a literal table, and what their signatures say.

A method is a function. Its positional-only parameters are what it needs, its keyword-only parameters with a
default are its options (`--set NAME=VALUE`), its keyword-only parameters without one are supplied by the
pipeline, and its first docstring line is its row in `prune methods`.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import numbers
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from prune.core.errors import OptionError, UnknownNameError

Options = Mapping[str, Any] | Sequence[str]  # of a method: values by name, or `NAME=VALUE` words

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Method:
    """One row of a table: a function, and what its signature cannot say; see `Scorer` and `Selector`."""

    function: Callable[..., Any]

    @property
    def name(self) -> str:
        """What the user types."""
        return self.function.__name__.rstrip("_")

    @property
    def summary(self) -> str:
        """First docstring line."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    @property
    def needs(self) -> list[str]:
        """Names of the positional-only parameters."""
        return [p.name for p in self._parameters() if p.kind is p.POSITIONAL_ONLY]

    @property
    def supplied(self) -> list[str]:
        """Keyword-only parameters without a default: the pipeline fills them in."""
        return [p.name for p in self._keywords() if p.default is p.empty]

    @property
    def options(self) -> dict[str, Any]:
        """Keyword-only parameters with their defaults, as far as a word on the command line can set them."""
        hints = typing.get_type_hints(self.function)
        found = (p for p in self._keywords() if p.default is not p.empty)
        return {p.name: p.default for p in found if is_plain(hints[p.name])}

    def takes(self, name: str) -> bool:
        """Whether the method can use more than it needs: `given` samples, a `target` set, its weights."""
        return any(p.name == name for p in self._keywords())

    def parse(self, settings: Sequence[str]) -> dict[str, Any]:
        """Turn `NAME=VALUE` words into options of the annotated types.

        Raises
        ------
        OptionError
            A word has no `=`, the method has no such option, or the value has another type.
        """
        hints = typing.get_type_hints(self.function)
        parsed: dict[str, Any] = {}
        for word in settings:
            name, equals, text = word.partition("=")
            if not equals:
                raise OptionError(f"--set wants NAME=VALUE, but got {word!r}", self._known())
            self.require_options([name])
            parsed[name] = _convert(name, text, hints[name], self._instead(name, text, hints))
        return parsed

    def require_options(self, given: Iterable[str]) -> None:
        """Raise `OptionError` if the method has no such option."""
        for name in given:
            if name not in self.options:
                near = difflib.get_close_matches(name, self.options, n=1)
                meant = f"did you mean {near[0]!r}? " if near else ""
                raise OptionError(f"{self.name} has no option {name!r}", meant + self._known())

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options that came as values, not as words, in the annotated types.

        Raises
        ------
        OptionError
            The method has no such option, or the value has another type.
        """
        self.require_options(options)
        hints = typing.get_type_hints(self.function)
        return {
            name: _fitted(name, value, hints[name], self._instead(name, value, hints))
            for name, value in options.items()
        }

    def _parameters(self) -> list[inspect.Parameter]:
        return _parameters_of(self.function)

    def _keywords(self) -> list[inspect.Parameter]:
        return [p for p in self._parameters() if p.kind is p.KEYWORD_ONLY]

    def _instead(self, name: str, value: Any, hints: Mapping[str, Any]) -> str:
        """Return what to type for a value that is no choice: another option's, the nearest, or the usual."""
        offered = _choices(hints[name])
        if not offered:
            return ""
        for other in self.options:
            if other != name and value in _choices(hints[other]):
                return f"--set {name}={self.options[name]} --set {other}={value}"
        near = difflib.get_close_matches(str(value), offered, 1)
        return f"--set {name}={near[0] if near else self.options[name]}"

    def _known(self) -> str:
        known = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"options of {self.name}: {known}" if known else f"{self.name} has no options"


Row = TypeVar("Row", bound=Method)


@functools.cache
def _parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())  # asked for once a class, of which many


def table(*methods: Row) -> dict[str, Row]:
    """Return the methods by name; two of one name are a bug."""
    by_name = {method.name: method for method in methods}
    assert len(by_name) == len(methods), "two methods share a name"
    return by_name


def words(options: Options) -> list[str]:
    """Return options as the `NAME=VALUE` words that one would type."""
    if isinstance(options, Mapping):
        return [f"{name}={value}" for name, value in options.items()]
    return [options] if isinstance(options, str) else list(options)


def find(kind: str, name: str, methods: Mapping[str, Row]) -> Row:
    """Return the method called `name`, or raise `UnknownNameError` with the nearest one."""
    if name not in methods:
        raise UnknownNameError(kind, name, methods)
    return methods[name]


def is_plain(hint: Any) -> bool:
    """Whether a word on the command line can set a parameter of this type."""
    kinds = _kinds(hint)
    return all(k in _ARTICLES or k is type(None) or typing.get_origin(k) is typing.Literal for k in kinds)


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the alternatives of a hint; `Literal | None` is a `typing.Union`, `int | None` is not."""
    return typing.get_args(hint) if typing.get_origin(hint) in {types.UnionType, typing.Union} else (hint,)


def _choices(hint: Any) -> list[str]:
    """Return the words that a hint allows, if it lists them."""
    kinds = [kind for kind in _kinds(hint) if typing.get_origin(kind) is typing.Literal]
    return [str(choice) for kind in kinds for choice in typing.get_args(kind)]


def _convert(name: str, text: str, hint: Any, instead: str) -> Any:
    kinds = _kinds(hint)
    if type(None) in kinds and text.lower() in {"none", ""}:
        return None
    kind = next(k for k in kinds if k is not type(None))
    if typing.get_origin(kind) is typing.Literal:
        if text not in typing.get_args(kind):
            raise OptionError(
                f"{name}={text} is not one of {', '.join(map(str, typing.get_args(kind)))}", instead
            )
        return text
    try:
        return _WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        raise OptionError(f"{name}={text} is not {_ARTICLES[kind]}") from error


def _fitted(name: str, value: Any, hint: Any, instead: str) -> Any:
    kinds = _kinds(hint)
    if value is None and type(None) in kinds:
        return None
    kind = next(k for k in kinds if k is not type(None))
    if kind is int:
        return whole(value, name)
    choices = typing.get_args(kind)
    if kind in _FITTING and isinstance(value, _FITTING[kind]) and isinstance(value, bool) == (kind is bool):
        return kind(value)
    if choices and value in choices:
        return value
    wanted = f"one of {', '.join(map(str, choices))}" if choices else _ARTICLES[kind]
    raise OptionError(f"{name}={value!r} is not {wanted}", instead)


def whole(value: Any, name: str, instead: str = "") -> int:
    """Return a whole number as it is; else say what to give `instead`.

    Raises
    ------
    OptionError
        It is something else, such as 3.0 or True.
    """
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise OptionError(f"{name}={value!r} is not a whole number", instead)


_FITTING: dict[Any, type] = {float: numbers.Real, bool: bool, str: str}
_ARTICLES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
