"""One file per encoder: from images to embeddings. Listed here or it does not exist."""

from __future__ import annotations

from prune.core.methods import Method, table
from prune.encoders.by_name import open_encoder
from prune.encoders.encode import Encoder, encode_dataset
from prune.encoders.pixels import pixels
from prune.encoders.precomputed import precomputed
from prune.encoders.torchvision import torchvision

ENCODERS = table(Method(torchvision), Method(pixels), Method(precomputed))

precomputed_column = precomputed


__all__ = ["ENCODERS", "Encoder", "encode_dataset", "open_encoder", "precomputed_column"]
