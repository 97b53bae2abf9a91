"""From a store to a selection: who may be chosen, by which method, under which quota; why not the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pyarrow as pa

from prune.arrays import Embeddings, Rows, Scores
from prune.errors import DataError, MissingColumnError, OptionError, UnknownNameError
from prune.methods import Method, find
from prune.opening import all_rejects, reopened
from prune.progress import Reporter
from prune.quota import Quota, keep_count, select_under_quota, share_count
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


def candidates(store: Store, dataset: Dataset, request: Request, reporter: Reporter) -> Candidates:
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
    asked = _rows_of(dataset, request.given)
    given = np.intersect1d(asked, usable)
    if len(given) < len(asked):
        reporter.say(f"{len(asked) - len(given)} of the given samples cannot be read and are left out")
    if request.score and "scores" not in request.selector.needs and not request.drop_hardest:
        reporter.say(f"{request.method} does not use --score {request.score}")
    free = np.setdiff1d(usable, given)
    dropped = _hardest(store, free, len(usable), request)
    reasons |= dict.fromkeys(given.tolist(), "given")
    reasons |= dict.fromkeys(dropped.tolist(), f"hardest {100 * request.drop_hardest:g} %")
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


def space(store: Store, dataset: Dataset, request: Request) -> Embeddings | None:
    """Return the embeddings that the method computes in, and the report measures in; (n, d).

    Methods that need none are still measured, where it is clear in which. Equal images are equal rows:
    rounding must not tell duplicates apart.

    Raises
    ------
    OptionError, MissingColumnError
        The method needs an embedding, and it is not there or not clear which.
    """
    try:
        column = space_column(store, request.on)
    except (OptionError, MissingColumnError):
        if "space" in request.selector.needs or request.on is not None:
            raise
        return None
    vectors, originals = column.read(), dataset.originals
    return vectors if np.array_equal(originals, np.arange(len(originals))) else vectors[originals]


def choose(
    store: Store,
    dataset: Dataset,
    request: Request,
    found: Candidates,
    vectors: Embeddings | None,
    settings: Settings,
) -> Selection:
    """Run the selector, once or per class; rows are rows of the dataset, in the order taken."""
    method, device = request.selector, request.device(settings)
    keywords: dict[str, Any] = {"seed": request.seed} if "seed" in method.supplied else {}
    scores = score_column(store, request.score).read() if "scores" in method.needs else None
    if scores is not None:
        _require_finite(scores, found.rows, dataset)
    keys = dataset.samples["key"]
    given = found.given if method.takes_given else found.given[:0]

    def run(rows: Rows, k: int) -> Selection:
        makers: dict[str, Callable[[], Any]] = {
            "scores": lambda: scores[rows],  # type: ignore[index]
            "keys": lambda: keys.take(pa.array(rows)).to_pylist(),
            "space": lambda: _space(_taken(vectors, np.concatenate([rows, given])), device),
        }
        more = {"given": np.arange(len(rows), len(rows) + len(given))} if len(given) else {}
        arguments = [makers[need]() for need in method.needs]
        return method.function(*arguments, k=k, **keywords, **more, **request.options)

    return select_under_quota(run, dataset.labels, found.rows, budget(request, found), request.quota)


def _taken(vectors: Embeddings | None, rows: Rows) -> Embeddings:
    assert vectors is not None, "space() has raised where there is none"
    return vectors if np.array_equal(rows, np.arange(len(vectors))) else vectors[rows]


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
    return np.sort(rows[order[: share_count(share, usable)]])


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
        lines = Path(given).read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"cannot read keys from {given}", "one key a line, as in keys.txt of a selection"
        ) from error
    return [key for key in (line.removesuffix("\r") for line in lines) if key]


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
