"""The rule that decided about a sample, in words: what left it out, or why it was not taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.column_name import ColumnName
from prune.core.errors import StoreError
from prune.core.method_rows import Selector
from prune.core.safe_text import number
from prune.selectors import SELECTORS
from prune.steps.check.copies import COPY
from prune.steps.check.leaks import LEAK
from prune.steps.select.narrowing import reason_within
from prune.steps.select.suspect_list import SUSPECT
from prune.steps.select.where import FAILS, UNKNOWN
from prune.store import HELD_OUT, Store, StoredSelection, read_selection

KEPT, DROPPED, GIVEN, UNUSABLE = "kept", "dropped", "given", "unusable"
_GIVEN = "given"  # as the manifest says it
_SPLIT = {"proportional", "equal", "drop"}  # quotas that choose within a class
_REASONS = {  # of the manifest that want more words
    SUSPECT: "its label is in doubt (--drop-suspects)",
    HELD_OUT: "it is held out, to be tested on (--holdout)",
    LEAK: "it is in a held-out dataset, or a copy of a sample of it (--drop-leaks)",
}
_OF_WHERE = {FAILS: "it does not meet --where", UNKNOWN: "it lacks a value that --where asks for"}
_ALIKE = {"duplicate": "is like", "redundant": "is redundant beside"}


@dataclass(frozen=True)
class Ruling:
    """What became of a sample, and why."""

    verdict: str  # kept, dropped, given or unusable
    why: str


class Rules:
    """What decided in one selection, and in the earlier ones that it was chosen within."""

    def __init__(
        self,
        chosen: StoredSelection,
        manifest: pa.Table,
        unusable: Mapping[int, str],
        earlier: Rules | None = None,
        held_out: Collection[int] = (),
    ) -> None:
        self.name, self.about, self._manifest, self._unusable = chosen.name, chosen.about, manifest, unusable
        self._earlier = earlier
        self._reasons, self._selected = manifest["reason"], manifest["selected"].to_numpy()
        self._labels = manifest["label"].fill_null(-1).to_numpy()
        self._could = np.ones(len(manifest), bool)  # be kept
        self._could[[row for row in (*unusable, *held_out) if row < len(manifest)]] = False

    @property
    def selector(self) -> Selector | None:
        """The row of the method; None of one that a newer or an older version has."""
        return SELECTORS.get(str(self.about["method"]))

    @property
    def _lost_earlier(self) -> bool:
        """Whether it was chosen within a selection that can no longer be asked what it did."""
        return bool(self.about.get("within")) and self._earlier is None

    @property
    def score(self) -> str | None:
        """The score that decided, if one did."""
        asked, selector = self.about.get("asked", {}).get("score"), self.selector
        if selector is None or not ("scores" in selector.needs or (selector.takes("scores") and asked)):
            return None
        names = [name for name in map(ColumnName, self.about.get("from", {})) if name.is_score]
        cut = (self.about.get("drop_hardest") or {}).get("by")
        decided = [name.of for name in names if len(names) == 1 or name.of != cut]
        found = asked or selector.score or next(iter(decided), None)
        return found if found and ColumnName.score(found) in self._manifest.column_names else None

    def group(self, row: int) -> Rows:
        """Return the rows that a sample was chosen among: its class, where the budget is split over them."""
        if not self._is_split:
            return np.flatnonzero(self._could)
        if "group" in self._manifest.column_names:
            groups = self._manifest["group"]
            mine = pc.equal(groups, groups[row]).to_numpy(zero_copy_only=False)
        else:
            mine = self._labels == self._labels[row]
        return np.flatnonzero(mine & self._could)

    @property
    def _is_split(self) -> bool:
        """Whether the budget is split over classes or groups."""
        return self.about.get("asked", {}).get("quota") in _SPLIT

    def of(self, row: int) -> Ruling:
        """Return what became of a sample, in one sentence."""
        method = self.about["method"]
        reason = self._reasons[row].as_py()
        if self._selected[row]:
            return Ruling(KEPT, f"{method} took it: {self._summary()}{self._among()}")
        if row in self._unusable:
            return Ruling(UNUSABLE, f"it cannot be used: {self._unusable[row]}")
        if reason == _GIVEN:
            return Ruling(GIVEN, "it was given as chosen already, and counts as kept beside the selection")
        if (before := self._decided_before(row, reason)) is not None:
            return Ruling(DROPPED, before)
        if reason is not None:
            return Ruling(DROPPED, self._left_out(row, reason))
        return Ruling(DROPPED, f"{method} did not take it{self._full(row)}: {self._missed(row)}")

    def _summary(self) -> str:
        return "it is among those chosen" if self.selector is None else _lowered(self.selector.summary)

    def _among(self) -> str:
        within = self.about.get("within")
        return f", among the {number(within['k'])} that {within['name']} kept" if within else ""

    def _decided_before(self, row: int, reason: str | None) -> str | None:
        """Say what the earlier selection did, where a sample was not there to be chosen for that reason."""
        within = self.about.get("within")
        if not within:
            return None
        earlier = self._earlier
        if earlier is None:
            gone = f"{self.name} was chosen within {within['name']}, which was made again since or is gone"
            return f"{gone}, and did not keep it" if reason == reason_within(within["name"], None) else None
        there = earlier._reasons[row].as_py()
        if earlier._selected[row] or reason != reason_within(earlier.name, there):
            return None
        ruling = earlier.of(row)
        return f"{earlier.name}, which {self.name} was chosen within, did not keep it: {ruling.why}"

    def _left_out(self, row: int, reason: str) -> str:
        """Say what the manifest gives as the reason."""
        cut = self.about.get("drop_hardest") or {}
        if reason == COPY:
            partner = self._manifest["duplicate_of_key"][row].as_py()
            return f"it was left out: it is a copy of {partner}, which stands before it (--drop-duplicates)"
        if reason in _ALIKE:
            partner = self._manifest["duplicate_of_key"][row].as_py()
            who = "it was left out" if self._lost_earlier else f"{self.about['method']} left it out"
            return f"{who}: it {_ALIKE[reason]} {partner}, which ranks before it"
        if reason.startswith("hardest") and cut and reason == cut.get("reason"):
            return f"it was left out before the choice, among the {reason} by {cut['by']}"
        if reason in _OF_WHERE and (where := self.about.get("where")):
            return f"it was left out: {_OF_WHERE[reason]}: {where['condition']}"
        return f"it was left out: {_REASONS.get(reason, reason)}"

    def _full(self, row: int) -> str:
        """Say how many of its class were kept, where the budget is split over classes."""
        if not self._is_split:
            return ""
        group = self.group(row)
        kept = int(self._selected[group].sum())
        who = "group" if "group" in self._manifest.column_names else "class"
        return f" among the {number(kept)} of {number(len(group))} that its {who} keeps"

    def _missed(self, row: int) -> str:
        """Say why others went before it."""
        if self.selector is None:
            return "others went before it"
        return self.selector.missed.format(**self._numbers(row))

    def _numbers(self, row: int) -> dict[str, Any]:
        """Return what a sentence of a selector may name, for its group: the score of those taken."""
        name = self.score
        if name is None:
            return dict.fromkeys(("value", "last", "low", "high"), "unknown") | {"score": "score"}
        scores = self._manifest[ColumnName.score(name)].to_numpy()
        taken = self.group(row)[self._selected[self.group(row)]]
        ranks = self._manifest["rank"].take(pa.array(taken)).to_numpy()
        found = {"score": name, "value": number(float(scores[row]))}
        if not len(taken):
            return found | dict.fromkeys(("last", "low", "high"), "none")
        last = scores[taken[int(np.argmax(ranks))]]
        ends = {"last": last, "low": scores[taken].min(), "high": scores[taken].max()}
        return found | {what: number(float(value)) for what, value in ends.items()}


def rules_of(
    store: Store, chosen: StoredSelection, unusable: Mapping[int, str], seen: Collection[str] = ()
) -> Rules:
    """Return the rules of a selection, and of those that it was chosen within while they are as they were."""
    within, earlier = chosen.about.get("within"), None
    if within and within["name"] not in seen:
        try:
            before = read_selection(store, within["name"])
        except StoreError:
            before = None
        if before is not None and before.about["keys_sha256"] == within["keys_sha256"]:
            earlier = rules_of(store, before, unusable, {*seen, chosen.name})
    return Rules(chosen, chosen.manifest, unusable, earlier, store.dataset.held_out.tolist())


def _lowered(sentence: str) -> str:
    """Return a sentence to stand behind a colon: without its dot, and its first word in small letters."""
    plain = sentence.rstrip(".").replace("``", "")
    return plain[:1].lower() + plain[1:]
