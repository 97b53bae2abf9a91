"""Scores that a store holds and a selection does not look at: said, since they may have been made for it."""

from __future__ import annotations

from prune.core.column_name import FEATURES, PROBS, ColumnName
from prune.core.directions import hard_end
from prune.steps.select.eligible import directions
from prune.steps.select.request import SelectRequest, checked_share
from prune.steps.space_columns import GRADIENTS, SpaceSource
from prune.store import Store


def unused_scores(store: Store, request: SelectRequest, source: SpaceSource | None) -> str:
    """Say that a method goes by no score though there are some; nothing where one is used, or was named."""
    method = request.selector
    uses = "scores" in method.needs or bool(method.score)
    if uses or request.score is not None or checked_share(request.drop_hardest):
        return ""
    known = directions(store)
    if not known:
        return ""
    name, high = next(iter(known.items()))
    by = _ground(request, source)
    other = "stratified" if hard_end(high) else "top"
    what = ColumnName.score(name) if len(known) == 1 else f"the scores {', '.join(known)}"
    return f"{request.method} {by} and does not look at {what}; --method {other} --score {name} does"


def _ground(request: SelectRequest, source: SpaceSource | None) -> str:
    """Return what a method goes by, in words."""
    if request.needs_space and source is not None:
        return f"goes by {_SPACES.get(source.name, f'the {source.name}'.replace('.', ' '))}"
    return "goes by predictions" if PROBS in request.selector.needs else "draws by lot"


_SPACES = {GRADIENTS: "gradients", FEATURES: "the features of the proxy"}
