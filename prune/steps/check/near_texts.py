"""Texts that are nearly those of a held-out dataset: the same but for a word, or in most runs of words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.modalities.text.near_duplicates import THRESHOLD, WORDS, NearSearch, sketches
from prune.modalities.text.one_word import LEAST, same_but_for_a_word
from prune.modalities.text.texts import Texts
from prune.steps.dataset_session import Opened
from prune.steps.text_payloads import texts_of

NEAR = f"near is one word of at least {LEAST}, or {100 * THRESHOLD:g} % of the runs of {WORDS} words"
_NEVER = -1.0  # a similarity at which no text joins those that others are compared with


@dataclass(frozen=True)
class NearHeldOut:
    """For each of some texts the held-out one that it is nearly; aligned arrays."""

    one_word: Rows  # a row of the held-out dataset; −1 where there is none
    runs: Rows
    share: npt.NDArray[np.float64]  # of its words, that are those of the first
    jaccard: npt.NDArray[np.float64]  # of the sets of runs of it and of the second


def near_held_out(one: Opened, rows: Rows, two: Opened, others: Rows) -> NearHeldOut:
    """Compare the texts of `rows` of the one dataset with those of `others` of the held-out one.

    Texts are read twice, and those that meet one another by MinHash once more.
    """
    if not len(rows) or not len(others):
        nothing = np.full(len(rows), -1, np.int64)
        return NearHeldOut(nothing, nothing, *np.zeros((2, len(rows))))
    texts, known = _both(one, rows, two, others), len(others)
    word, share = same_but_for_a_word(texts, known)
    order = np.arange(texts.n)
    found = NearSearch(
        texts=texts, known=sketches(texts), order=order, fixed=order[:known], threshold=_NEVER
    ).run()
    partner, similarity = found.partner[known:], found.similarity[known:]
    near = (partner >= 0) & (similarity >= THRESHOLD)
    runs = np.where(near, others[np.where(near, partner, 0)], -1)
    return NearHeldOut(np.where(word >= 0, others[word], -1), runs, share, similarity)


def _both(one: Opened, rows: Rows, two: Opened, others: Rows) -> Texts:
    """Return the held-out texts, and behind them the others, numbered through."""
    first, second, known = texts_of(two, others), texts_of(one, rows), len(others)

    def read(wanted: Rows) -> Iterator[str]:
        yield from first.read(first.rows[wanted[wanted < known]])
        yield from second.read(second.rows[wanted[wanted >= known] - known])

    settings = one.settings
    return Texts(np.arange(known + len(rows)), read, settings.memory_limit, settings.reporter)
