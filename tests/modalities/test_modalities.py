from __future__ import annotations

import importlib

import numpy as np

from prune.core.content import content_digest
from prune.modalities import MODALITIES


def test_every_modality_is_a_package_of_its_name() -> None:
    assert all(name == row.name for name, row in MODALITIES.items())
    for name in MODALITIES:
        assert importlib.import_module(f"prune.modalities.{name}").__doc__


def test_a_text_has_the_digest_of_its_bytes_and_an_image_that_of_its_file_or_pixels() -> None:
    assert MODALITIES["text"].digests("é") == (content_digest("é".encode()),)
    assert MODALITIES["image"].digests(b"png") == (content_digest(b"png"),)
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    first = np.ascontiguousarray(np.moveaxis(pixels, 2, 0))
    assert set(MODALITIES["image"].digests(pixels)) == {content_digest(a.tobytes()) for a in (pixels, first)}
