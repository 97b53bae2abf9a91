"""Selection for people with arrays: the selectors without a store."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Embeddings, Labels, Probs, Rows, Scores
from prune.core.errors import OptionError, UnknownKeywordError
from prune.core.method_rows import Selector
from prune.core.methods import find, whole
from prune.core.quota import Errors
from prune.core.selection import Selection
from prune.modalities.text.texts import Texts
from prune.selectors import SELECTORS
from prune.selectors.stratified import published
from prune.steps.select.array_checks import GivenArrays, floats
from prune.steps.select.by_class import ChoiceTask, Material, SelectionTarget, checked_reweight, choose
from prune.steps.select.method_keywords import keyword_types, with_keywords_of
from prune.steps.select.partitions import require_partitions
from prune.steps.select.request import quota_of
from prune.steps.settings import DEFAULTS, Settings

if TYPE_CHECKING:
    from prune.index.space import Space

_NAMES = {"space": "X (or errors and features)"}


@with_keywords_of(SELECTORS.values())
def select_rows(
    X: Embeddings | None = None,  # noqa: N803 - what people with arrays call it
    *,
    method: str = "kcenter",
    k: int | None = None,
    texts: Sequence[str] | None = None,
    errors: Embeddings | None = None,
    features: Embeddings | None = None,
    probs: Probs | None = None,
    scores: Scores | None = None,
    easiness: Scores | None = None,
    labels: Labels | None = None,
    target: Any = None,
    target_labels: Labels | None = None,
    target_weights: Any = None,
    given: Sequence[int] | Rows = (),
    quota: str | None = None,
    class_errors: npt.ArrayLike | None = None,
    reweight: str | None = None,
    partitions: int | None = None,
    seed: int = 0,
    settings: Settings = DEFAULTS,
    **options: Any,
) -> Selection:
    """Choose k rows of an array, without a store.

    Parameters
    ----------
    X : (n, d)
        Embeddings, for methods that need a space.
    method, k
        A selector; how many rows to keep, from 1 to n. Methods with a stopping rule decide where k is None.
    texts : (n,)
        For methods that look at texts themselves.
    errors, features : (n, c), (n, d)
        Instead of X: gradients of the last layer as factors, p − onehot(y) and what the layer sees.
    probs, scores : (n, c), (n,)
        For methods that need predictions or scores.
    easiness : (n,)
        For `beta`: the mean probability of the label over training.
    labels : (n,)
        Class ids, for `quota`.
    target
        What to match, for methods that do: embeddings (t, d), a pair of factors, or texts.
    target_labels, target_weights : (t,)
        Class ids, to match class by class under a quota; how much each target sample counts.
    given
        Rows that are chosen already; they count, and are not returned.
    quota
        `none`, `proportional`, `equal` or `drop`; default: what the method is made for.
    class_errors : (c,)
        For `drop`: how often each class is mistaken, by class id, in ``[0, 1]``.
    reweight
        `none`, `cluster` or `nnls`; default: the weights that the method gives.
    partitions
        Choose in each of so many parts of the rows, and then among what these kept; for methods that do.
    settings
        Device and memory.
    options
        Of the method, each by its name; None: what the method has. `prune methods METHOD` says what they do.

    Returns
    -------
    Selection
        Rows in the order taken, weights, gains, facts.

    Raises
    ------
    OptionError
        An unknown method, an unknown quota or option, or k is not from 1 to n.
    ValueError
        The method needs an array that was not given, or arrays do not fit together.
    """
    chosen = find("selector", method, SELECTORS)
    require_partitions(chosen, partitions)
    _require_keywords(chosen, options)
    options = chosen.checked({name: value for name, value in options.items() if value is not None})
    arrays = GivenArrays(
        embeddings=X,
        texts=texts,
        errors=errors,
        features=features,
        probs=probs,
        scores=scores,
        easiness=easiness,
        labels=labels,
        target=target,
        target_labels=target_labels,
        target_weights=target_weights,
    )
    if "cutoff" in chosen.options:
        options["cutoff"] = published(options.get("cutoff", "auto"), arrays.n)
    own = np.full(arrays.n, -1, np.int64) if labels is None else np.asarray(labels)
    return _rows_of_arrays(
        arrays,
        chosen,
        device=settings.torch_device if settings.device != "auto" else "cpu",
        memory=settings.memory_limit,
        k=None if k is None else whole(k, "k"),
        given=given,
        quota=quota_of(chosen, quota, own),
        errors=_errors(class_errors, quota, own),
        reweight=checked_reweight(reweight),
        partitions=partitions,
        seed=seed,
        options=options,
    )


def _require_keywords(method: Selector, options: Mapping[str, Any]) -> None:
    """Refuse what is no option of the method, but nearly a keyword of ours: `metod` was to name one."""
    theirs = keyword_types(SELECTORS.values())
    own = [name for name in inspect.signature(select_rows).parameters if name not in theirs]
    for name in options:
        near = difflib.get_close_matches(name, [*method.options, *own], n=1)
        if name not in method.options and near and near[0] in own:
            raise UnknownKeywordError("select_rows", name, own)


def _rows_of_arrays(
    arrays: GivenArrays, method: Selector, *, device: str, memory: int, **asked: Any
) -> Selection:
    """Run a selector on arrays; `asked` holds the rest of a `ChoiceTask`: k, quota, errors, seed."""
    n = arrays.n
    labels = np.full(n, -1, np.int64) if arrays.labels is None else np.asarray(arrays.labels)
    given = _given_rows(asked.pop("given"))
    if len(given) and not 0 <= given[0] <= given[-1] < n:
        raise OptionError(f"given rows span [{given[0]}, {given[-1]}], but there are {n} rows")
    rows, k = np.setdiff1d(np.arange(n), given), asked["k"]
    if k is None and not method.sized_by:
        raise OptionError(f"{method.name} does not decide how many to keep; give k")
    if k is not None and not 1 <= k <= len(rows):
        raise OptionError(f"k must be from 1 to {len(rows)}, the number of rows, not {k}")
    _require_needs(arrays, method)
    material = _material(arrays, method, labels, device, memory)
    return choose(ChoiceTask(method=method, rows=rows, given=given, **asked), material).plain


def _errors(errors: npt.ArrayLike | None, quota: str | None, labels: Labels) -> Errors | None:
    if (errors is None) != (quota != "drop"):
        raise OptionError("class_errors=(c,) and quota='drop' go together")
    if errors is None:
        return None
    values = np.asarray(errors, np.float64)
    if len(labels) and labels.max() >= len(values):
        raise ValueError(f"labels go up to {labels.max()}, but there are errors of {len(values)} classes")
    return values


def _given_rows(given: npt.ArrayLike) -> Rows:
    values = np.asarray(given)
    if values.size and values.dtype.kind not in "iu":
        raise ValueError(f"given holds {values.dtype}, not row numbers; of a mask take np.flatnonzero(mask)")
    return np.unique(values.astype(np.int64))


def _require_needs(arrays: GivenArrays, method: Selector) -> None:
    there = {
        "space": arrays.has_space,
        "texts": arrays.texts is not None,
        "scores": arrays.scores is not None,
        "easiness": arrays.easiness is not None,
        "probs": arrays.probs is not None,
        "keys": True,
    }
    for need in method.needs:
        if not there[need]:
            raise ValueError(f"{method.name} needs {need}; {_NAMES.get(need, need)} was not given")
    if arrays.target is None and "target" in method.supplied:
        raise ValueError(f"{method.name} needs something to match; target was not given")
    if arrays.target is not None and not method.takes("target"):
        raise OptionError(f"{method.name} matches no target")


def _material(arrays: GivenArrays, method: Selector, labels: Labels, device: str, memory: int) -> Material:
    embeddings, errors, features = (
        floats(getattr(arrays, held), name)
        for held, name in (("embeddings", "X"), ("errors", "errors"), ("features", "features"))
    )

    def space(rows: Rows) -> Space:
        whole = len(rows) == len(labels) and np.array_equal(rows, np.arange(len(labels)))
        which = None if whole else rows
        return _space(embeddings, errors, features, which, device, memory)

    scores, easiness = _one_a_sample(arrays.scores, "scores"), _one_a_sample(arrays.easiness, "easiness")
    if scores is not None and not np.isfinite(scores).all():
        bad = np.flatnonzero(~np.isfinite(scores))
        raise ValueError(f"{len(bad)} of {len(scores)} scores are not numbers (first in row {bad[0]})")
    return Material(
        labels=labels,
        keys=lambda rows: [str(row) for row in rows],
        space=space if arrays.has_space else None,
        texts=None if arrays.texts is None else Texts.of(arrays.texts, memory=memory).subset,
        scores=scores,
        easiness=easiness,
        probs=floats(arrays.probs, "probs"),
        target=_target(arrays, method, device, memory),
    )


def _target(arrays: GivenArrays, method: Selector, device: str, memory: int) -> SelectionTarget | None:
    if arrays.target is None:
        return None
    space: Space | Texts
    if "texts" in method.needs:
        space = Texts.of(_texts(arrays.target), memory=memory)
    elif arrays.errors is None:
        space = _space(floats(arrays.target, "target"), None, None, None, device, memory)
    else:
        if not isinstance(arrays.target, tuple) or len(arrays.target) != 2:
            raise ValueError("the target of gradients is a pair: errors (t, c), features (t, d)")
        errors, features = arrays.target
        space = _space(
            None, floats(errors, "target errors"), floats(features, "target features"), None, device, memory
        )
    weights = None if arrays.target_weights is None else np.asarray(arrays.target_weights, np.float64)
    labels = None if arrays.target_labels is None else np.asarray(arrays.target_labels)
    for name, values in (("target_weights", weights), ("target_labels", labels)):
        if values is not None and values.shape != (space.n,):
            raise ValueError(f"{name} have shape {values.shape}, but the target has {space.n} samples")
    if weights is not None and (not np.isfinite(weights).all() or weights.min() < 0 or not weights.any()):
        raise ValueError(f"target_weights span [{weights.min()}, {weights.max()}]; they count, so at least 0")
    return SelectionTarget(space, labels, weights)


def _texts(target: Any) -> Sequence[str]:
    if isinstance(target, str) or not all(isinstance(text, str) for text in target):
        raise ValueError("the target of a method that looks at texts is a list of texts")
    return list(target)


def _space(
    embeddings: Array | None,
    errors: Array | None,
    features: Array | None,
    rows: Rows | None,
    device: str,
    memory: int,
) -> Space:
    from prune.index.gradients import GradientSpace
    from prune.index.space import EmbeddingSpace

    settled: Mapping[str, Any] = {"rows": rows, "device": device, "memory": memory}
    if embeddings is not None:
        return EmbeddingSpace(embeddings, **settled)
    assert errors is not None
    assert features is not None
    return GradientSpace(errors, features, **settled)


def _one_a_sample(values: npt.ArrayLike | None, name: str) -> Scores | None:
    return None if values is None else floats(values, name).astype(np.float32)
