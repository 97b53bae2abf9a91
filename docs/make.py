"""Write the page of every encoder, scorer and selector, from its docstring: `make docs`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from prune.core.methods import Method
from prune.encoders import ENCODERS
from prune.scorers import SCORERS
from prune.selectors import SELECTORS
from prune.steps.report.method_page import facts_of, use_of

HOME = Path(__file__).parent
FAMILIES: Mapping[str, Mapping[str, Method]] = {
    "encoders": ENCODERS,
    "scorers": SCORERS,
    "selectors": SELECTORS,
}
_KEYS = {"encoders": "encoders", "scorers": "scores", "selectors": "selectors"}  # on the command line
NOTE = "<!-- Made from the docstring by `make docs`; edit that. -->"


def pages() -> dict[str, str]:
    """Return every page by its path under docs/."""
    made = {
        f"{family}/{name}.md": _page(family, m) for family, ms in FAMILIES.items() for name, m in ms.items()
    }
    return made | {"methods.md": _contents()}


def _contents() -> str:
    lines = ["# Methods", "", NOTE]
    for family, methods in FAMILIES.items():
        lines += ["", f"## {family.capitalize()}", "", "| method | what it does |", "|---|---|"]
        lines += [f"| [`{name}`]({family}/{name}.md) | {_cell(m.summary)} |" for name, m in methods.items()]
    return "\n".join(lines) + "\n"


def _page(family: str, method: Method) -> str:
    doc = inspect.getdoc(method.function) or ""
    body, _, rest = _split(doc)
    lines = [
        f"# {method.name}",
        "",
        NOTE,
        "",
        *_prose(body),
        "",
        "## Use",
        "",
        "```sh",
        use_of(_KEYS[family], method.name, method).replace(" DATA", " data/"),
        "```",
        "",
    ]
    facts = facts_of(method)
    lines += facts if family == "scorers" else (f"- {fact}" for fact in facts)
    lines += [] if family == "encoders" else _options(method)  # which have options of their own
    for title, text in _sections(rest):
        lines += ["", f"## {title}", "", *(_entries(text) if "\n    " in text else _prose(text))]
    return "\n".join(lines).rstrip() + "\n"


def _options(method: Method) -> list[str]:
    if not method.options:
        return []
    rows = [f"| `--set {name}=…` | `{default}` |" for name, default in method.options.items()]
    return ["", "| option | default |", "|---|---|", *rows]


def _split(doc: str) -> tuple[str, str, str]:
    found = re.search(r"^(\w+)\n-+$", doc, re.MULTILINE)
    return (doc, "", "") if found is None else (doc[: found.start()], found[1], doc[found.start() :])


def _sections(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^(\w+)\n-+\n", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _prose(text: str) -> list[str]:
    """Lines that end a sentence end a line on the page too: one reference each."""
    lines = (line.rstrip() for line in text.replace("``", "`").strip().splitlines())
    return [f"{line}  " if line.endswith(".") else line for line in lines]


def _entries(text: str) -> list[str]:
    """Lines at the margin begin an entry; what is indented below explains it."""
    lines: list[str] = []
    for line in _prose(text):
        if not line.strip():
            lines.append("")
        elif line.startswith("    "):
            lines.append(f"  {line.strip()}")  # belongs to the entry above
        else:
            name, colon, shape = line.partition(" : ")
            lines.append(f"- **{name.strip()}** {shape.strip()}  " if colon else f"- **{name.strip()}**  ")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def main() -> None:
    """Write the pages, and remove those of methods that are gone."""
    made = pages()
    for path, text in made.items():
        target = HOME / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for family in FAMILIES:
        for path in (HOME / family).glob("*.md"):
            if f"{family}/{path.name}" not in made:
                path.unlink()
    sys.stdout.write(f"{len(made)} pages\n")


if __name__ == "__main__":
    main()
