"""From label texts to labels: from a file of their own, or as they stand; what counts as no class label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, Reader

_WHOLE = re.compile(r"-?[0-9]+\.0*")
_INTEGER = re.compile(r"-?[0-9]+")
UNFIT = "label "  # what the reason of a sample begins with whose label is no class
_DISTINCT = 0.9  # of texts, from which on they are no classes
_WORDS = 3  # of a text, on average
_LONGER = 10  # words of a text that is too long for a label
_FEW = 4  # texts that say nothing yet


def settle(raw: pa.Table, reader: Reader, say: Any) -> tuple[pa.Table, bool]:
    """Return the samples with the labels that count, and whether they come from a file of their own.

    Several labels a sample (a list), fractions and captions make no class: where the place of the label was
    not chosen by the user and no sample has another, the samples have none, and are not rejected for it.
    Whole floats are whole numbers. −1 is no label where the others count from 0.
    """
    file: LabelFile | None = getattr(reader, "label_file", None)
    guessed = file.field is None if file else bool(getattr(reader, "guesses_labels", False))
    if file is not None:
        found = file.labels(raw["key"], numbered=reader.format == "arrays")
        say(found.said)
        raw = _put(raw, "label", found.texts)
        raw = _without_unfit(raw)
    elif guessed and (told := _unfit(raw)):
        say(told)
        raw = _without_unfit(_put(raw, "label", pa.nulls(len(raw), pa.string())))
    if guessed and (told := _free_text(raw["label"])):
        say(told)
        raw = _put(raw, "label", pa.nulls(len(raw), pa.string()))
    texts, unknown = settled(raw["label"])
    if unknown:
        say(f"{unknown:,} of {len(raw):,} samples are labelled -1, which counts as no label")
    return _put(raw, "label", texts), file is not None


def settled(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Return label texts with whole floats as whole numbers and −1 as none, and how many were −1."""
    distinct = [text for text in pc.unique(texts).to_pylist() if text is not None]
    if any(_WHOLE.fullmatch(text) for text in distinct) and all(_is_whole(text) for text in distinct):
        named = pa.array(distinct, pa.string()), pa.array([text.split(".")[0] for text in distinct])
        texts = named[1].take(pc.index_in(texts, value_set=named[0], skip_nulls=True))
        texts = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])
        distinct = [text.split(".")[0] for text in distinct]
    others = set(distinct) - {"-1"}
    counted = "-1" in distinct and "0" in others and all(text.isdecimal() for text in others)
    if not counted:
        return texts, 0
    unknown = pc.fill_null(pc.equal(texts, "-1"), False)
    return pc.if_else(unknown, pa.scalar(None, pa.string()), texts), pc.sum(unknown).as_py()


def _is_whole(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text) or _INTEGER.fullmatch(text))


def _unfit(raw: pa.Table) -> str:
    """Say why no label of the dataset is a class; nothing where one is, or there are none."""
    reasons = raw["reason"].drop_null()
    unfit = reasons.filter(pc.starts_with(reasons, UNFIT))
    told = len(unfit)
    if not told or (raw["label"].null_count < len(raw) and not _free_text(raw["label"], told)):
        return ""
    return f"no class labels: of {told:,} of {len(raw):,} samples, the first {unfit[0].as_py()}"


def _without_unfit(raw: pa.Table) -> pa.Table:
    """Forget the reasons that only concern labels which no longer count."""
    unfit = pc.fill_null(pc.starts_with(raw["reason"], UNFIT), False)
    return _put(raw, "reason", pc.if_else(unfit, pa.scalar(None, pa.string()), raw["reason"]))


def _free_text(texts: pa.ChunkedArray, longer: int = 0) -> str:
    """Say that label texts are captions: of several words, nearly all distinct; else nothing."""
    known = texts.drop_null()
    distinct = pc.unique(known)
    n = len(known) + longer
    if n < _FEW or len(distinct) + longer < _DISTINCT * n:
        return ""
    words = pc.add(pc.count_substring(distinct, " "), 1).to_numpy(zero_copy_only=False)
    if words.sum() + _LONGER * longer < _WORDS * (len(distinct) + longer):
        return ""
    shown = distinct[0].as_py() if len(distinct) else ""
    return f"no class labels: the texts are captions, such as {shown[:60]!r}, and nearly all differ"


def _put(raw: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    return raw.set_column(RAW.get_field_index(name), RAW.field(name), values)
