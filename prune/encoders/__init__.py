"""One file per encoder: from images or texts to embeddings. Listed here or it does not exist."""

from __future__ import annotations

from collections.abc import Callable

from prune.core.errors import OptionError
from prune.core.method_rows import EncoderMethod
from prune.core.methods import table
from prune.core.progress import SILENT
from prune.encoders.clip import clip
from prune.encoders.clip_text import clip_text
from prune.encoders.cut_texts import cut_in, told_apart
from prune.encoders.efficientnet_lite0 import efficientnet_lite0
from prune.encoders.encode import Encoder, PayloadSource, encode_dataset
from prune.encoders.learning import learn_once, restore_from
from prune.encoders.ngrams import ngrams
from prune.encoders.pixels import pixels
from prune.encoders.precomputed import precomputed
from prune.encoders.sentence import sentence
from prune.encoders.static import static
from prune.encoders.timm import timm
from prune.encoders.torchvision import require_model, torchvision

ENCODERS = table(
    EncoderMethod(torchvision, typed="resnet18"),
    EncoderMethod(efficientnet_lite0),
    EncoderMethod(timm, typed="timm:resnet50", prefix="timm:"),
    EncoderMethod(clip, typed="clip:ViT-B-32.laion2b_s34b_b79k", prefix="clip:"),
    EncoderMethod(
        clip_text,
        typed="clip_text:ViT-B-32.laion2b_s34b_b79k",
        prefix="clip_text:",
        modalities=("text",),
    ),
    EncoderMethod(pixels),
    EncoderMethod(ngrams, modalities=("text",)),
    EncoderMethod(sentence, typed="sentence --weights FOLDER", modalities=("text",)),
    EncoderMethod(static, typed="static --weights FOLDER", modalities=("text",)),
    EncoderMethod(
        precomputed,
        typed="precomputed --features features.npy",
        modalities=("image", "text"),
        reads_features=True,
    ),
)
_OTHERS = [name for name, row in ENCODERS.items() if not row.needs]  # that have a name of their own
_PREFIXES = {row.prefix: row for row in ENCODERS.values() if row.prefix}
PRECOMPUTED = next(name for name, row in ENCODERS.items() if row.reads_features)

precomputed_column = precomputed


def open_encoder(
    name: str,
    *,
    weights: str | None = None,
    device: str = "cpu",
    seed: int = 0,
    learns_from: str = "",
    say: Callable[[str], None] = SILENT.say,
) -> Encoder:
    """Return the encoder called `name`: `pixels` or the like, a classifier of torchvision, `timm:resnet50`.

    Parameters
    ----------
    learns_from
        Fingerprint of the dataset that an encoder learns from which has no weights: see `learn_once`.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    OptionError
        It has no weights here, or has no use for them, or it reads features and encodes nothing.
    """
    row, model = _named(name)
    if row.reads_features:
        raise OptionError(f"the encoder {name} reads a file", "add --features X.npy, or X.parquet")
    if row.needs:
        network: Encoder = row.function(model, weights=weights, device=device, seed=seed, say=say)
        return network
    if weights is not None and not row.takes("weights"):
        raise OptionError(f"the encoder {name} has no weights, but got {weights!r}", "leave --weights out")
    known = {"weights": weights, "device": device, "seed": seed, "learns_from": learns_from, "say": say}
    encoder: Encoder = row.function(**{word: value for word, value in known.items() if row.takes(word)})
    return encoder


def modalities_of(name: str) -> tuple[str, ...]:
    """Return which payloads the encoder called `name` takes.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    """
    return _named(name)[0].modalities


def _named(name: str) -> tuple[EncoderMethod, str]:
    """Return the row of an encoder, and how its network is called there.

    Raises
    ------
    OptionError
        It is the name of a row whose networks have names of their own.
    UnknownNameError
        There is none of this name, as far as that is known without the libraries of extras.
    """
    prefix, colon, model = name.partition(":")
    row = _PREFIXES.get(prefix + (colon or ":"))
    if row is not None:
        if not model:
            raise OptionError(f"--encoder {name} wants the name of a model", f"--encoder {row.typed}")
        return row, model
    row = ENCODERS.get(name)
    if row is None or row.needs:
        require_model(name, _OTHERS)
        return ENCODERS["torchvision"], name
    return row, ""


__all__ = [
    "ENCODERS",
    "PRECOMPUTED",
    "Encoder",
    "PayloadSource",
    "cut_in",
    "encode_dataset",
    "learn_once",
    "modalities_of",
    "open_encoder",
    "precomputed_column",
    "restore_from",
    "told_apart",
]
