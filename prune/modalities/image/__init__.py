"""From encoded bytes to RGB pixels: one image, one file suffix, or a whole dataset in worker processes."""

from prune.modalities.image.batches import read_images
from prune.modalities.image.decode import INTERPOLATIONS, Crop, decode, to_pixels
from prune.modalities.image.decode_settings import MAX_PIXELS, Decoding, UnreadableImageError
from prune.modalities.image.sniff import suffix_of

__all__ = [
    "INTERPOLATIONS",
    "MAX_PIXELS",
    "Crop",
    "Decoding",
    "UnreadableImageError",
    "decode",
    "read_images",
    "suffix_of",
    "to_pixels",
]
