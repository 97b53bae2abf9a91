"""From words to scores of the store: which one is meant, what made it, and what its ends mean."""

from __future__ import annotations

from prune.core.column_name import ColumnName, scores_among
from prune.core.directions import low_is_hard
from prune.core.errors import OptionError
from prune.core.method_rows import Scorer
from prune.scorers import SCORERS
from prune.store import Column, Store


def score_column(store: Store, name: str | None, made_for: str = "") -> Column:
    """Return the score that `--score` names; by default the one a method is made for, else the only one."""
    if name is not None:
        return store.column(ColumnName.score(name))
    if made_for:
        return store.column(ColumnName.score(made_for))
    names = list(directions(store))
    if len(names) > 1:
        raise OptionError(
            f"there are several scores: {', '.join(names)}", f"--score {names[0]}   # or another"
        )
    return store.column(ColumnName.score(names[0] if names else "el2n"))


def scorer_of(column: Column) -> Scorer | None:
    """Return the row of the scorer that made a score; None where it was computed elsewhere."""
    return SCORERS.get(str(column.recipe["method"]))


def directions(store: Store) -> dict[str, str]:
    """What a high value of each score means."""
    return {name.of: store.column(name).recipe["high"] for name in scores_among(store.columns)}


def hardest_are_low(column: Column) -> bool:
    """Whether low values of a score are of the samples that say most: the hard, uncertain, atypical ones.

    Raises
    ------
    OptionError
        Nobody said what a high value means.
    """
    name, high = ColumnName(column.name).of, column.recipe["high"]
    low = low_is_hard(high)
    if low is None:
        raise OptionError(
            f"score {name} does not say whether high or low values are to be taken first",
            "--set lowest=false   # takes high ones first, --set lowest=true low ones",
        )
    return low
