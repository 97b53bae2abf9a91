"""The tokens of texts, as a model of the user's wants them: its tokenizer's, taken once into a column."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from prune.core.column_name import TOKENS, ColumnName
from prune.core.errors import OptionError
from prune.core.progress import SILENT, Reporter
from prune.modalities.text.batches import TextSource, read_texts
from prune.proxy.id_column import IdColumn
from prune.proxy.models import logits_of
from prune.proxy.user_network import guarded
from prune.store import Column, Dataset, Store

VERSION = 1  # raised when the same tokenizer would give other columns
MOST = 512  # tokens of a text, where the tokenizer sets no lower limit
_LIKE = "return a tokenizer of transformers from the factory, or one that is called as those are"
_TRIED = 64  # texts whose tokens tell tokenizers apart


class Tokens:
    """What a tokenizer of transformers makes of texts: ids (b, L), filled up with its padding.

    Raises
    ------
    OptionError
        It fails, has no padding, or gives no `input_ids`.
    """

    def __init__(self, tokenizer: Callable[..., Any]) -> None:
        self._tokenizer = tokenizer
        limit = getattr(tokenizer, "model_max_length", None)
        self.length = min(int(limit or MOST), MOST)
        pad = getattr(tokenizer, "pad_token_id", None)
        if pad is None:
            raise OptionError(
                f"{type(tokenizer).__name__} has no padding, so texts of unlike length make no batch",
                "set it in the factory: tokenizer.pad_token = tokenizer.eos_token",
            )
        self.pad = int(pad)

    def of(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the ids of texts."""
        asked = {"truncation": True, "max_length": self.length, "padding": "max_length"}
        ids: npt.NDArray[np.int32] = guarded(
            "the tokenizer cannot take texts",
            lambda: np.asarray(self._tokenizer(list(texts), **asked)["input_ids"], np.int32),
            _LIKE,
        )
        if ids.shape != (len(texts), self.length):
            raise OptionError(
                f"the tokenizer gives {ids.shape} ids of {len(texts)} texts, not {self.length} of each",
                _LIKE,
            )
        return ids


class OfTokens(nn.Module):
    """A model of transformers that is given ids alone: what is padding follows from them."""

    def __init__(self, model: nn.Module, pad: int) -> None:
        super().__init__()
        self.model, self.pad = model, pad

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits of ids (b, L); columns that are padding in every text are left out."""
        there = ids != self.pad
        used = there.any(0).nonzero()
        width = int(used[-1]) + 1 if len(used) else 1
        given = {"input_ids": ids[:, :width].long(), "attention_mask": there[:, :width].long()}
        return logits_of(self.model(**given))


def cache_tokens(
    store: Store, reader: TextSource, dataset: Dataset, tokens: Tokens, *, reporter: Reporter = SILENT
) -> Column:
    """Write the column `tokens.L`: int32 (n, L), or go on with it."""
    _, first = next(read_texts(reader, dataset.samples.slice(0, _TRIED), batch=_TRIED), (0, [""]))
    recipe = {
        "column": TOKENS,
        "version": VERSION,
        "data": dataset.fingerprint,
        "length": tokens.length,
        "padding": tokens.pad,
        "tokenizer": hashlib.sha256(tokens.of(first).astype("<i4").tobytes()).hexdigest(),
    }
    made = IdColumn(ColumnName.tokens(tokens.length), recipe, tokens.of, "taking texts apart into tokens")
    return made.write(store, reader, dataset, reporter)[0]
