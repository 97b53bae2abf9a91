"""What was chosen at each size, as the store remembers it, and what `select --method auto` makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prune.core.column_name import ColumnName, scores_among
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.core.option_words import option
from prune.core.progress import Reporter
from prune.core.safe_text import printable
from prune.core.store_option import in_store
from prune.steps.evaluate.spec import Spec, parse_spec
from prune.steps.evaluate.test_advice import evaluate_words
from prune.store import Store

if TYPE_CHECKING:
    from prune.steps.evaluate.asked_sets import AskedSet
    from prune.steps.evaluate.choose import Choice

AUTO = "auto"
CHOSEN = "chosen"  # in store.json
_NEAR = 1.5  # times as much or as little is kept: what was chosen there is taken here
_SETTLED = (
    *("score", "quota", "quota_floor", "quota_cap", "quota_errors", "by", "drop_hardest", "drop_by", "on"),
    *("target", "target_split", "target_weights", "reweight", "partitions", "options"),
)

_NARROWS_ONCE: Mapping[str, Any] = {  # of a chain
    "where": None,
    "drop_suspects": None,
    "drop_duplicates": None,
    "drop_leaks": (),
}


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


def as_evaluated(store: Store, asked: dict[str, Any], reporter: Reporter) -> list[dict[str, Any]]:
    """Return what `select` was asked for, with `auto` replaced by what was chosen at the nearest size.

    One selection; where a chain was chosen several, each within the one before, of which the last is meant.

    Raises
    ------
    StoreError
        Nothing was chosen near this size: it is not guessed.
    OptionError
        No size; or an option that is a part of what was evaluated.
    """
    if asked["method"] != AUTO:
        return [asked]
    _require_unsaid(asked, _SETTLED)
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
        return [asked | {"method": "random", "quota": "proportional"}]
    scores = [name.of for name in scores_among(store.columns)]
    return _selections(parse_spec(spec, (), scores, sized=True), asked)


def _require_unsaid(asked: Mapping[str, Any], settled: Iterable[str]) -> None:
    for name in settled:
        if asked[name]:
            raise OptionError(
                f"--method auto takes what was evaluated, and {option(name)} is a part of that",
                f"leave {option(name)} out, or name a method",
            )


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


def _selections(spec: Spec, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stages as selections: what narrows is a part of the first, the size one of the last."""
    name = asked["name"]
    if name is None and len(spec.stages) > 1:
        name = "-".join(stage.method for stage in spec.stages)
    _require_unsaid(asked, {one for stage in spec.stages for one in stage.asked} - {"fraction", "count"})
    made: list[dict[str, Any]] = []
    for place, stage in enumerate(spec.stages, 1):
        last = place == len(spec.stages)
        given = asked | {
            **({} if place == 1 else {"within": made[-1]["name"], **_NARROWS_ONCE}),
            **({} if last else {"fraction": None, "count": None, "given": None, "replace": None}),
        }
        options = [f"{option}={value}" for option, value in stage.options.items()]
        given |= {"method": stage.method, "score": stage.score, **stage.asked, "options": options}
        made.append(given | {"name": name if last else f"{name}.{place}"})
    return made
