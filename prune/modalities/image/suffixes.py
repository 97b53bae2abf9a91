"""Suffixes of image files: those that prune reads, and those of images that it does not."""

from __future__ import annotations

_words = str.split  # many words in few lines
IMAGE_SUFFIXES = frozenset(
    _words("jpg jpeg jpe jfif png webp bmp gif tif tiff ppm pgm pbm pnm avif avifs jp2 j2k j2c jpx jpf")
)
FOREIGN_SUFFIXES = frozenset(
    _words(  # images that Pillow does not read
        "heic heif hif jxl svg psd raw dng cr2 cr3 nef arw orf rw2 raf exr hdr dcm nii eps ai tga"
    )
)
