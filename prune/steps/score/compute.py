"""From what was asked to score columns: a source of facts, then arithmetic; or a file as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prune.core.arrays import Scores
from prune.core.column_name import scores_among
from prune.steps.dataset_session import Opened
from prune.steps.expected_modality import usual_proxy
from prune.steps.score.all_scores import all_scores
from prune.steps.score.cost import cost_of
from prune.steps.score.facts import ScoreFacts
from prune.steps.score.inputs import require_space
from prune.steps.score.pair_scores import CAPTIONS, pair_of
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.score.proxy_runs import TrainedRuns
from prune.steps.score.request import ScoreRequest
from prune.steps.score.sources.file import import_columns
from prune.steps.score.sources.own_training import own_facts
from prune.steps.score.sources.proxy import proxy_facts
from prune.steps.text_payloads import TEXTS, require_texts
from prune.store import identity


@dataclass(frozen=True)
class Scored:
    """What was computed."""

    columns: dict[str, str]  # to publish: name -> identity
    about: dict[str, dict[str, Any]] = field(default_factory=dict)  # of each score: see `_about`
    cost: dict[str, Any] = field(default_factory=dict)
    trained: TrainedRuns | None = None
    request: ProxyRequest | None = None  # what of it was said, and what was taken over

    @property
    def facts(self) -> dict[str, Any]:
        """What the command says of all scores together."""
        facts: dict[str, Any] = {"cost": self.cost} if self.cost else {}
        if self.trained is not None:
            facts |= {"runs": self.trained.runs, "epochs": self.trained.training.last}
            facts |= {"stable": self.trained.stable} if self.trained.stable else {}
            facts |= {"cross_fit": len(self.trained.folds[0])} if self.trained.folds else {}
        return facts


def compute(opened: Opened, wanted: ScoreRequest) -> Scored:
    """Compute scores and all that they need, from the source that was named or is there.

    A file, a checkpoint or a training of the user's own, else proxies.

    Raises
    ------
    PruneError
        As the source has it.
    """
    if wanted.file is not None:
        return Scored(import_columns(opened, wanted.file))
    wanted = wanted.with_usual(usual_proxy(opened.reader, opened.dataset))
    require_space(opened, wanted.on)
    if on_texts := [name for name, method in wanted.methods.items() if TEXTS in method.needs]:
        require_texts(opened, on_texts, "prune methods scores")
    pair = pair_of(opened, wanted.on) if CAPTIONS in wanted.needs else ()
    facts = own_facts(opened, wanted) or proxy_facts(opened, wanted)
    known = {column.name: identity(column.recipe) for column in pair}
    facts = replace(facts, columns={**facts.columns, **known}, pair=tuple(known))
    return _computed(opened, wanted, facts)


def _computed(opened: Opened, wanted: ScoreRequest, facts: ScoreFacts) -> Scored:
    done, about, seconds = all_scores(facts.job(opened), wanted, facts.trained, facts.near)
    device = opened.settings.torch_device
    cost = cost_of(opened.store, facts.trained, seconds, facts.spent, device)
    return Scored({**facts.columns, **done}, about, cost, facts.trained, facts.request)


def scores_of(opened: Opened, columns: Mapping[str, str]) -> dict[str, Scores]:
    """Read the scores among some published columns, without their companions."""
    return {c.of: opened.store.open_column(c, columns[c]).read() for c in scores_among(columns)}
