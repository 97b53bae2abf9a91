"""Scores that a store holds and a selection does not look at: said, since they may have been made for it."""

from __future__ import annotations

from prune.core.column_name import FEATURES, ColumnName
from prune.core.directions import hard_end
from prune.steps.score_columns import directions
from prune.steps.select.inputs import SelectionInputs
from prune.steps.space_columns import GRADIENTS


def unused_scores(inputs: SelectionInputs) -> str:
    """Say that a method goes by no score though there are some; nothing where one is used, or was named."""
    request, method = inputs.request, inputs.request.selector
    uses = "scores" in method.needs or bool(method.score)
    if uses or request.score is not None or request.drops_hardest:
        return ""
    known = directions(inputs.store)
    if not known:
        return ""
    name, high = next(iter(known.items()))
    by = _ground(inputs)
    other = "stratified" if hard_end(high) else "top"
    what = ColumnName.score(name) if len(known) == 1 else f"the scores {', '.join(known)}"
    return f"{request.method} {by} and does not look at {what}; --method {other} --score {name} does"


def _ground(inputs: SelectionInputs) -> str:
    """Return what a method goes by, in words."""
    if inputs.request.needs_space and inputs.space is not None:
        name = inputs.space.name
        return f"goes by {_SPACES.get(name, f'the {name}'.replace('.', ' '))}"
    if inputs.request.needs_texts:
        return "goes by the words of the texts"
    return "draws by lot" if inputs.probs is None else "goes by predictions"


_SPACES = {GRADIENTS: "gradients", FEATURES: "the features of the proxy"}
