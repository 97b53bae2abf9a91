"""From a matplotlib figure to SVG inside the page: in the colours of the page, the same bytes each time.

A figure is drawn with `INK` and its siblings, which stand for variables of the style sheet: what is drawn
once is right in both themes.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE = "#000001", "#000002", "#000003"  # text, text beside it, lines of the frame
KEPT, DROPPED, CHANCE, SURFACE = "#000004", "#000005", "#000006", "#000007"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # of `prune evaluate`
STEPS = ("#000011", "#000012", "#000013", "#000014", "#000015")  # from low to high
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    KEPT: "kept",
    DROPPED: "dropped",
    CHANCE: "chance",
    SURFACE: "surface",
    **{colour: f"step-{place}" for place, colour in enumerate(STEPS)},
    **{colour: f"line-{place}" for place, colour in enumerate(LINES)},
}
_RC: Any = {  # names that matplotlib has a type of its own for
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "prune",  # names of parts are not drawn at random
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same widths everywhere
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": False,
    "text.parse_math": False,  # a class may be called $x$
}
_WIDTH = 4.6  # inches: a phone shows the text as large as it is

_NAME = re.compile(r"\{[^}]*\}")
_FONT = re.compile(r"(font: [^;]*?px) [^;]*")


@contextlib.contextmanager
def drawing(height: float) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure with one pair of axes to draw in; close nothing, since no window knows of it."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, figure.add_subplot()


def svg_of(figure: Figure, name: str, title: str) -> str:
    """Return a figure as an `svg` element.

    Parameters
    ----------
    name
        Unique in the page: goes before the names of its parts.
    title
        What it shows, for those who do not see it.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(out.getvalue())
    _strip(root)
    wanted = {link[1:] for node in root.iter() for link in _links(node)}
    for node in root.iter():
        _rename(node, name, wanted)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"role": "img", "aria-label": title}
    return ElementTree.tostring(root, encoding="unicode")


def _strip(node: ElementTree.Element) -> None:
    """Take the metadata and the style sheet away, which would reach beyond the figure."""
    for child in list(node):
        tag = _NAME.sub("", child.tag) if isinstance(child.tag, str) else ""
        if tag in {"metadata", "style", ""}:
            node.remove(child)
        else:
            _strip(child)


def _links(node: ElementTree.Element) -> list[str]:
    """Return the parts that a part refers to, as `#NAME`."""
    return [
        found
        for value in node.attrib.values()
        for found in ([value] if value.startswith("#") else re.findall(r"url\((#[^)]+)\)", value))
    ]


def _rename(node: ElementTree.Element, name: str, wanted: set[str]) -> None:
    node.tag = _NAME.sub("", node.tag)
    attributes = {_NAME.sub("", key): value for key, value in node.attrib.items()}
    if attributes.get("id") not in wanted:
        attributes.pop("id", None)
    node.attrib.clear()
    for key, value in attributes.items():
        node.attrib[key] = _themed(key, value, name)


def _themed(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    value = re.sub(r"^#(?=[mpC])", f"#{name}-", value) if key == "href" else value
    value = value.replace("url(#", f"url(#{name}-")
    if key in {"style", "fill", "stroke"}:
        value = _FONT.sub(rf"\1 {_variable('sans')}", value)
        for colour, variable in _VARIABLES.items():
            value = value.replace(colour, _variable(variable))
    return value


def _variable(name: str) -> str:
    return f"var(--{name})"
