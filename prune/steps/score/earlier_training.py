"""How the proxies of a store were trained: what `score` goes on with where nobody says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from prune.core.column_name import EMBEDDING, FIRST_RUN, ColumnName, runs_among
from prune.core.errors import OptionError, StoreError
from prune.core.option_words import OF_TRAINING, option
from prune.proxy import Training
from prune.steps.recovery import commands_of
from prune.steps.report.training import in_words
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.settings import DEFAULTS
from prune.store import Growth, Store
from prune.store.column_json import known_recipe
from prune.store.layout import COLUMN, COLUMNS

_FIELDS = {field.name for field in fields(Training)}
_TELLING = {*map(option, (*OF_TRAINING, "no_flip", "runs", "cross_fit"))}  # options that say how to train


@dataclass(frozen=True)
class Earlier:
    """What the traces that a store shows say of their training."""

    training: Training
    runs: int
    inputs: ColumnName  # what the proxy looks at
    on_fraction: str | None = None
    cross_fit: int | None = None
    drawn: int | None = None  # seed of the part or of the folds

    def __str__(self) -> str:
        share = {"fraction": self.on_fraction, "folds": self.cross_fit}
        return in_words(asdict(self.training), self.inputs, share, self.runs)

    @property
    def on(self) -> str | None:
        """The embedding that the proxy looks at, if it looks at one."""
        return self.inputs.of if self.inputs.kind == EMBEDDING else None


def earlier(store: Store, dataset: str, growth: Growth | None = None) -> Earlier | None:
    """Return how the traces of a dataset were trained; None where there are none, or a proxy made none.

    Where none is shown, they are those of the dataset before it grew, as `growth` knows them; else, since
    what the store shows was lost, it is the only one that is finished.
    """
    shown = store.columns if store.holds_dataset(dataset) else []
    runs = len(runs_among(shown))
    recipe_of: Callable[[str], Mapping[str, Any] | None] = store.recipe_of
    if not runs and growth is not None and growth.recipe_of(FIRST_RUN):
        names = [*(store.columns if store.exists() else ()), *store.earlier.columns]
        runs, recipe_of = (
            len({n for n in runs_among(names) if growth.beside(n, FIRST_RUN) and growth.recipe_of(n)}),
            growth.recipe_of,
        )
    recipe = recipe_of(FIRST_RUN) if runs else _only(store, dataset)
    if recipe is not None and "folds" in recipe:
        recipe = recipe_of(ColumnName.trace("0.0"))
    if recipe is None or not isinstance(recipe.get("training"), dict):
        return None
    try:
        training = Training(**{k: v for k, v in recipe["training"].items() if k in _FIELDS})
    except (TypeError, OptionError):  # of a version that trained in another way
        return None
    share = recipe.get("share") or {}
    return Earlier(
        training,
        runs=max(runs, 1),
        inputs=ColumnName(recipe["inputs"]["name"]),
        on_fraction=share.get("fraction"),
        cross_fit=share.get("folds"),
        drawn=share.get("seed"),
    )


def _only(store: Store, dataset: str) -> dict[str, Any] | None:
    """Return the recipe of the only finished trace of a dataset, shown or not."""
    finished = [path.parent for path in (store.path / COLUMNS).glob(f"{FIRST_RUN}/*/{COLUMN}")]
    recipes = [recipe for folder in finished if (recipe := known_recipe(folder)) is not None]
    of_it = [recipe for recipe in recipes if recipe.get("data") == dataset]
    return of_it[0] if len(of_it) == 1 else None


def settled(
    before: Earlier | None, training: Training, request: ProxyRequest, seed: int, on: str | None
) -> tuple[Training, ProxyRequest, str | None]:
    """Return how to train where only some of it was said: the rest is as it was before.

    Another proxy than before starts from its own defaults, because those of one do not suit the other.

    Returns
    -------
    tuple
        The training, what is asked of proxies, and the embedding that the proxy looks at, if it is one.
    """
    if before is None or request.fields.get("proxy", before.training.proxy) != before.training.proxy:
        return training, request, on
    said = request.said
    given = {**asdict(before.training), **request.fields}
    if seed != DEFAULTS.seed:
        given["seed"] = request.fields.get("seed", seed)
    if "epochs" in request.fields or "until_stable" in said:
        given["stop"] = None
    if given["size"] != before.training.size and "crop" not in request.fields:
        given["crop"] = None
    of = request if said & {"on_fraction", "cross_fit"} else before
    runs = request.runs if said & {"runs", "until_stable"} else before.runs
    folds = None if request.stops_epochs else of.cross_fit
    drawn = before.drawn if seed == DEFAULTS.seed else None
    whole = replace(request, runs=runs, drawn=drawn, on_fraction=of.on_fraction, cross_fit=folds)
    return Training.of(**given), whole, before.on if on is None else on


def require_told(store: Store, before: Earlier | None, request: ProxyRequest, *, trains: bool) -> None:
    """Refuse to train by default where a trace is shown that no longer says how it was made.

    Raises
    ------
    StoreError
        Nothing was said of the training either; the hint is the command that made it.
    """
    if not trains or before is not None or request.is_said or FIRST_RUN not in store.columns_if_any:
        return
    if store.recipe_of(FIRST_RUN) is not None:
        return
    command = commands_of(store)(FIRST_RUN)
    if _TELLING.intersection(command.split()):
        raise StoreError(f"column {FIRST_RUN} of {store.path} is missing or damaged", command)


def in_full(training: Training, request: ProxyRequest) -> dict[str, Any]:
    """Return the parameters of `score` that make this training again, whatever the store then says."""
    usual = asdict(Training.of(training.proxy, size=training.size))
    fields_ = {k: v for k, v in asdict(training).items() if v != usual[k] and k in OF_TRAINING}
    size = training.size if training.size != Training().size else None
    named = {"proxy": training.proxy if training.proxy != "resnet8" else None, "size": size, **fields_}
    asked: Mapping[str, Any] = {
        "runs": request.runs if request.runs > 1 and request.until_stable is None else None,
        "on_fraction": request.on_fraction,
        "cross_fit": request.cross_fit,
    }
    return {"training": named, **asked}
