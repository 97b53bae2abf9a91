"""A sample as the page shows it: what is to be seen, its class, its score, where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from prune.core.safe_text import printable
from prune.modalities.look import Look
from prune.steps.report.page.gallery import Grid
from prune.steps.report.page.looks import Looks
from prune.steps.report.page.place import Place, place_of
from prune.steps.report.page.subject import Subject

_LABEL = 60  # characters of a class name
Doubts = Mapping[int, tuple[int, float]]  # row -> likely class, and its probability


@dataclass(frozen=True)
class Likely:
    """What the proxy takes a sample for, and how surely."""

    label: str
    surely: str


@dataclass(frozen=True)
class Card:
    """One sample."""

    key: str
    look: Look
    place: Place
    label: str
    kept: bool
    facts: Sequence[str]  # a few words each: score, reason
    likely: Likely | None = None
    partner: Card | None = None

    @property
    def alt(self) -> str:
        """What the picture is, in words."""
        return f"{self.key}, {self.label}"


@dataclass(frozen=True)
class Panel:
    """A grid with its samples."""

    grid: Grid
    cards: Sequence[Card]

    @property
    def missing(self) -> int:
        """How many samples are not to be seen as they are."""
        return sum(card.look.missing is not None for card in self._every)

    @property
    def texts(self) -> bool:
        """Whether what is to be seen are words, which want wider columns than pictures."""
        return any(card.look.text is not None for card in self._every)

    @property
    def _every(self) -> list[Card]:
        return [*self.cards, *(card.partner for card in self.cards if card.partner)]


def panels(subject: Subject, shown: Sequence[Grid], page: Path) -> list[Panel]:
    """Look at the samples of all grids at once, in the order of the dataset, and lay them out."""
    seen = Looks(subject)
    every = [rows for grid in shown for rows in (grid.rows, grid.partners) if rows is not None]
    rows = np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)
    looks = seen.of(rows)
    root = None if seen.opened is None else seen.opened.reader.root
    maker = _Cards(subject, looks, root, page)
    return [Panel(grid, [maker.card(grid, place) for place in range(len(grid.rows))]) for grid in shown]


@dataclass(frozen=True)
class _Cards:
    subject: Subject
    looks: Mapping[int, Look]
    root: Path | None
    page: Path

    def card(self, grid: Grid, at: int) -> Card:
        partner = None if grid.partners is None else self._of(int(grid.partners[at]))
        return self._of(int(grid.rows[at]), grid, partner)

    def _of(self, row: int, grid: Grid | None = None, partner: Card | None = None) -> Card:
        subject = self.subject
        likely = None if grid is None else grid.likely
        notes = [grid.notes[row]] if grid is not None and row in grid.notes else []
        sample = subject.dataset.samples.take(pa.array([row])).to_pylist()[0]
        return Card(
            key=printable(sample["key"]),
            look=self.looks[row],
            place=place_of(sample, subject.dataset.format, self.root, self.page),
            label=named(subject, int(subject.labels[row])),
            kept=bool(subject.kept[row]),
            facts=[*self._facts(row), *notes],
            likely=None if likely is None else _likely(subject, row, likely),
            partner=partner,
        )

    def _facts(self, row: int) -> list[str]:
        subject, facts = self.subject, list[str]()
        if subject.scores:
            score = subject.scores[0]
            value = float(subject.store.column(score).read(row, row + 1)[0])
            facts.append(f"{printable(score.of)} {value:.3g}")
        if row in subject.reasons and not subject.kept[row]:
            facts.append(printable(subject.reasons[row]))
        return facts


def named(subject: Subject, label: int) -> str:
    """Return the name of a class, as long as there is room for."""
    if label < 0:
        return "no label"
    name = printable(subject.dataset.classes[label])
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"


def _likely(subject: Subject, row: int, doubts: Doubts) -> Likely | None:
    """Return what is likelier: as the doubt says, else as the proxy predicts."""
    if row in doubts:
        label, surely = doubts[row]
        return Likely(named(subject, label), f"{100 * surely:.0f} %") if label >= 0 else None
    if subject.probs is None:
        return None
    probs = subject.probs.read(row, row + 1)[0].astype(np.float64)
    if not np.isfinite(probs).all():
        return None
    best = int(probs.argmax())
    return Likely(named(subject, best), f"{100 * probs[best]:.0f} %")
