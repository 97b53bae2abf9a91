"""One file per encoder: from images to embeddings. Listed here or it does not exist."""

from __future__ import annotations

from collections.abc import Callable

from prune.core.errors import OptionError
from prune.core.method_rows import EncoderMethod
from prune.core.methods import table
from prune.core.progress import SILENT
from prune.encoders.encode import Encoder, encode_dataset
from prune.encoders.pixels import pixels
from prune.encoders.precomputed import precomputed
from prune.encoders.torchvision import torchvision

ENCODERS = table(
    EncoderMethod(torchvision, typed="resnet18"),
    EncoderMethod(pixels),
    EncoderMethod(precomputed, typed="precomputed --features features.npy", reads_features=True),
)
PRECOMPUTED = next(name for name, row in ENCODERS.items() if row.reads_features)

precomputed_column = precomputed


def open_encoder(
    name: str,
    *,
    weights: str | None = None,
    device: str = "cpu",
    seed: int = 0,
    say: Callable[[str], None] = SILENT.say,
) -> Encoder:
    """Return the encoder called `name`: `pixels` or the like, or any classifier of torchvision.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    OptionError
        It has no weights here, or has no use for them, or it reads features and encodes no images.
    """
    row = ENCODERS.get(name)
    if row is not None and row.reads_features:
        raise OptionError(f"the encoder {name} reads a file", "add --features X.npy, or X.parquet")
    if row is None or row.needs:
        return torchvision(name, weights=weights, device=device, seed=seed, say=say)
    if weights is not None and not row.takes("weights"):
        raise OptionError(f"the encoder {name} has no weights, but got {weights!r}", "leave --weights out")
    known = {"weights": weights, "device": device, "seed": seed, "say": say}
    encoder: Encoder = row.function(**{word: value for word, value in known.items() if row.takes(word)})
    return encoder


__all__ = ["ENCODERS", "PRECOMPUTED", "Encoder", "encode_dataset", "open_encoder", "precomputed_column"]
