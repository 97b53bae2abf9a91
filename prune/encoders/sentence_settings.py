"""What a sentence-transformers folder says of its model: pooling, length, prefix, and what comes after."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.encoders.local_model import read_settings

_MODES = {  # of pooling, as its config spells them; where there are several, their vectors stand side by side
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_KNOWN = {"cls", "max", "mean", "mean_sqrt_len", "lasttoken"}
_LENGTHS = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json")
_MOST_TOKENS = 1 << 20  # a tokenizer without a limit says 10^30


@dataclass(frozen=True)
class SentenceSettings:
    """How a model of sentences is to be used."""

    place: str  # of the transformer, below the folder
    pooling: tuple[str, ...]
    normalized: bool
    length: int | None  # in tokens; None: as the tokenizer and the network say
    lower_case: bool
    prefix: str

    @property
    def described(self) -> dict[str, Any]:
        """What the recipe of a column says of it."""
        return {
            "pooling": " ".join(self.pooling),
            "normalized": self.normalized,
            "lower_case": self.lower_case,
            "prefix": self.prefix,
        }


def sentence_settings(find: Callable[[str], Path | None], name: str) -> SentenceSettings:
    """Read the settings of a folder; of one without `modules.json`, a plain transformer, pool by the mean.

    Parameters
    ----------
    find
        Returns where a file of the folder lies, or None.

    Raises
    ------
    OptionError
        The folder has a module that is not known here, or files that cannot be read.
    """
    modules = _modules(find("modules.json"))
    kinds = [str(one.get("type", "")).rpartition(".")[2] for one in modules] or ["Transformer"]
    strange = [kind for kind in kinds if kind not in {"Transformer", "Pooling", "Normalize"}]
    if strange or kinds[0] != "Transformer":
        raise OptionError(
            f"the model {name} has a module {(strange or kinds)[0]}, which --encoder sentence does not know",
            "compute features with its own library, and prune embed --features FEATURES.npy",
        )
    place = str(modules[0].get("path", "")) if modules else ""
    pooling = next((m["path"] for m, k in zip(modules, kinds, strict=False) if k == "Pooling"), None)
    lengths = [_read(find(f"{place}/{file}" if place else file)) for file in _LENGTHS]
    said: Mapping[str, Any] = next((found for found in lengths if found), {})
    prompts = _read(find("config_sentence_transformers.json"))
    usual = prompts.get("default_prompt_name")
    length = said.get("max_seq_length")
    return SentenceSettings(
        place=place,
        pooling=("mean",) if pooling is None else _pooling(_read(find(f"{pooling}/config.json")), name),
        normalized="Normalize" in kinds,
        length=length if isinstance(length, int) and 0 < length < _MOST_TOKENS else None,
        lower_case=bool(said.get("do_lower_case", False)),
        prefix=str((prompts.get("prompts") or {}).get(usual) or "") if usual else "",
    )


def _pooling(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    said = config.get("pooling_mode")
    told = said if isinstance(said, list) else [said]
    modes = tuple(map(str, told)) if said else tuple(m for key, m in _MODES.items() if config.get(key))
    if not modes:
        return ("mean",)
    if strange := [mode for mode in modes if mode not in _KNOWN]:
        raise OptionError(
            f"the model {name} pools by {strange[0]}, which --encoder sentence does not know",
            "compute features with its own library, and prune embed --features FEATURES.npy",
        )
    return modes


def _read(path: Path | None) -> dict[str, Any]:
    return {} if path is None else read_settings(path)


def _modules(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError(f"{path} cannot be read as JSON", "get the folder of the model anew") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise OptionError(f"{path} holds no list of modules", "get the folder of the model anew")
    return found
