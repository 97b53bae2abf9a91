"""The list of methods and the page of one, wrapped to the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

_LEAST = 40  # columns; a narrower terminal wraps by itself
_TYPED = {"encoders", "exporters"}  # families whose options are options of their verb, not of --set


def listing(families: dict[str, dict[str, Any]]) -> list[str]:
    """Return one line a method, and one for its options."""
    lines: list[str] = []
    for family, members in families.items():
        wide = max(map(len, members))
        lines += ["", family]
        for name, about in members.items():
            high = f" High: {about['high']}." if about.get("high") else ""
            summary = f"{about['summary'].replace('``', '')}{high}"
            lines += _wrapped(summary, f"  {name:<{wide}} ", " " * (wide + 3))
            given = "  ".join(_option(family, *option) for option in about.get("options", {}).items())
            lines += _wrapped(given, " " * (wide + 3))
    return lines[1:]


def page(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the page of a method; of several, where families share a name."""
    lines: list[str] = []
    for family, members in found.items():
        for name, about in members.items():
            lines += ["", f"{name}  ({family})", "", *_paragraphs(about["text"])]
            lines += [""] if about["facts"] else []
            lines += [
                line for fact in about["facts"] for line in _wrapped(fact.replace("`", ""), "  - ", "    ")
            ]
            lines += ["", "Use:", f"  {about['use']}"]
            if about["options"]:
                lines += ["", "Options:"]
            for option, known in about["options"].items():
                lines.append(f"  {_option(family, option, known['default'])}".replace("\u00a0", " "))
                lines += _wrapped(known["about"].replace("``", ""), "      ")
            for title, text in about["sections"].items():
                lines += ["", f"{title}:", *_paragraphs(text)]
    return lines[1:]


def _option(family: str, name: str, default: Any) -> str:
    if family in _TYPED:
        return f"--{name.replace('_', '-')}" + ("" if default is None else f"\u00a0{default}")
    return f"--set\u00a0{name}={default}"


def _paragraphs(text: str) -> list[str]:
    """Wrap a text; lines that end a sentence end a line here too: one reference each."""
    lines = list(_lines(text))
    return lines[:-1] if lines and not lines[-1] else lines


def _lines(text: str) -> Iterator[str]:
    held: list[str] = []
    for line in [*text.strip().replace("``", "").splitlines(), ""]:
        inner = len(line) - len(line.lstrip())
        if held and (not line.strip() or inner > 0):
            yield from _wrapped(" ".join(held), "  ")
            held = []
        if inner:
            yield from _wrapped(line.strip(), " " * (2 + inner))
            continue
        held += [line] if line else []
        if line.endswith("."):
            yield from _wrapped(" ".join(held), "  ")
            held = []
        elif not line:
            yield ""


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    width = max(shutil.get_terminal_size().columns - 1, _LEAST)
    rest = first if rest is None else rest
    found = textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in found]
