"""Scores of images with their captions: which two columns are compared, and a block of both at a time."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Scores
from prune.core.column_name import EMBEDDING, ColumnName
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.core.method_names import caption_tower
from prune.core.method_rows import Scorer
from prune.core.store_option import in_store
from prune.modalities import MODALITIES
from prune.steps.dataset_session import Opened
from prune.steps.text_payloads import captions_in
from prune.store import Column

PICTURES, CAPTIONS = "pictures", "captions"  # what a method calls the two columns
_BLOCK = 8192  # rows of both at a time
_MODEL = "clip:ViT-B-32.laion2b_s34b_b79k"


def pair_of(opened: Opened, on: str | None) -> tuple[Column, Column]:
    """Return the columns of the images and of their captions, by both towers of one model.

    Parameters
    ----------
    on
        The encoder of the images, where there are several.

    Raises
    ------
    MissingColumnError
        There are no two such columns.
    OptionError
        There are several, and none was named.
    StoreError
        The two were made with other weights.
    """
    shown = set(opened.store.columns) if opened.store.holds_dataset(opened.fingerprint) else set[str]()
    known = [name.of for name in map(ColumnName, sorted(shown)) if _captions_of(name.of) in shown]
    wanted = None if on is None else ColumnName(on).of if ColumnName(on).kind == EMBEDDING else on
    if wanted not in {None, *known} or not known:
        named = _MODEL if wanted is None or caption_tower(wanted) is None else wanted
        if captions_in(opened) is None:
            held = MODALITIES[opened.dataset.modality].plural
            raise OptionError(
                f"the score clip compares images with captions, and the dataset is of {held} without",
                "say which: --image-column NAME --text-field NAME",
            )
        raise MissingColumnError(
            "there is no embedding of images and of their captions by one model", _embed(opened, named)
        )
    if wanted is None and len(known) > 1:
        raise OptionError(f"there are several embeddings of both: {', '.join(known)}", f"--on {known[0]}")
    encoder = wanted or known[0]
    pictures, captions = map(opened.store.column, (ColumnName.embedding(encoder), _captions_of(encoder)))
    if pictures.recipe.get("weights") != captions.recipe.get("weights"):
        raise StoreError(
            f"{pictures.name} and {captions.name} were made with different weights",
            _embed(opened, encoder),
        )
    return pictures, captions


def _embed(opened: Opened, encoder: str) -> str:
    """Return the command that makes both columns."""
    place = opened.location.get("data")
    data = [] if place is None else [str(place)]
    words = shlex.join(["prune", "embed", "--encoder", encoder, "--weights", "default", *data])
    return in_store(words, str(opened.store.path))


def _captions_of(encoder: str) -> ColumnName:
    return ColumnName.embedding(caption_tower(encoder) or "")


def pair_scores(pictures: Column, captions: Column, method: Scorer, options: Mapping[str, Any]) -> Scores:
    """Return the score of every sample, (n,); NaN where it has no image or no caption."""
    scores = np.full(len(pictures), np.nan, np.float32)
    for start in range(0, len(pictures), _BLOCK):
        stop = min(start + _BLOCK, len(pictures))
        seen, said = (np.asarray(one.read(start, stop), np.float32) for one in (pictures, captions))
        sound = np.flatnonzero(np.isfinite(seen).all(axis=1) & np.isfinite(said).all(axis=1))
        scores[start + sound] = method.function(seen[sound], said[sound], **options)
    return scores
