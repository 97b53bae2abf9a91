"""Training on labels of which some are wrong: for selections that never looked at a label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from prune.core.column_name import EMBEDDING, FEATURES, OF_PAYLOADS, SCORE, ColumnName
from prune.core.errors import OptionError
from prune.scorers import SCORERS
from prune.steps.evaluate.costs import made_from
from prune.steps.evaluate.training_sets import TrainingSet
from prune.steps.label_noise import inject
from prune.store import SAMPLES, Dataset, Store


def with_wrong_labels(dataset: Dataset, rate: float, seed: int) -> Dataset:
    """Return a dataset in which this part of the labels is another class, any with the same odds.

    The same labels as `prune.noise.inject(labels, rate, classes=c, seed=seed)`.
    """
    noisy = inject(dataset.labels, rate, classes=len(dataset.classes), seed=seed).labels
    place = SAMPLES.get_field_index("label")
    column = pa.array(noisy, pa.int32(), mask=noisy < 0)
    return replace(dataset, samples=dataset.samples.set_column(place, SAMPLES.field("label"), column))


def require_blind(store: Store, chosen: TrainingSet, rate: float) -> None:
    """Refuse a selection that was chosen by the right labels, where training has wrong ones.

    Nobody who has wrong labels could have chosen it: its scores, its proxy and its quota knew better.

    Raises
    ------
    OptionError
        A label may have decided.
    """
    quota = chosen.about.get("quota", "none")
    by = [name for name, of in made_from(store, chosen.about.get("from", {})) if not _blind(store, name, of)]
    if quota == "none" and not by:
        return
    what = (
        f"by {ColumnName(by[0]).of if ColumnName(by[0]).kind == SCORE else by[0]}"
        if by
        else f"by {quota} quota"
    )
    raise OptionError(
        f"{chosen.spec} was chosen {what}, of the right labels, and {100 * rate:g} % would be wrong",
        "make the labels wrong before they are scored: prune score --labels FILE, then evaluate without "
        "--label-noise   # docs/evaluate.md",
    )


def noise_recipe(rate: float | None, seed: int) -> dict[str, Any] | None:
    """Return what cells say of it."""
    return None if not rate else {"rate": rate, "kind": "symmetric", "seed": seed}


def _blind(store: Store, name: str, of: str) -> bool:
    column = ColumnName(name)
    if column.kind == SCORE:
        scorer = SCORERS.get(str(store.open_column(name, of).recipe.get("method")))
        return scorer is not None and not scorer.looks_at_labels
    return column.kind in OF_PAYLOADS or (column.kind == EMBEDDING and column != FEATURES)
