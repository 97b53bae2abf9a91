"""From what is known to HTML: jinja2 escapes all that comes from data."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

_HERE = "prune.steps.report.page"
GENERATOR = "prune report"  # by which a page is known as one of ours


def rendered(page: dict[str, Any]) -> bytes:
    """Return the page.

    Parameters
    ----------
    page
        The variables of `page.html.jinja`; all but charts and the style sheet is text.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(_text("page.html.jinja"))
    text = template.render(page, style=_text("page.css"), generator=GENERATOR)
    return text.encode(errors="backslashreplace")  # half characters, as of file names that are not UTF-8


def _text(name: str) -> str:
    return files(_HERE).joinpath(name).read_text(encoding="utf-8")
