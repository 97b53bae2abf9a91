"""What the page is about: one selection, and what the store knows of the samples it chose from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc

from prune.core.arrays import Array, Labels, Rows, Scores
from prune.core.column_name import EMBEDDING, PROBS, ColumnName, of_kinds, scores_among
from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.steps.explain.doubted_labels import DoubtedLabels, doubted_labels
from prune.steps.rejects import all_rejects
from prune.steps.settings import Settings
from prune.store import Column, Dataset, Store, StoredSelection

_MOST_PROBS = 200_000_000  # numbers of the predictions that are held in memory
_LEAKED = "leak_of_key"  # of a manifest, where leaks were looked for
_USUAL = ("el2n", "grad_norm", "aum", "loss", "confidence", "forgetting")  # scores that say what hard is


@dataclass(frozen=True)
class Subject:
    """A selection with its dataset."""

    store: Store
    chosen: StoredSelection
    dataset: Dataset
    settings: Settings
    reasons: Mapping[int, str] = field(repr=False)  # row -> why it was left out or cannot be read
    partners: Mapping[int, int] = field(repr=False)  # row -> the sample that it is a duplicate of
    leaks: Mapping[int, str] = field(repr=False)  # row -> the key of the held-out sample that it stands for

    @property
    def about(self) -> Mapping[str, Any]:
        """What `selection.json` says."""
        return self.chosen.about

    @functools.cached_property
    def kept(self) -> Array:
        """(n,) whether a sample was kept."""
        mask = np.zeros(len(self.dataset), bool)
        mask[self.chosen.rows] = True
        return mask

    @functools.cached_property
    def dropped(self) -> Array:
        """(n,) whether a sample could have been kept and was not."""
        mask = np.zeros(len(self.dataset), bool)
        mask[self.dataset.usable] = True
        mask[list(self.rejects)] = False
        return mask & ~self.kept

    @functools.cached_property
    def rejects(self) -> dict[int, str]:
        """Rows that cannot be used, with the reason of each."""
        return all_rejects(self.store, self.dataset)

    @functools.cached_property
    def doubted(self) -> DoubtedLabels | None:
        """The labels in doubt; None where nothing doubts them, or it would take too much memory."""
        if self.probs is not None and self.probs.shape[0] * self.probs.shape[1] > _MOST_PROBS:
            return None
        try:
            return doubted_labels(self.store, self.dataset)
        except (DataError, OptionError, MissingColumnError):  # no labels, or nothing to tell by
            return None

    @functools.cached_property
    def labels(self) -> Labels:
        """(n,) class ids; -1 where there is none."""
        return self.dataset.labels

    @functools.cached_property
    def scores(self) -> list[ColumnName]:
        """The scores, the one that matters most first: chosen by, then the usual ones."""
        names = scores_among(self.store.columns)
        used = [ColumnName(name).of for name in self.about.get("from", {}) if ColumnName(name).is_score]
        first = [*used, *_USUAL]
        return sorted(names, key=lambda name: first.index(name.of) if name.of in first else len(first))

    def high(self, score: ColumnName) -> str:
        """Return what a high value of a score means; nothing where nobody said."""
        return str(self.store.column(score).recipe.get("high") or "")

    @functools.cached_property
    def embedding(self) -> Column | None:
        """The embedding that was chosen in, else any that there is."""
        shown = of_kinds(self.store.columns, EMBEDDING)
        used = [name for name in shown if name in self.about.get("from", {})]
        return self.store.column((used or shown)[0]) if shown else None

    @functools.cached_property
    def probs(self) -> Column | None:
        """The predictions of the proxy, if there are any."""
        return self.store.column(PROBS) if PROBS in self.store.columns else None

    def draw(self, rows: Rows, most: int, of: int) -> Rows:
        """Return up to so many of these rows, ascending: drawn by the seed and a number."""
        if len(rows) <= most:
            return np.sort(rows)
        rng = np.random.default_rng([self.settings.seed, of])
        drawn: Rows = np.sort(rng.choice(rows, most, replace=False))
        return drawn

    def values(self, score: ColumnName) -> Scores:
        """(n,) a score."""
        return self.store.column(score).read()


def subject(store: Store, chosen: StoredSelection, settings: Settings) -> Subject:
    """Gather what the page needs of a selection; of its manifest, the columns that it needs."""
    table = chosen.manifest_columns("reason", "duplicate_of")
    leaked = chosen.manifest_columns(_LEAKED)[_LEAKED] if chosen.about.get("leaks") else table["reason"][:0]
    reasons, partners = table["reason"], table["duplicate_of"]
    said = np.flatnonzero(pc.is_valid(reasons).to_numpy())
    leaks = np.flatnonzero(pc.is_valid(leaked).to_numpy())
    like = np.flatnonzero(pc.is_valid(partners).to_numpy())
    return Subject(
        store=store,
        chosen=chosen,
        dataset=store.dataset,
        settings=settings,
        reasons=dict(zip(said.tolist(), reasons.take(said).to_pylist(), strict=True)),
        partners=dict(zip(like.tolist(), partners.take(like).to_pylist(), strict=True)),
        leaks=dict(zip(leaks.tolist(), leaked.take(leaks).to_pylist(), strict=True)),
    )
