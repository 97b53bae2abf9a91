"""What a selector returns: rows in the order taken, a weight and a gain each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Gains, Rows, Weights

CLUSTER_OF = "cluster_of"  # the fact of a method that clusters: `rows`, and `of` which cluster each is
LEFT_OUT = "left_out"  # the fact of a method that cannot take some samples: `rows`, and the `reason`
KL_CURVE = "kl_curve"  # the fact of a method that follows a divergence: `kept`, and the `kl` after so many


@dataclass(frozen=True)
class Selection:
    """k rows. A smaller budget is a prefix, wherever the method allows."""

    rows: Rows
    weights: Weights
    gains: Gains
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else the method found; see `plain`

    @classmethod
    def of(
        cls,
        rows: Rows,
        gains: Gains | None = None,
        weights: Weights | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Selection:
        """Fill in weights of 1 and gains of 0 where a method has none."""
        k = len(rows)
        return cls(
            np.asarray(rows, np.int64),
            np.ones(k, np.float32) if weights is None else np.asarray(weights, np.float32),
            np.zeros(k, np.float32) if gains is None else np.asarray(gains, np.float32),
            facts or {},
        )

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, rows: Rows) -> Selection:
        """Return the same selection with positions in `rows` replaced by the rows themselves."""
        facts = dict(self.facts)
        if partners := facts.get("partners"):  # dropped samples, and the kept one that each duplicates
            facts["partners"] = {
                "rows": rows[np.asarray(partners["rows"], np.int64)],
                "of": rows[np.asarray(partners["of"], np.int64)],
            }
        for name in (CLUSTER_OF, LEFT_OUT):  # samples, and the cluster of each; and why they cannot be taken
            if about := facts.get(name):
                facts[name] = about | {"rows": rows[np.asarray(about["rows"], np.int64)]}
        if "dropped" in facts:  # samples that the method left out before it began
            facts["dropped"] = rows[np.asarray(facts["dropped"], np.int64)]
        return Selection.of(rows[self.rows], self.gains, self.weights, facts)

    @property
    def plain(self) -> Selection:
        """The same with facts as JSON has them: numbers of many rows, which are arrays, as lists."""
        return replace(self, facts=_plain(self.facts))


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in facts.items()
    }
    return {name: _plain(value) if isinstance(value, Mapping) else value for name, value in plain.items()}


_COUNTS = {
    "duplicates",
    "filled",
    "tied_at_cut",
    "too_short",
}  # facts that are numbers of samples: of classes, the sum


def merge(selections: Sequence[Selection]) -> Selection:
    """Interleave the selections of the classes so that every prefix keeps their shares, nearly.

    Sample r of the k_c of class c stands at ``(r + ½) / k_c``; ties by class.
    """
    place = [(np.arange(len(s)) + 0.5) / max(len(s), 1) for s in selections]
    which = np.repeat(np.arange(len(selections)), [len(s) for s in selections])
    order = np.lexsort((which, np.concatenate(place))) if place else np.empty(0, np.int64)

    def joined(parts: list[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
        return np.concatenate(parts)[order] if parts else np.empty(0)

    return Selection.of(
        joined([s.rows for s in selections]).astype(np.int64),
        joined([s.gains for s in selections]).astype(np.float32),
        joined([s.weights for s in selections]).astype(np.float32),
        _merged_facts([s.facts for s in selections]),
    )


def _merged_facts(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What holds of each group: the value where all agree, else the range; lists are joined, counts added."""
    merged: dict[str, Any] = {}
    if len(found) > 1:  # curves of several groups are none
        found = [{name: value for name, value in facts.items() if name != KL_CURVE} for facts in found]
    for name in dict.fromkeys(name for facts in found for name in facts):
        values = [facts[name] for facts in found if name in facts]
        merged[name] = sum(values) if name in _COUNTS else _merged_values(values)
    return merged


def _merged_values(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, Mapping) and all(isinstance(v, Mapping) for v in values):
        return _merged_facts(values)
    if isinstance(first, np.ndarray) or any(isinstance(value, np.ndarray) for value in values):
        return np.concatenate([np.asarray(value, np.int64) for value in values])
    if isinstance(first, list):
        return [entry for value in values for entry in value]
    if all(value == first for value in values):
        return first
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return {"least": min(values), "mean": sum(values) / len(values), "most": max(values)}
    return sorted({str(value) for value in values})
