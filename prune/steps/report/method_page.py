"""The page of a method: what its docstring says, in sections, and what one would type."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from prune.core.method_rows import EncoderMethod, Scorer, Selector
from prune.core.methods import Method

_USE = {
    "readers": "prune embed --as {name} DATA",
    "encoders": "prune embed --encoder {name} DATA",
    "proxies": "prune score --type el2n --proxy {name} DATA",
    "scores": "prune score --type {name} DATA",
    "selectors": "prune select --method {name} --fraction 0.3",
    "exporters": "prune export --format {name}",
}


def use_of(family: str, name: str, method: Method | None = None) -> str:
    """Return the command that uses a method."""
    score = ""
    if isinstance(method, Selector) and "scores" in method.needs:
        score = f" --score {method.score or 'el2n'}"
    if isinstance(method, Selector) and "target" in method.supplied:
        score += " --target wanted/"
    typed = method.typed if isinstance(method, EncoderMethod) else ""
    return _USE[family].format(name=typed or name) + score


def facts_of(method: Method) -> Iterator[str]:
    """Yield what the table and the signature say of an encoder, a score or a selector."""
    if isinstance(method, EncoderMethod):
        yield f"takes {' and '.join(f'{one}s' for one in method.modalities)}"
    if isinstance(method, Scorer):
        yield f"A high score means: {method.high or 'nothing by itself'}."
    if not isinstance(method, Selector):
        return
    yield f"needs: {', '.join(method.needs)}" + (" (gradients by default)" if method.on else "")
    yield "a smaller budget is a prefix: " + ("yes" if method.nested else "no")
    if method.spent:
        yield "once no sample adds anything, the rest is drawn by the hash of seed and key; see `filled`"
    if method.score:
        yield f"the score it is made for: {method.score}"
    if method.quota != "none":
        yield f"split over classes unless told otherwise: {method.quota}"
    if method.sized_by:
        yield "decides itself how many to keep where no budget is given"
    more = [name for name in ("given", "target") if method.takes(name)]
    if more:
        yield "takes " + " and ".join(f"`--{name}`" for name in more)


def doc_of(function: Any) -> tuple[str, dict[str, str]]:
    """Return what a docstring says first, and its sections by title."""
    parts = re.split(r"^(\w+)\n-+$", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return parts[0].strip(), {t: x.strip("\n") for t, x in zip(parts[1::2], parts[2::2], strict=True)}


def entries(text: str) -> dict[str, str]:
    """Return the entries of a section: names at the margin, what is indented below explains them."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.splitlines():
        if line and not line[0].isspace():
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
            found |= dict.fromkeys(names, "")
        else:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return found


def page_of(family: str, name: str, function: Any, method: Method | None = None) -> dict[str, Any]:
    """Return all that is known of a method, JSON-able."""
    text, sections = doc_of(function)
    explained = entries(sections.pop("Parameters", ""))
    options: Mapping[str, Any] = method.options if method is not None else {}
    facts = list(facts_of(method)) if method is not None else []
    return {
        "summary": text.split("\n", 1)[0],
        "use": use_of(family, name, method),
        "text": text,
        "facts": facts,
        "options": {o: {"default": d, "about": explained.get(o, "")} for o, d in options.items()},
        "sections": {title: body for title, body in sections.items() if title in {"Returns", "References"}},
    }
