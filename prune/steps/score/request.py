"""What the user asked `score` for: which scores, by which options, and where what they need comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prune.core.column_name import FEATURES, NGRAMS, PROBS
from prune.core.errors import OptionError
from prune.core.method_rows import Scorer
from prune.core.methods import find
from prune.core.option_words import option_words
from prune.modalities import MODALITIES
from prune.proxy import Training, require_known
from prune.scorers import SCORERS
from prune.steps.score.inputs import SPACE, TRAINED, rehearse
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.score.sources.model import Model
from prune.steps.score.sources.score_file import ScoreFile, require_alone

OWN = "own"  # what `--proxy` says of a trace that no proxy wrote
USUAL = MODALITIES["image"].proxy  # until it is known what the samples are


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """What the user asked `score` for; see `ScoreRequest.of`."""

    methods: Mapping[str, Scorer]  # none of a file
    options: Mapping[str, Mapping[str, Any]]  # of each
    proxies: ProxyRequest
    training: Training  # of a proxy, if one is trained
    proxy: str | None = None  # what `--proxy` says: nothing, the name of one, or `own`
    on: str | None = None
    model: Model | None = None
    file: ScoreFile | None = None

    @classmethod
    def of(  # noqa: PLR0913 - the options of a command
        cls,
        types: Sequence[str],
        settings: Sequence[str],
        *,
        training: Mapping[str, Any] | None = None,
        runs: int | None = None,
        until_stable: float | None = None,
        on_fraction: str | float | None = None,
        cross_fit: int | None = None,
        on: str | None = None,
        imports: str | None = None,
        high: str | None = None,
        checkpoint: Mapping[str, str | None] | None = None,
        seed: int = 0,
    ) -> ScoreRequest:
        """Check what was asked, as far as words can be; a setting goes to every method that has the option.

        Raises
        ------
        OptionError
            Nothing is asked for, no scorer has a name or an option, a number is out of its range, or some of
            it does not go together.
        """
        if not types and imports is None:
            raise OptionError("score wants --type", "--type el2n   # see: prune methods scores")
        proxies = ProxyRequest.of(runs, until_stable, on_fraction, cross_fit).with_training(training)
        methods = {name: find("score", name, SCORERS) for name in (() if imports else types)}
        options = _options(methods, settings)
        file = ScoreFile.of(imports, types, high)
        if file is not None:
            require_alone(proxies, training, checkpoint, settings, on)
        given = {"seed": seed, **(training or {})}
        proxy = given.pop("proxy", None)
        plan = Training.of(USUAL if proxy in {None, OWN} else proxy, **given)
        require_known(plan.proxy)
        _require_pixels(plan, given)
        return cls(
            methods=methods,
            options=options,
            proxies=proxies,
            training=plan,
            proxy=proxy,
            on=on,
            model=Model.of(**(checkpoint or {})),
            file=file,
        )

    def with_usual(self, usual: str) -> ScoreRequest:
        """Return the same with the proxy that is usual for the samples, where nobody named one."""
        if self.proxy not in {None, OWN} or usual == self.training.proxy:
            return self
        given = {"seed": self.training.seed, **self.proxies.fields}
        plan = Training.of(usual, **given)
        _require_pixels(plan, given)
        return replace(self, training=plan)

    @property
    def proxies_to_train(self) -> ProxyRequest:
        """What is asked of proxies, and which proxy, as the command has it."""
        named = () if self.proxy is None else (f"--proxy {self.proxy}",)
        return replace(self.proxies, training=(*named, *self.proxies.training))

    @property
    def settled(self) -> dict[str, tuple[Scorer, Mapping[str, Any]]]:
        """The scorers, each with its options."""
        return {name: (method, self.options[name]) for name, method in self.methods.items()}

    @property
    def needs(self) -> set[str]:
        """Everything that some scorer reads."""
        return {need for method in self.methods.values() for need in method.needs}

    @property
    def trained(self) -> bool:
        """Whether a proxy has to be trained, whatever embeddings there are."""
        return bool(self.needs & TRAINED)

    def mixing(self, space: str | None) -> list[str]:
        """Return the scores that compare what one proxy says of several samples."""
        return [
            name
            for name, method in self.methods.items()
            if PROBS in method.needs or (SPACE in method.needs and space == FEATURES)
        ]

    def rehearse(self, epochs: int) -> list[str]:
        """Return what the user should know of scores from so many epochs; see `inputs.rehearse`."""
        told = [rehearse(method, options, epochs) for method, options in self.settled.values()]
        return [remark for remark in told if remark]


def _require_pixels(training: Training, given: Mapping[str, Any]) -> None:
    """Refuse what is said of images where the proxy looks at texts.

    Raises
    ------
    OptionError
        A size or mirroring was given.
    """
    said = {name: given[name] for name in ("size", "flip") if given.get(name) is not None}
    if said and training.looks_at == NGRAMS:
        words = " ".join(option_words(said))
        raise OptionError(
            f"{words} is of pixels, and the proxy {training.proxy} looks at words", "leave it out"
        )


def _options(methods: Mapping[str, Scorer], settings: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    for word in settings:
        name = word.partition("=")[0]
        if methods and not any(name in method.options for method in methods.values()):
            next(iter(methods.values())).parse([word])
    return {
        name: method.parse([word for word in settings if word.partition("=")[0] in method.options])
        for name, method in methods.items()
    }
