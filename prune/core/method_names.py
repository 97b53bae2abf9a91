"""The names of all methods, without loading them: for completion, and for what somebody may have meant.

They are read from the source of the tables, so that a method is listed once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def names(place: str, table: str) -> tuple[str, ...]:
    """Return the names in a literal table of a module, in its order; none where there is no source."""
    try:
        body = ast.parse((_ROOT / place).read_bytes()).body
    except OSError:
        return ()
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=said) if name == table:
                return tuple(_listed(said))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as said) if name == table:
                return tuple(_listed(said))
    return ()


def _listed(table: ast.expr) -> Iterator[str]:
    """Yield the keys of ``{"name": …}``, or the functions of ``table(Row(name, …), …)``."""
    match table:
        case ast.Dict(keys=keys):
            yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
        case ast.Call(args=rows):
            firsts = [row.args[0] for row in rows if isinstance(row, ast.Call)]
            yield from (first.id.rstrip("_") for first in firsts if isinstance(first, ast.Name))


SELECTORS = names("selectors/__init__.py", "SELECTORS")
SCORES = names("scorers/__init__.py", "SCORERS")
EXPORTERS = names("exporters/__init__.py", "EXPORTERS")
READERS = names("readers/__init__.py", "READERS")
ENCODERS = names("encoders/__init__.py", "ENCODERS")
PROXIES = names("proxy/models.py", "PROXIES")

FAMILIES = {
    "readers": READERS,
    "encoders": ENCODERS,
    "proxies": PROXIES,
    "scores": SCORES,
    "selectors": SELECTORS,
    "exporters": EXPORTERS,
}

# Of the models that torchvision has, those that people name most.
MODELS = (
    *("resnet18", "resnet50", "resnet101", "convnext_tiny", "convnext_base", "efficientnet_b0"),
    *("mobilenet_v3_small", "vit_b_16", "swin_t", "regnet_y_400mf"),
)
USUAL_ENCODERS = {"image": "resnet18", "text": "ngrams"}  # what `embed` takes, by what the samples are
_CAPTION_TOWERS = {"clip:": "clip_text:"}  # what sees captions in the space of an encoder of images
QUOTAS = ("none", "proportional", "equal", "drop")


def caption_tower(encoder: str) -> str | None:
    """Return the encoder that sees captions in the space of this encoder of images; None: there is none."""
    for images, captions in _CAPTION_TOWERS.items():
        if encoder.startswith(images):
            return captions + encoder.removeprefix(images)
    return None
