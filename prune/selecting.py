"""From a store to a selection: who may be chosen, by which method, under which quota; why not the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pyarrow as pa

from prune import report
from prune.arrays import Array, Embeddings, Labels, Rows, Scores
from prune.errors import DataError, OptionError, UnknownNameError
from prune.methods import Method, find
from prune.opening import all_rejects, reopened
from prune.quota import Quota, keep_count, select_under_quota
from prune.selection import Selection
from prune.selectors import SELECTORS
from prune.settings import Settings
from prune.store import Column, Dataset, Store

if TYPE_CHECKING:
    from prune.index.space import EmbeddingSpace


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked `select` for."""

    method: str = "kcenter"
    fraction: str | float | None = None
    count: int | None = None
    score: str | None = None
    quota: Quota = "none"
    drop_hardest: float = 0.0
    on: str | None = None
    given: Sequence[str] = ()  # keys that are chosen already
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        checked_quota(self.quota)

    @property
    def selector(self) -> Method:
        """The method, looked up."""
        return find("selector", self.method, SELECTORS)

    def device(self, settings: Settings) -> str:
        """Where the arithmetic runs; methods without a space need no device."""
        return settings.torch_device if "space" in self.selector.needs else "cpu"


@dataclass(frozen=True)
class Candidates:
    """The rows that may be chosen, and why the others may not."""

    rows: Rows
    reasons: Mapping[int, str]
    given: Rows
    usable: int  # samples that can be read: what a fraction is a fraction of


def candidates(store: Store, dataset: Dataset, request: Request) -> Candidates:
    """Leave out what cannot be read, what is chosen already, and the hardest samples if asked to.

    Raises
    ------
    DataError
        A given key is not in the dataset.
    OptionError
        `drop_hardest` is out of range, or the score does not say what hard is.
    """
    reasons: dict[int, str] = dict(all_rejects(store, dataset))
    usable = np.setdiff1d(np.arange(len(dataset)), np.array(sorted(reasons), np.int64))
    given = _rows_of(dataset, request.given)
    for row in given.tolist():
        reasons[row] = "given"
    free = np.setdiff1d(usable, given)
    dropped = _hardest(store, free, len(usable), request)
    for row in dropped.tolist():
        reasons[row] = f"hardest {100 * request.drop_hardest:g} %"
    return Candidates(np.setdiff1d(free, dropped), reasons, given, len(usable))


def budget(request: Request, found: Candidates) -> int:
    """Return k: how many samples to choose.

    Raises
    ------
    OptionError
        Neither or both of fraction and count are given, or there are not so many candidates.
    """
    if (request.fraction is None) == (request.count is None):
        raise OptionError(
            "select wants one of --fraction and --count", "prune select --fraction 0.3   # keeps 30 %"
        )
    if request.count is not None:
        k, asked = request.count, f"--count {request.count}"
        if k < 1:
            raise OptionError(f"--count must be at least 1, not {k}")
    else:
        assert request.fraction is not None
        k, asked = keep_count(request.fraction, found.usable), f"--fraction {request.fraction}"
    if k > len(found.rows):
        left = f"{len(found.rows)} of {found.usable} samples can be chosen"
        raise OptionError(f"{asked} asks for {k} samples, but only {left}", "ask for less")
    return k


def choose(
    store: Store, dataset: Dataset, request: Request, found: Candidates, settings: Settings
) -> Selection:
    """Run the selector, once or per class; rows are rows of the dataset, in the order taken."""
    method = request.selector
    supplied = {"seed": request.seed} if "seed" in method.supplied else {}
    arguments_for = _needs(store, dataset, request, found, settings)

    def run(rows: Rows, k: int) -> Selection:
        arguments, extra = arguments_for(rows)
        return method.function(*arguments, k=k, **supplied, **request.options, **extra)

    return select_under_quota(run, dataset.labels, found.rows, budget(request, found), request.quota)


def directions(store: Store) -> dict[str, str]:
    """What a high value of each score means."""
    names = [name for name in store.columns if name.startswith("score.") and name.count(".") == 1]
    return {name.removeprefix("score."): store.column(name).recipe["high"] for name in names}


def space_column(store: Store, on: str | None) -> Column:
    """Return the embedding that `--on` names; by default the only one that `embed` wrote, else the proxy's.

    Raises
    ------
    OptionError
        Several embeddings, and none named.
    MissingColumnError
        There is no such column.
    """
    if on is not None:
        name = on if on.startswith("embedding.") else f"embedding.{on}"
        return store.column(name)
    names = [name.removeprefix("embedding.") for name in store.columns if name.startswith("embedding.")]
    encoded = [name for name in names if name != "proxy"]
    if len(encoded) > 1:
        raise OptionError(
            f"there are several embeddings: {', '.join(names)}", f"say which: --on {encoded[0]}"
        )
    return store.column(f"embedding.{encoded[0] if encoded else 'proxy'}")


def score_column(store: Store, name: str | None) -> Column:
    """Return the score that `--score` names; by default the only one there is."""
    if name is not None:
        return store.column(f"score.{name}")
    names = list(directions(store))
    if len(names) > 1:
        raise OptionError(f"there are several scores: {', '.join(names)}", f"say which: --score {names[0]}")
    return store.column(f"score.{names[0] if names else 'el2n'}")


def _needs(
    store: Store, dataset: Dataset, request: Request, found: Candidates, settings: Settings
) -> Callable[[Rows], tuple[list[Any], dict[str, Any]]]:
    """Return what gives the arguments for a subset of rows: positional ones, and keywords beside `k`."""
    method, device = request.selector, request.device(settings)
    spaces: Array | None = None
    scores: Scores | None = None
    if "space" in method.needs:
        spaces = _vectors(space_column(store, request.on), dataset)
    if "scores" in method.needs:
        scores = score_column(store, request.score).read()
        _require_finite(scores, found.rows, dataset)
    keys = dataset.samples["key"]

    def arguments(rows: Rows) -> tuple[list[Any], dict[str, Any]]:
        extra: dict[str, Any] = {}
        makers: dict[str, Callable[[], Any]] = {
            "scores": lambda: scores[rows],  # type: ignore[index]
            "keys": lambda: keys.take(pa.array(rows)).to_pylist(),
        }
        if spaces is not None:
            given = found.given if method.takes_given else found.given[:0]
            both = np.concatenate([rows, given])
            makers["space"] = lambda: _space(spaces[both], device)
            if len(given):
                extra["given"] = np.arange(len(rows), len(both))
        return [makers[need]() for need in method.needs], extra

    return arguments


def _vectors(column: Column, dataset: Dataset) -> Array:
    """Embeddings in which equal images are equal: rounding must not tell duplicates apart."""
    originals = dataset.originals
    vectors = column.read()
    if np.array_equal(originals, np.arange(len(originals))):
        return vectors
    return vectors[originals]


def _require_finite(scores: Scores, rows: Rows, dataset: Dataset) -> None:
    bad = rows[~np.isfinite(scores[rows])]
    if len(bad):
        first = dataset.samples["key"][int(bad[0])].as_py()
        raise DataError(f"{len(bad)} scores are not finite; the first is of {first}", "run prune score again")


def _hardest(store: Store, rows: Rows, usable: int, request: Request) -> Rows:
    share = request.drop_hardest
    if not 0 <= share < 1:
        raise OptionError(f"--drop-hardest must be from 0 up to (not including) 1, not {share}")
    if share == 0:
        return rows[:0]
    column = score_column(store, request.score)
    high = column.recipe["high"]
    if high not in {"hard", "easy"}:
        name = column.name.removeprefix("score.")
        raise OptionError(f"score {name} does not say which samples are hard", "--score el2n")
    scores = column.read()[rows]
    order = np.argsort(-scores if high == "hard" else scores, kind="stable")
    return np.sort(rows[order[: round(share * usable)]])


def keys_in(given: str | Path | Sequence[str] | None) -> list[str]:
    """Return the keys of a file, one a line; a list of keys is returned as it is.

    Raises
    ------
    OptionError
        There is no such file.
    """
    if given is None or not isinstance(given, str | Path):
        return list(given or ())
    try:
        return Path(given).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"cannot read keys from {given}", "one key a line, as in keys.txt of a selection"
        ) from error


def _rows_of(dataset: Dataset, keys: Sequence[str]) -> Rows:
    if not keys:
        return np.empty(0, np.int64)
    import pyarrow.compute as pc

    rows = pc.index_in(pa.array(keys, pa.string()), value_set=dataset.samples["key"].combine_chunks())
    if rows.null_count:
        first = keys[int(np.flatnonzero(rows.is_null().to_numpy(zero_copy_only=False))[0])]
        raise DataError(
            f"{rows.null_count} of {len(keys)} given keys are not in the dataset; the first is {first!r}",
            "keys stand one a line, as in keys.txt of a selection",
        )
    return np.unique(rows.to_numpy()).astype(np.int64)


def _space(vectors: Embeddings, device: str) -> EmbeddingSpace:
    from prune.index.space import EmbeddingSpace  # loads torch on CUDA only

    return EmbeddingSpace(vectors, device=device)


def known_dataset(store: Store, settings: Settings) -> Dataset:
    """Return the dataset, after a look whether its files are still the same; it may be out of reach.

    Raises
    ------
    StoreError
        The store is missing, or the dataset changed since.
    """
    known = store.dataset
    try:
        return reopened(store, settings)[1]
    except DataError as error:
        settings.reporter.say(f"{error}; selecting from the store alone")
        return known


def compared(
    store: Store, dataset: Dataset, request: Request, found: Candidates, chosen: Selection
) -> dict[str, Any]:
    """Put the selection next to random ones, in the space it was made in or else the proxy's."""
    names = [name for name in store.columns if name.startswith("embedding.")]
    vectors = space_column(store, request.on) if request.on or len(names) == 1 else None
    if vectors is None and "embedding.proxy" in names:
        vectors = store.column("embedding.proxy")
    return report.compare(
        None if vectors is None else vectors.read(),
        dataset.labels,
        found.rows,
        np.sort(chosen.rows),
        len(dataset.classes),
        request.seed,
    )


def rows_of_arrays(
    method: Method,
    embeddings: Embeddings | None,
    scores: Scores | None,
    labels: Labels | None,
    *,
    quota: Quota,
    supplied: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Selection:
    """Run a selector on arrays; `supplied` holds k and seed."""
    n = next((len(a) for a in (embeddings, scores, labels) if a is not None), 0)
    k = supplied["k"]
    if not 1 <= k <= n:
        raise OptionError(f"k must be from 1 to {n}, the number of rows, not {k}")

    def run(rows: Rows, count: int) -> Selection:
        given = {"space": embeddings, "scores": scores, "keys": rows}
        arguments: list[Any] = []
        for need in method.needs:
            values = given[need]
            if values is None:
                raise ValueError(
                    f"{method.name} needs {need}; {'X' if need == 'space' else need} was not given"
                )
            arguments.append(_argument(need, values, rows))
        keywords = {"seed": supplied["seed"]} if "seed" in method.supplied else {}
        return method.function(*arguments, k=count, **keywords, **options)

    every = np.arange(n)
    return select_under_quota(run, np.full(n, -1) if labels is None else labels, every, k, quota)


def _as_floats(values: Array) -> Embeddings:
    values = np.asarray(values)
    return values if values.dtype in (np.float16, np.float32) else values.astype(np.float32)


def _argument(need: str, values: Array, rows: Rows) -> Any:
    if need == "keys":
        return [str(row) for row in rows]
    if need == "space":
        return _space(_as_floats(values)[rows], "cpu")
    return np.asarray(values, np.float32)[rows]


def checked_quota(quota: str) -> Quota:
    """Return a quota that exists, or raise `UnknownNameError`."""
    for known in get_args(Quota):
        if quota == known:
            return known
    raise UnknownNameError("quota", quota, get_args(Quota))


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def checked_name(name: str) -> str:
    """Return a name that can name a folder.

    Raises
    ------
    OptionError
        It cannot.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"--name {name!r} cannot name a selection",
            "use up to 64 letters, digits, dots, dashes and underscores",
        )
    return name
