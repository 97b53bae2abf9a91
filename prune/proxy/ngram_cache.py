"""The cache of n-grams: each text hashed once, as the int32 column that all epochs of a proxy read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from prune.core.column_name import NGRAMS, ColumnName
from prune.core.progress import SILENT, Reporter
from prune.modalities.text.batches import TextSource
from prune.modalities.text.ngram_ids import NgramIds
from prune.proxy.id_column import IdColumn
from prune.store import Carry, Column, Dataset, Store, nothing_carried

VERSION = 1  # raised when the same texts would give other ids
LEAST, MOST = 16, 1024  # ids of a text; 1024 are 512 words, and 4 KiB
FEWEST, USUAL = 1 << 12, 1 << 21  # buckets; fastText has always two million
_STEP = 16
_BYTES_AN_ID = 2  # of a text, at least: a word with its space takes 5 to 6, and gives two ids
_BYTES_A_BUCKET = 8  # of all texts: some four n-grams, of which most stand there more than once
_WHOLE = 0.95  # of the texts that are not to be cut


def cache_ngrams(
    store: Store,
    reader: TextSource,
    dataset: Dataset,
    *,
    like: Column | None = None,
    reporter: Reporter = SILENT,
    carry: Carry = nothing_carried,
) -> Column:
    """Write the column `ngrams.L`: int32 (n, L), the ids of each text's n-grams and then 0, or go on with it.

    Memory: as of `IdColumn`.

    Parameters
    ----------
    like
        The same of another dataset, whose L and ids these texts are to have; default: what suits them.
    carry
        Gives the rows of an earlier state of the dataset: these are not read.

    Returns
    -------
    Column
        Finished, to be published under `identity(column.recipe)`.

    Raises
    ------
    OutputError
        It will not fit on the disk.
    """
    recipe = ngrams_recipe(dataset, like)
    length = int(recipe["length"])
    hashed = NgramIds(length, recipe["buckets"])
    made = IdColumn(ColumnName.ngrams(length), recipe, hashed.of, "splitting texts into words", carry)
    column, anew = made.write(store, reader, dataset, reporter)
    if anew:
        cut, whole = cut_texts(column), len(dataset.usable)
        reporter.say(
            f"{column.name}: {cut:,} of {whole:,} texts have more than {length // 2} words and are cut"
        )
    return column


def fitting(sizes: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return L and buckets that suit texts of so many bytes: about 95 of 100 stay whole, up to 512 words."""
    if not len(sizes):
        return MOST, USUAL
    wanted = float(np.quantile(sizes, _WHOLE, method="higher")) / _BYTES_AN_ID
    length = min(max(int(-(-wanted // _STEP)) * _STEP, LEAST), MOST)
    buckets = 1 << max(int(sizes.sum()) // _BYTES_A_BUCKET - 1, 1).bit_length()
    return length, min(max(buckets, FEWEST), USUAL)


def cut_texts(column: Column) -> int:
    """Return how many texts have more n-grams than the column holds: only theirs reach its end."""
    return sum(int(np.count_nonzero(block[:, -1])) for _, block in column.blocks())


def ngrams_recipe(dataset: Dataset, like: Column | None = None) -> dict[str, Any]:
    """Return the recipe of `ngrams.L`."""
    if like is None:
        sizes = pc.drop_null(dataset.samples["image_size"].take(dataset.usable)).to_numpy()
        length, buckets = fitting(sizes)
    else:
        length, buckets = int(like.recipe["length"]), int(like.recipe["buckets"])
    return {
        "column": NGRAMS,
        "version": VERSION,
        "data": dataset.fingerprint,
        "length": length,
        "buckets": buckets,
    }
