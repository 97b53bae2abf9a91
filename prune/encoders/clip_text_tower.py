"""The text tower of a model of open_clip, on a device, fed tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prune.core.arrays import Embeddings
from prune.core.errors import OptionError
from prune.core.safe_text import one_line
from prune.encoders.at_once import AtOnce
from prune.encoders.clip_network import in_silence, open_model
from prune.encoders.text_encoder import TEXTS_AT_ONCE, TextEncoder
from prune.encoders.weights import digest
from prune.system.precision import precision_of

_WIDEST = 16  # characters of a token that are looked at: words without end cost their square
_KNOWN = 1 << 17  # words whose tokens are remembered
_SMALLER = "add --device cpu, or take a smaller model"


class ClipTexts(TextEncoder):
    """An encoder around a text tower and its tokenizer."""

    batch = 256

    def __init__(
        self, model: str, weights: str | None, device: str, seed: int, say: Callable[[str], None]
    ) -> None:
        opened = open_model(model, weights, seed, prefix="clip_text:")
        self.name = opened.name
        self._tokenizer = _tokenizer_of(model.partition(".")[0], self.name)
        self._remembered = dict(getattr(self._tokenizer, "cache", {}))
        self.precision, self._device = precision_of(device), torch.device(device)
        tower = _TextTower(opened.module)
        self._weights = digest(tower)
        self._at_once = AtOnce(self.name, "text", TEXTS_AT_ONCE[device], _SMALLER, say)
        self._module = self._at_once.moved(tower, self._device)

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on; the weights, of both towers, by their SHA-256."""
        return {
            "encoder": self.name,
            "weights": self._weights,
            "normalized": True,
            "length": f"{self._tokenizer.context_length:,} tokens",
            "batch": self.batch,
            "precision": self.precision,
            "version": 1,
        }

    def prepared(self, texts: list[str]) -> tuple[Tensor, list[int]]:
        """Return the tokens of each text (b, L), and the places of those that are longer."""
        most = self._tokenizer.context_length * _WIDEST
        with in_silence():
            tokens: Tensor = self._tokenizer([text[:most] for text in texts])
        pairs = enumerate(zip(texts, tokens, strict=True))
        cut = [place for place, (text, row) in pairs if self._is_cut(text, most, row)]
        if len(self._remembered) and len(self._tokenizer.cache) > _KNOWN:
            self._tokenizer.cache = dict(self._remembered)
        return tokens, cut

    def _is_cut(self, text: str, most: int, tokens: Tensor) -> bool:
        if len(text) > most or not hasattr(self._tokenizer, "encode") or not int(tokens[-1]):
            return len(text) > most
        return len(self._tokenizer.encode(text)) + 2 > len(tokens)  # what begins and ends a text are two

    def encode(self, payloads: Tensor) -> Embeddings:
        """Embed tokens (b, L) as float32 (b, d), in smaller pieces if the GPU's memory is short.

        Raises
        ------
        OptionError
            Not even one text fits.
        """
        return np.concatenate(self._at_once.parts(len(payloads), lambda part: self._embed(payloads[part])))

    def _embed(self, tokens: Tensor) -> Embeddings:
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self.precision == "bfloat16"),
        ):
            embedded: Embeddings = self._module(tokens.to(self._device)).float().cpu().numpy()
        return embedded


class _TextTower(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Return vectors of length 1."""
        embedded: Tensor = self.model.encode_text(tokens, normalize=True)
        return embedded


def _tokenizer_of(model: str, name: str) -> Any:
    """Return the tokenizer of a model; that of most comes with open_clip.

    Raises
    ------
    OptionError
        It lies on a hub, and not on this machine.
    """
    import open_clip

    try:
        with in_silence():
            return open_clip.get_tokenizer(model)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
        why = one_line(error)
        raise OptionError(
            f"the tokenizer of {name} cannot be read: {why}",
            "--encoder clip_text:ViT-B-32.laion2b_s34b_b79k   # whose tokenizer comes with open_clip",
        ) from error
