"""What a sample is, and all that is done to its payload: one package a modality.

A payload is what a reader yields for a sample: of an image its encoded bytes or its pixels, of a text
a `str`. Readers, the store, the scan and the exporters pass payloads on and know no more of them than this
table says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from prune.core.method_names import USUAL_ENCODERS
from prune.modalities.form import PayloadForm
from prune.modalities.image import form as image_form
from prune.modalities.image.digest import image_digests
from prune.modalities.image.look import image_look
from prune.modalities.image.sniff import suffix_of
from prune.modalities.look import Look
from prune.modalities.text import form as text_form
from prune.modalities.text.digest import text_digests
from prune.modalities.text.look import one_line, text_look


@dataclass(frozen=True, kw_only=True)
class Modality:
    """One kind of samples."""

    name: str
    plural: str  # for sentences
    digests: Callable[[Any], Collection[bytes]]
    """The digests that may stand in the sample table for a payload: usually one."""
    proxy: str
    """The network that learns from them where nobody names one: for `score` and `evaluate`."""
    measure: str
    """The score that looks at nothing but the payload: no labels, no network."""
    form: PayloadForm
    """How a payload stands in what is written."""
    encoder: str
    """The encoder that `embed` takes where none is named."""
    look: Callable[[Any, Any], Look]
    """What a page shows of a payload, decoded as the second argument says."""
    one_line: Callable[[Any, int], str] | None = None
    """A payload in words on one line, of at most so many characters; None: it is nothing to be read."""
    suffix: Callable[[bytes], str] | None = None
    """The suffix of a payload as a file of its own; None: a sample of this kind is no file."""


MODALITIES = {
    one.name: one
    for one in (
        Modality(
            name="image",
            plural="images",
            digests=image_digests,
            proxy="resnet8",
            measure="input_norm",
            form=image_form.FORM,
            encoder=USUAL_ENCODERS["image"],
            look=image_look,
            suffix=suffix_of,
        ),
        Modality(
            name="text",
            plural="texts",
            digests=text_digests,
            proxy="ngram",
            measure="length",
            form=text_form.FORM,
            encoder=USUAL_ENCODERS["text"],
            look=text_look,
            one_line=one_line,
        ),
    )
}
"""Texts: a sample is a `str`, its digest that of its UTF-8 bytes."""
