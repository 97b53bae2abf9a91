"""What was chosen at each size, as the store remembers it, and what `select --method auto` makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prune.core.column_name import ColumnName, scores_among
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.core.option_words import command, option
from prune.core.progress import Reporter
from prune.core.safe_text import printable
from prune.core.store_option import in_store
from prune.steps.evaluate.spec import Spec, SpecStage, parse_spec
from prune.steps.evaluate.test_advice import evaluate_words
from prune.store import Store

if TYPE_CHECKING:
    from prune.steps.evaluate.asked_sets import AskedSet
    from prune.steps.evaluate.choose import Choice

AUTO = "auto"
CHOSEN = "chosen"  # in store.json
_NEAR = 1.5  # times as much or as little is kept: what was chosen there is taken here
_SETTLED = (
    *("score", "quota", "quota_floor", "quota_cap", "quota_errors", "drop_hardest", "drop_by", "on"),
    *("target", "target_split", "target_weights", "reweight", "options"),
)


def require_scores(store: Store, sets: Sequence[AskedSet]) -> None:
    """Refuse at once what would be missing when it is chosen: the scores that selections go by.

    Raises
    ------
    MissingColumnError
        Some are not there; all of them are named.
    """
    wanted = dict.fromkeys(stage.score for one in sets for stage in one.spec.stages if stage.score)
    lacking = [name for name in wanted if ColumnName.score(str(name)) not in store.columns]
    if lacking:
        scores = ",".join(map(str, lacking))
        raise MissingColumnError(
            f"the selections to choose from go by scores that {store.path} has not: {scores}",
            in_store(f"prune score --type {scores}", str(store.path)),
        )


def remember(store: Store, found: Sequence[Choice]) -> None:
    """Keep what was chosen; a choice at the same fraction takes the place of an earlier one."""
    known = store.state.get(CHOSEN, {})
    store.publish(**{CHOSEN: known | {one.fraction: one.to_json() for one in found}})


def as_evaluated(store: Store, asked: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Return what `select` was asked for, with `auto` replaced by what was chosen at the nearest size.

    Raises
    ------
    StoreError
        Nothing was chosen near this size: it is not guessed.
    OptionError
        No size; or an option that is a part of what was evaluated.
    """
    if asked["method"] != AUTO:
        return asked
    for name in _SETTLED:
        if asked[name]:
            raise OptionError(
                f"--method auto takes what was evaluated, and {option(name)} is a part of that",
                f"leave {option(name)} out, or name a method",
            )
    size = _size(store, asked)
    known: Mapping[str, Any] = store.state.get(CHOSEN, {})
    near = min(known, key=lambda fraction: (abs(math.log(float(fraction) / size)), fraction), default=None)
    if near is None or abs(math.log(float(near) / size)) > math.log(_NEAR) + 1e-9:
        raise _nothing_chosen(store, size, list(known))
    spec = str(known[near]["spec"])
    at = "" if math.isclose(float(near), size) else f", the nearest size to {100 * size:.3g} %"
    model, protocol = (printable(str(known[near][name])) for name in ("model", "protocol"))
    reporter.say(
        f"auto: {printable(spec)}, chosen at {100 * float(near):.3g} % kept{at} ({model}, {protocol})"
    )
    if spec == "random":  # as the sets that it was compared with were drawn
        return asked | {"method": "random", "quota": "proportional"}
    scores = [name.of for name in scores_among(store.columns)]
    stage = _only_stage(parse_spec(spec, (), scores, sized=True), asked)
    options = [f"{name}={value}" for name, value in stage.options.items()]
    return asked | {"method": stage.method, "score": stage.score, **stage.asked, "options": options}


def _size(store: Store, asked: Mapping[str, Any]) -> float:
    if (asked["fraction"] is None) == (asked["count"] is None):
        raise OptionError("select wants one of --fraction and --count", "--fraction 0.3   # keeps 30 %")
    try:
        part = asked["fraction"]
        size = float(part) if part is not None else int(asked["count"]) / max(len(store.dataset.usable), 1)
    except ValueError:
        size = math.nan
    if not 0 < size <= 1:
        raise OptionError("--fraction must be over 0 and at most 1", "--fraction 0.3 keeps three in ten")
    return size


def _nothing_chosen(store: Store, size: float, known: Sequence[str]) -> StoreError:
    words = evaluate_words(store, f"--choose --fraction {size:.3g}")
    at = ", ".join(f"{100 * float(one):.3g} %" for one in sorted(known, key=float))
    what = f"only at {at}" if known else "at no size"
    return StoreError(
        f"--method auto takes what was chosen by evaluating, and {store.path} has that {what}",
        f"{words}   # or name a method",
    )


def _only_stage(spec: Spec, asked: Mapping[str, Any]) -> SpecStage:
    """Return the stage of a selection of one; a chain is typed as its selections, one within the other."""
    if len(spec.stages) == 1:
        return spec.stages[0]
    lines, within = [], None
    for place, stage in enumerate(spec.stages, 1):
        last = place == len(spec.stages)
        size = {name: asked[name] for name in ("fraction", "count")} if last else {}
        given = {"method": stage.method, "score": stage.score, **stage.asked, **size, "within": within}
        given["options"] = [f"{name}={value}" for name, value in stage.options.items()]
        within = f"part{place}"
        lines.append(command("select", given if last else {**given, "name": within}))
    raise OptionError(f"{spec.text} was chosen, which is several selections", " && ".join(lines))
