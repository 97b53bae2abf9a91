"""A vector for every token, and their mean for a text: a folder as model2vec writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array, Embeddings
from prune.core.errors import OptionError
from prune.encoders.extras import missing
from prune.encoders.local_model import (
    digest_of_files,
    model_folder,
    plain_exceptions_as,
    read_settings,
    require_model,
)
from prune.encoders.text_encoder import TextEncoder

_USUAL_TOKENS = 512  # model2vec's own limit
_WHAT = "that model2vec wrote: model.safetensors, tokenizer.json, config.json"
_UNKNOWN = ("unk_token", "unk_id")  # of the model of a tokenizer: a token, or its number


class Static(TextEncoder):
    """A table of token vectors."""

    name = "static"
    batch = 256

    def __init__(self, folder: Path) -> None:
        try:
            import tokenizers
        except ImportError as error:
            raise missing("tokenizers", self.name, "text") from error
        require_model(folder, ("model.safetensors",), _WHAT)
        settings = read_settings(folder / "config.json")
        said = read_settings(folder / "tokenizer.json")
        if not said.get("model"):
            raise OptionError(f"{folder} has no tokenizer.json", f"--weights FOLDER   # {_WHAT}")
        with plain_exceptions_as(lambda _: _no_tokenizer(folder)):
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokens = settings.get("max_length", _USUAL_TOKENS)
        if self._tokens is not None:
            self._tokenizer.enable_truncation(self._tokens)
        self._unknown = _unknown_of(said["model"], self._tokenizer)
        self._normalized = bool(settings.get("normalize", False))
        self._vectors, self._places, self._weights = _tensors(folder, self._tokenizer.get_vocab_size())
        self._characters = _characters(self._tokens, self._tokenizer)
        self._digest = digest_of_files(
            [folder / name for name in ("model.safetensors", "tokenizer.json", "config.json")]
        )

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on; the files by their SHA-256."""
        return {
            "encoder": self.name,
            "weights": self._digest,
            "pooling": "mean",
            "normalized": self._normalized,
            "length": "no limit" if self._tokens is None else f"{self._tokens:,} tokens",
            "batch": self.batch,
            "version": 1,
        }

    def prepared(self, texts: list[str]) -> tuple[Any, list[int]]:
        """Return which tokens each text has, sparse (b, v): rows whose weights sum to 1, or empty ones.

        Beside them stands which of the texts were cut.
        """
        import scipy.sparse

        known = [text[: self._characters] for text in texts]
        encoded = self._tokenizer.encode_batch(known, add_special_tokens=False)
        cut = [
            place
            for place, (one, text, shown) in enumerate(zip(encoded, texts, known, strict=True))
            if one.overflowing or len(text) > len(shown)
        ]
        tokens = [[token for token in one.ids if token != self._unknown] for one in encoded]
        lengths = np.array([len(one) for one in tokens])
        flat = np.array([token for one in tokens for token in one], np.int64)
        shares = np.repeat(1 / np.maximum(lengths, 1), lengths) * self._weights[flat]
        shape = (len(texts), len(self._vectors))
        edges = np.concatenate([[0], np.cumsum(lengths)])
        return scipy.sparse.csr_matrix((shares, self._places[flat], edges), shape=shape), cut

    def encode(self, payloads: Any) -> Embeddings:
        """Return the mean of the vectors, float32 (b, d); zeros of a text without a known token."""
        mean = np.asarray(payloads @ self._vectors, np.float64)
        if self._normalized:
            mean /= np.maximum(np.sqrt(np.square(mean).sum(1, keepdims=True)), 1e-32)
        embeddings: Embeddings = mean.astype(np.float32)
        return embeddings


def static(*, weights: str | None = None) -> Static:
    """Mean of static token vectors, of a local model2vec folder (`--weights FOLDER`); texts, quick on a CPU.

    Parameters
    ----------
    weights
        A folder with `model.safetensors` (`embeddings`, and perhaps `weights` and `mapping`),
        `tokenizer.json` and `config.json`.

    Returns
    -------
    Encoder
        Of as many dimensions as the vectors have; of length 1 if the folder says so.

    Raises
    ------
    OptionError
        There is no such folder, its files do not fit together, or `tokenizers` is not installed.

    References
    ----------
    Tulkens & van Dongen, "Model2Vec: Fast State-of-the-Art Static Embeddings", 2024.
    """
    return Static(model_folder(weights, "static", _WHAT))


def _no_tokenizer(folder: Path) -> OptionError:
    return OptionError(
        f"{folder / 'tokenizer.json'} cannot be read as a tokenizer", "get the folder of the model anew"
    )


def _tensors(folder: Path, tokens: int) -> tuple[Embeddings, Array, Array]:
    """Return the vectors, the row of each token among them, and the weight of each token."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / "model.safetensors"
    try:
        found = load_file(path)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise OptionError(f"{path} cannot be read as weights", f"--weights FOLDER   # {_WHAT}") from error
    tables = [one for one in found.values() if one.ndim == 2]  # sentence-transformers calls its one otherwise
    if "embeddings" not in found and len(tables) != 1:
        what = f"{path} holds no table of token vectors, but {len(found)} other arrays"
        raise OptionError(what, f"--weights FOLDER   # {_WHAT}")
    vectors = found.get("embeddings", tables[0] if tables else np.empty(0))
    places = found.get("mapping", np.arange(len(vectors)))
    weights = found.get("weights", np.ones(len(places)))
    fits = vectors.ndim == 2 and min(len(places), len(weights)) >= tokens
    if not fits or (len(places) and int(places.max()) >= len(vectors)):
        shape = "×".join(map(str, vectors.shape))
        raise OptionError(
            f"{path} has vectors of {shape} for {tokens} tokens", f"--weights FOLDER   # {_WHAT}"
        )
    return vectors.astype(np.float32), places.astype(np.int64), weights.astype(np.float64)


def _unknown_of(model: Mapping[str, Any], tokenizer: Any) -> int | None:
    """Return the token that stands for what is not in the vocabulary: it says nothing of a text."""
    named, number = (model.get(name) for name in _UNKNOWN)
    if isinstance(named, str):
        found: int | None = tokenizer.token_to_id(named)
        return found
    return number if isinstance(number, int) else None


def _characters(tokens: int | None, tokenizer: Any) -> int | None:
    """Return how many characters of a text are looked at, so that a long one costs little, as model2vec."""
    if tokens is None:
        return None
    return tokens * int(np.median([len(token) for token in tokenizer.get_vocab()]))
