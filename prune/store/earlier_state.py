"""What a store still holds of its dataset as it was before: columns to carry over, selections to go on from.

In `store.json` it is the field `earlier`: `columns` {name: {`dataset`, `column`}}, `selections` {name:
SHA-256 of its `selection.json`} and `latest`. Nothing reads it as a fact of the dataset as it is now. A
column or a selection leaves it when one of its name is made again; all of it goes when the store starts over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prune.core.column_name import (
    DEEPFOOL,
    EMBEDDING,
    GRAD_NORM,
    OF_PAYLOADS,
    PROBS,
    SCORE,
    TRACE,
    ColumnName,
    of_kinds,
)

EARLIER = "earlier"
_CARRIED = (SCORE, TRACE, GRAD_NORM, DEEPFOOL, EMBEDDING, PROBS, *OF_PAYLOADS)  # kinds; others save time only


@dataclass(frozen=True)
class EarlierState:
    """The columns and selections of datasets before the one that a store is about."""

    columns: Mapping[str, tuple[str, str]]  # name -> fingerprint of the dataset, identity
    selections: Mapping[str, str]  # name -> SHA-256 of selection.json
    latest: str | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> EarlierState:
        """Read it from the state of a store.

        Raises
        ------
        ValueError
            It is not what `described` gave.
        """
        known = state.get(EARLIER, {})
        try:
            columns = {
                str(name): (str(of["dataset"]), str(of["column"]))
                for name, of in known.get("columns", {}).items()
            }
            selections = {str(name): str(of) for name, of in known.get("selections", {}).items()}
        except (AttributeError, TypeError, KeyError) as error:
            raise ValueError("this is not an earlier state") from error
        return cls(columns, selections, known.get("latest"))

    @classmethod
    def after(cls, state: Mapping[str, Any]) -> EarlierState:
        """Return what is earlier once the dataset of a state has changed: all that it shows, and has so."""
        before, dataset = cls.of(state), state.get("dataset")
        columns = dict(before.columns)
        for name in of_kinds(state["columns"], *_CARRIED) if dataset else ():
            columns[str(name)] = (str(dataset), state["columns"][name])
        return cls(
            columns,
            {**before.selections, **state["selections"]},
            state.get("latest") or before.latest,
        )

    def without(self, columns: Mapping[str, str], selections: Mapping[str, str]) -> EarlierState:
        """Return what is left once columns and selections of these names are shown again."""
        left = {name: of for name, of in self.selections.items() if name not in selections}
        latest = self.latest if self.latest in left and not selections else None
        return EarlierState(
            {name: of for name, of in self.columns.items() if name not in columns}, left, latest
        )

    @property
    def described(self) -> dict[str, Any]:
        """All of it, for the state; nothing where there is nothing."""
        if not self.columns and not self.selections:
            return {}
        columns = {name: {"dataset": data, "column": id_} for name, (data, id_) in self.columns.items()}
        told = {"columns": columns, "selections": dict(self.selections)}
        return {EARLIER: told | ({} if self.latest is None else {"latest": self.latest})}


def is_told(column: str) -> bool:
    """Whether a column of the dataset before is named to people: no companion, and nothing that is cached."""
    name = ColumnName(column)
    return name.whole == name and name.kind not in OF_PAYLOADS
