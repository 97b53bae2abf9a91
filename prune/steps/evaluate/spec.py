"""SPEC: a selection in words: `METHOD[:SCORE][,NAME=VALUE…]`, chained with `>`; or the name of one."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prune.core.errors import OptionError, UnknownNameError
from prune.core.method_names import SCORES
from prune.core.method_rows import Selector
from prune.selectors import SELECTORS
from prune.steps.select.request import SelectRequest, keys_in
from prune.steps.select.suspect_list import suspect_keys

_EXAMPLE = "--select stratified:aum,drop_hardest=0.1"
_LONGEST = 1000  # characters; what is longer was not meant as one
_WHOLE = {"quota_floor", "quota_cap", "count"}
_SWITCHES = {"replace", "drop_duplicates"}
_SIZES = {"fraction", "count"}
# Said in another way, or by the evaluation; a condition has spaces, commas and > in it.
_OWN = {"method", "score", "options", "seed", "where"}
_NAMES = {f.name for f in dataclasses.fields(SelectRequest)} - _OWN


@dataclass(frozen=True)
class SpecStage:
    """One choice of a SPEC."""

    text: str
    method: str
    score: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)  # options of select, by their field
    options: Mapping[str, Any] = field(default_factory=dict)  # of the method

    @property
    def is_sized(self) -> bool:
        """Whether it needs no fraction."""
        return bool(_SIZES & self.asked.keys()) or bool(SELECTORS[self.method].sized_by)

    def request(self, seed: int, **more: Any) -> SelectRequest:
        """Return what `select` takes."""
        given = {**self.asked, **more}
        return SelectRequest(
            method=self.method, score=self.score, options=dict(self.options), seed=seed, **given
        )


@dataclass(frozen=True)
class Spec:
    """A selection to evaluate: stages, each within what the one before kept, or a stored one."""

    text: str  # as everybody would write it: no spaces, names in order
    stages: tuple[SpecStage, ...] = ()  # none: it is stored under this name

    @property
    def is_stored(self) -> bool:
        """Whether it is a selection of the store, whose size is its own."""
        return not self.stages


def parse_specs(
    words: Sequence[str], selections: Collection[str], scores: Collection[str] = (), *, sized: bool
) -> list[Spec]:
    """Return the specs in words, each once, in their order.

    Parameters
    ----------
    words
        One or several in each, with spaces between.
    selections, scores
        That the store has.
    sized
        Whether fractions were asked for: a name that is both a method and a selection is the method then.

    Raises
    ------
    UnknownNameError
        A word names no selection, method or score.
    OptionError
        It cannot be read.
    """
    specs: dict[str, Spec] = {}
    for word in words:
        for text in _split(word):
            spec = parse_spec(text, selections, scores, sized=sized)
            specs.setdefault(spec.text, spec)
    return list(specs.values())


def parse_spec(text: str, selections: Collection[str], scores: Collection[str] = (), *, sized: bool) -> Spec:
    """Return one spec; see `parse_specs`."""
    if len(text) > _LONGEST:
        raise OptionError(f"a SPEC of {len(text)} characters is none: {text[:40]}…", _EXAMPLE)
    if text in selections and not (sized and text in SELECTORS):
        return Spec(text)
    parts = text.split(">")
    if not all(parts):
        raise OptionError(f"{text!r} lacks a method before or after >", "--select 'semdedup>random'")
    stages = tuple(_stage(part, selections, scores) for part in parts)
    _require_first_within(stages)
    for stage in stages[:-1]:
        if not stage.is_sized:
            raise OptionError(
                f"{stage.text!r} in {text!r} does not say how much it keeps for what follows",
                f"--select '{_sized(stages)}'",
            )
    for name in _SIZES & stages[-1].asked.keys():
        raise OptionError(
            f"the size of {text!r} is that of every set beside it",
            f"--fraction {stages[-1].asked['fraction']}" if name == "fraction" else "--fraction 0.3",
        )
    return Spec(">".join(stage.text for stage in stages), stages)


def _sized(stages: Sequence[SpecStage]) -> str:
    """Return a chain in which every stage before the last says how much it keeps."""
    part, texts = 1.0, []
    for stage in stages[:-1]:
        part /= 2
        texts.append(stage.text if stage.is_sized else f"{stage.text},fraction={part:g}")
    return ">".join([*texts, stages[-1].text])


def _require_first_within(stages: Sequence[SpecStage]) -> None:
    """Refuse `within=` where a stage chooses within the one before it."""
    for place, stage in enumerate(stages[1:], 1):
        if "within" in stage.asked:
            pair = f"within={stage.asked['within']}"
            texts = [one.text for one in stages]
            texts[place] = texts[place].replace(f",{pair}", "")
            texts[0] = texts[0] if "within" in stages[0].asked else f"{texts[0]},{pair}"
            raise OptionError(
                f"{stage.text!r} chooses within what the stage before it kept, and says {pair}",
                f"--select '{'>'.join(texts)}'",
            )


def _split(word: str) -> list[str]:
    """Return the specs of a word: spaces part them, but not around `>`, `,` and `=`."""
    for sign in ">,=:":
        word = sign.join(part.strip() for part in word.split(sign))
    found = word.split()
    if not found:
        raise OptionError("a SPEC is an empty text", _EXAMPLE)
    return found


def _stage(text: str, selections: Collection[str], scores: Collection[str]) -> SpecStage:
    head, *pairs = text.split(",")
    method, colon, score = head.partition(":")
    selector = _selector(method, selections)
    if colon:
        _require_score(score, head, scores)
    asked: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for pair in pairs:
        name, value = _pair(pair, text)
        if name in asked or name in options:
            raise OptionError(f"{text!r} says {name} twice", "say it once")
        if name in selector.options:
            options |= selector.parse([f"{name}={value}"])
        elif name in _NAMES:
            asked[name] = _value(name, value)
        else:
            known = [*selector.options, *sorted(_NAMES)]
            raise UnknownNameError(f"option of {method}", name, known)
    words = sorted("=".join(_pair(pair, text)) for pair in pairs)
    return SpecStage(",".join([head, *words]), method, score or None, asked, options)


def _selector(method: str, selections: Collection[str]) -> Selector:
    if method not in SELECTORS:
        raise UnknownNameError("method or selection", method, [*SELECTORS, *selections])
    return SELECTORS[method]


def _require_score(score: str, head: str, scores: Collection[str]) -> None:
    if not score:
        raise OptionError(f"{head!r} lacks the name of a score after the colon", f"--select {head}el2n")
    if score not in scores and score not in SCORES:
        raise UnknownNameError("score", score, {*scores, *SCORES})


def _pair(pair: str, text: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if equals and name and value:
        return name.replace("-", "_"), value
    if pair.partition(":")[0] in SELECTORS and not equals:
        head = text.partition(",")[0]
        raise OptionError(f"{text!r} is two selections", f"--select {head} --select {pair}")
    near = difflib.get_close_matches(name.replace("-", "_"), _NAMES, n=1)
    hint = f"{near[0]}=…" if near else _EXAMPLE
    raise OptionError(f"{pair!r} in {text!r} is not NAME=VALUE", hint)


def _value(name: str, value: str) -> Any:
    if name == "given":
        return keys_in(value)
    if name == "drop_suspects":
        return suspect_keys(value)
    if name == "drop_leaks":
        return (value,)
    if name in _SWITCHES and value in {"true", "false"}:
        return value == "true"
    if name in _SWITCHES:
        raise OptionError(f"{name}={value} is neither true nor false", f"{name}=true")
    if name not in _WHOLE:
        return value
    if not value.isdecimal():
        raise OptionError(f"{name}={value} is not a whole number", f"{name}=10")
    return int(value)
