"""What a sample is, and all that is done to its payload: one package a modality.

A payload is what a reader yields for a sample: of an image its encoded bytes or its pixels, of a text
a `str`. Readers, the store, the scan and the exporters pass payloads on and know no more of them than this
table says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from prune.modalities.image.digest import image_digests
from prune.modalities.text.digest import text_digests


@dataclass(frozen=True)
class Modality:
    """One kind of samples."""

    name: str
    plural: str  # for sentences
    digests: Callable[[Any], Collection[bytes]]
    """The digests that may stand in the sample table for a payload: usually one."""


MODALITIES = {
    one.name: one
    for one in (
        Modality("image", "images", image_digests),
        Modality("text", "texts", text_digests),
    )
}
