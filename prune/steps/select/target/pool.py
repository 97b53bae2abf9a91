"""The side of a target that is known already: the columns of the pool, and which others are of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prune.core.column_name import FEATURES, PROBS
from prune.steps.space_columns import GRADIENTS
from prune.store import SAMPLES, Column, Dataset, Store

LEARNT_FROM = "learnt_from"  # in the recipe of a column whose encoder learns from the dataset
_OF_THE_DATA = {
    "dataset",
    "dtype",
    "batch",
    "precision",
    "file",
    "captions",
}  # differ where the encoder does not


@dataclass(frozen=True)
class TargetPool:
    """The store that is selected from, and the space that it is selected in: a column, or `gradients`."""

    store: Store
    space: str

    @property
    def columns(self) -> list[Column]:
        """The columns that make the space: the errors first, of gradients, then the features."""
        names = (PROBS, FEATURES) if self.space == GRADIENTS else (self.space,)
        return [self.store.column(name) for name in names]

    @property
    def is_of_proxy(self) -> bool:
        """Whether the proxy made the space."""
        return self.space in {GRADIENTS, FEATURES}

    @property
    def is_of_texts(self) -> bool:
        """Whether texts are compared, be they samples or captions of images."""
        if not self.space:  # by a method that looks at the texts themselves
            return True
        return not self.is_of_proxy and "captions" in self.store.column(self.space).recipe

    @cached_property
    def dataset(self) -> Dataset:
        """The samples that are selected from."""
        return self.store.dataset

    def named(self, other: Dataset) -> Dataset:
        """Return another dataset with the classes of the pool."""
        return with_classes(other, self.dataset.classes)


def with_classes(other: Dataset, classes: list[str]) -> Dataset:
    """Return a dataset whose labels are ids of these classes, by name; no label where there is none."""
    names = pa.array(other.classes, pa.string()).take(other.samples["label"].combine_chunks())
    ids = pc.index_in(names, value_set=pa.array(classes, pa.string()), skip_nulls=True)
    place = SAMPLES.get_field_index("label")
    samples = other.samples.set_column(place, SAMPLES.field("label"), ids.cast(pa.int32()))
    return replace(other, classes=classes, samples=samples)


def essence(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two columns have in common whose rows can be compared.

    Of a proxy its training, of an encoder all but the data and what only touches the last digits. Numbers
    computed elsewhere say nothing about their origin, so any two of them pass.
    """
    if "trace" in recipe:
        return {name: recipe[name] for name in ("trace", "epoch")}
    return {name: value for name, value in recipe.items() if name not in _OF_THE_DATA}
