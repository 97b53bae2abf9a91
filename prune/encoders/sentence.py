"""A transformer that embeds sentences: a folder as sentence-transformers writes it, read by transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Embeddings
from prune.core.errors import OptionError
from prune.core.safe_text import one_line, printable
from prune.encoders.at_once import AtOnce
from prune.encoders.extras import missing
from prune.encoders.local_model import plain_exceptions_as, require_model
from prune.encoders.sentence_settings import SentenceSettings, sentence_settings
from prune.encoders.text_encoder import TEXTS_AT_ONCE, TextEncoder
from prune.system.precision import precision_of

_WHAT = "of sentence-transformers: modules.json, config.json, model.safetensors, tokenizer.json"
_WIDEST = 64  # characters of a token that are looked at: so that a long text costs no more than its beginning
_SMALLER = "add --device cpu, or take a smaller model"


class Sentence(TextEncoder):
    """An encoder around a transformer, its tokenizer and what its folder says of both."""

    name = "sentence"
    batch = 256

    def __init__(self, weights: str, device: str, say: Callable[[str], None]) -> None:
        import torch

        from prune.encoders.weights import digest

        found = _ModelFiles(weights)
        self._settings = sentence_settings(found.find, printable(weights))
        self._tokenizer, module = found.load(self._settings)
        self._tokens = _limit(self._settings, self._tokenizer, module.config)
        self.precision = precision_of(device)
        self._digest = digest(module)
        self._device = torch.device(device)
        self._at_once = AtOnce(printable(weights), "text", TEXTS_AT_ONCE[device], _SMALLER, say)
        self._module = self._at_once.moved(module, self._device)

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on; the weights by their SHA-256."""
        return {
            "encoder": self.name,
            "weights": self._digest,
            **self._settings.described,
            "length": f"{self._tokens:,} tokens",
            "batch": self.batch,
            "precision": self.precision,
            "version": 1,
        }

    def prepared(self, texts: list[str]) -> tuple[Any, list[int]]:
        """Return the tokens of each text, and which of the texts were cut."""
        most = self._tokens * _WIDEST
        shown = [self._settings.prefix + text[:most] for text in texts]
        if self._settings.lower_case:
            shown = [text.lower() for text in shown]
        encoded = self._tokenizer(shown, truncation=True, max_length=self._tokens, padding=False)
        cut = [
            place
            for place, (one, text) in enumerate(zip(encoded.encodings or [], texts, strict=True))
            if len(text) > most or one.overflowing
        ]
        return [{name: encoded[name][i] for name in encoded} for i in range(len(texts))], cut

    def encode(self, payloads: Any) -> Embeddings:
        """Embed the tokens of texts as float32 (b, d), those of about the same length together.

        Raises
        ------
        OptionError
            Not even one text fits into the GPU's memory.
        """
        order = sorted(range(len(payloads)), key=lambda i: (-len(payloads[i]["input_ids"]), i))
        parts = self._at_once.parts(len(order), lambda part: self._embed([payloads[i] for i in order[part]]))
        embeddings: Embeddings = np.empty((len(payloads), parts[0].shape[1]), np.float32)
        embeddings[order] = np.concatenate(parts)
        return embeddings

    def _embed(self, tokens: list[dict[str, list[int]]]) -> Embeddings:
        import torch

        fed = {name: [one[name] for one in tokens] for name in tokens[0]}
        padded = self._tokenizer.pad(fed, return_tensors="pt").to(self._device)
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self.precision == "bfloat16"),
        ):
            hidden = self._module(**padded).last_hidden_state.float()
        pooled = torch.cat(
            [_POOLED[how](hidden, padded["attention_mask"]) for how in self._settings.pooling], 1
        )
        if self._settings.normalized:
            pooled = torch.nn.functional.normalize(pooled, dim=1)
        values: Embeddings = pooled.cpu().numpy()
        return values


def _mean(hidden: Any, mask: Any) -> Any:
    wide = mask.unsqueeze(-1).float()
    return (hidden * wide).sum(1) / wide.sum(1).clamp(min=1e-9)


def _mean_root(hidden: Any, mask: Any) -> Any:
    wide = mask.unsqueeze(-1).float()
    return (hidden * wide).sum(1) / wide.sum(1).clamp(min=1e-9).sqrt()


def _largest(hidden: Any, mask: Any) -> Any:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, -1e9).amax(1)


def _first(hidden: Any, mask: Any) -> Any:
    return hidden[range(len(hidden)), mask.argmax(1)]  # where the padding is on the left, not at 0


def _last(hidden: Any, mask: Any) -> Any:
    return hidden[range(len(hidden)), mask.shape[1] - 1 - mask.flip(1).argmax(1)]


_POOLED = {"mean": _mean, "mean_sqrt_len": _mean_root, "max": _largest, "cls": _first, "lasttoken": _last}


class _ModelFiles:
    """The files of a model: of a local folder, or of the hub where there is no folder of this name."""

    def __init__(self, weights: str) -> None:
        try:
            import transformers
        except ImportError as error:
            raise missing("transformers", "sentence", "text") from error
        self._transformers = transformers
        self._weights, self._local = weights, Path(weights).exists()
        if self._local and not Path(weights).is_dir():
            raise OptionError(f"{weights} is no folder", f"--weights FOLDER   # {_WHAT}")
        if self._local:
            require_model(Path(weights), ("modules.json", "config.json"), _WHAT)

    def find(self, name: str) -> Path | None:
        """Return where a file lies, or None; of the hub, it is fetched."""
        if self._local:
            path = Path(self._weights) / name
            return path if path.is_file() else None
        from transformers.utils.hub import cached_file

        try:
            found = cached_file(self._weights, name, _raise_exceptions_for_missing_entries=False)
        except (OSError, ValueError) as error:
            raise self._missing(error) from error
        return None if found is None else Path(found)

    def load(self, settings: SentenceSettings) -> tuple[Any, Any]:
        """Return the tokenizer and the network; weights are safetensors, and no code of the model runs."""
        where = str(Path(self._weights) / settings.place) if self._local else self._weights
        words: dict[str, Any] = {"local_files_only": self._local, "trust_remote_code": False}
        if not self._local and settings.place:
            words["subfolder"] = settings.place
        quiet = self._transformers.utils.logging
        before, bars = quiet.get_verbosity(), quiet.is_progress_bar_enabled()
        quiet.set_verbosity_error()  # a folder must not write to the terminal
        quiet.disable_progress_bar()
        try:
            with plain_exceptions_as(self._missing):
                tokenizer = self._transformers.AutoTokenizer.from_pretrained(where, use_fast=True, **words)
            module = self._transformers.AutoModel.from_pretrained(
                where, use_safetensors=True, dtype="float32", **words
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
            raise self._missing(error) from error
        finally:
            quiet.set_verbosity(before)
            if bars:
                quiet.enable_progress_bar()
        if not tokenizer.is_fast:
            raise OptionError(f"{self._weights} has no tokenizer.json", f"--weights FOLDER   # {_WHAT}")
        return tokenizer, module

    def _missing(self, error: Exception) -> OptionError:
        why = one_line(error)
        what = "cannot be read as a model" if self._local else "is neither a folder nor a model of the hub"
        return OptionError(f"{self._weights} {what}: {why}", f"--weights FOLDER   # {_WHAT}")


def _limit(settings: SentenceSettings, tokenizer: Any, config: Any) -> int:
    """Return how many tokens of a text are looked at: as the folder says, else what the network can."""
    known = [settings.length, tokenizer.model_max_length, getattr(config, "max_position_embeddings", None)]
    return min(int(one) for one in (known[:1] if settings.length else known) if one)


def sentence(*, weights: str | None = None, device: str, say: Callable[[str], None]) -> Sentence:
    """A sentence-transformers model, of a local folder (`--weights FOLDER`) or by its name on the hub; texts.

    Pooling, length limit, prefix (the prompt that the model takes by default) and normalisation are those of
    the folder; a plain transformer is pooled by the mean. Weights are read from safetensors only, and no code
    that comes with a model runs.

    Parameters
    ----------
    weights
        A folder, or a name on the Hugging Face hub such as `sentence-transformers/all-MiniLM-L6-v2`.
    device
        `cpu` or `cuda`.
    say
        Told when fewer texts go through the network at once because memory is short.

    Returns
    -------
    Encoder
        Of as many dimensions as the model has.

    Raises
    ------
    OptionError
        There is no such model, it has modules that are not known here, or `transformers` is not installed.

    References
    ----------
    Reimers & Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP 2019.
    """
    if weights is None:
        raise OptionError(
            "--encoder sentence wants --weights", f"--encoder sentence --weights FOLDER   # {_WHAT}"
        )
    return Sentence(weights, device, say)
