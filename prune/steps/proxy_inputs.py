"""What a proxy looks at that needs no embedding: the samples themselves, read once into a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prune.core.column_name import IMAGES, NGRAMS, ColumnName, of_kinds
from prune.core.errors import OptionError
from prune.core.method_rows import Scorer
from prune.steps.dataset_session import Opened
from prune.steps.expected_modality import require_images, require_texts

if TYPE_CHECKING:
    from prune.proxy import Training
    from prune.store import Column


def require_seen(opened: Opened, training: Training) -> None:
    """Refuse a proxy that looks at other samples than these; errors as of `require_images`."""
    if training.looks_at == NGRAMS:
        require_texts(opened.reader, opened.dataset)
    elif training.of_images:
        require_images(opened.reader, opened.dataset)


def require_continuous(methods: Mapping[str, Scorer], training: Training) -> None:
    """Refuse scores that move a sample a little, or take its length, where a network looks at words.

    Raises
    ------
    OptionError
        There is one.
    """
    names = [name for name, method in methods.items() if {"boundary", IMAGES} & set(method.needs)]
    if names and training.looks_at == NGRAMS:
        raise OptionError(
            f"{names[0]} looks at numbers that can change a little, and a text has words",
            "prune score --type margin   # how close the two likeliest classes are",
        )


def seen(opened: Opened, training: Training) -> Column:
    """Return the samples as a proxy looks at them: its `images.SIZE`, or its `ngrams.LENGTH`."""
    return _ngrams(opened) if training.looks_at == NGRAMS else opened.pixels(training.size)


def seen_as(opened: Opened, column: Column) -> Column:
    """Return the samples in the form that those of another dataset have in such a column."""
    if ColumnName(column.name).kind == NGRAMS:
        return _ngrams(opened, column)
    return opened.pixels(int(column.recipe["size"]))


def _ngrams(opened: Opened, like: Column | None = None) -> Column:
    """Return the words and word pairs of texts, hashed once: the column `ngrams.LENGTH`."""
    from prune.proxy.ngram_cache import cache_ngrams  # loads torch: only what looks at texts

    require_texts(opened.reader, opened.dataset)
    growth = opened.growth
    return cache_ngrams(
        opened.store,
        opened.payloads,
        opened.dataset,
        like=like or _ngrams_before(opened),
        reporter=opened.settings.reporter,
        carry=growth.made_alike,
    )


def _ngrams_before(opened: Opened) -> Column | None:
    """Return the n-grams that are there of a dataset that grew: proxies that looked at them go on so."""
    store, growth = opened.store, opened.growth
    if opened.settings.refresh or not store.exists():
        return None
    for name in of_kinds(store.columns if store.holds_dataset(opened.fingerprint) else (), NGRAMS):
        return store.column(name)
    for name in of_kinds(sorted({*store.columns, *store.earlier.columns}), NGRAMS):
        before = growth.earlier_of(name)
        column = None if before is None else store.whole_column(name, before[1])
        if column is not None:
            return column
    return None
