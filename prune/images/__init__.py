"""From encoded bytes to RGB pixels: one image, one file suffix, or a whole dataset in worker processes."""

from prune.images.batches import read_images
from prune.images.decode import Crop, decode, to_pixels
from prune.images.decoding import MAX_PIXELS, Decoding, UnreadableImageError
from prune.images.suffix import suffix_of

__all__ = [
    "MAX_PIXELS",
    "Crop",
    "Decoding",
    "UnreadableImageError",
    "decode",
    "read_images",
    "suffix_of",
    "to_pixels",
]
