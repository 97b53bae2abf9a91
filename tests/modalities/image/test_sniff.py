"""First bytes name the suffix."""

import io

import pytest
from PIL import Image

from prune.modalities.image import suffix_of


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("JPEG", "jpg"),
        ("PNG", "png"),
        ("WEBP", "webp"),
        ("GIF", "gif"),
        ("BMP", "bmp"),
        ("TIFF", "tiff"),
        ("PPM", "ppm"),
    ],
)
def test_every_form_has_its_suffix(form, suffix):
    out = io.BytesIO()
    Image.new("RGB", (3, 2)).save(out, form)
    assert suffix_of(out.getvalue()) == suffix


@pytest.mark.parametrize("data", [b"", b"P", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7", b"\xff\xd8"])
def test_what_is_unknown_is_bin(data):
    assert suffix_of(data) == "bin"
