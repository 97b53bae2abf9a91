"""Labels in doubt: a list to look at, as numbers, as a table, or as a folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune.core.store_option import in_store
from prune.steps.explain.doubted_labels import FOLDS, DoubtedLabels, doubted_labels
from prune.steps.explain.suspect_files import write_suspects
from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.sample_words import BEGINNING, SampleWords
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Dataset, Store


@named
@advised
def suspects(
    store: Store | str | Path = ".prune",
    *,
    by: str | None = None,
    first: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """List the labels that are in doubt, the most doubtful first.

    Parameters
    ----------
    store
        Where predictions and scores are.
    by
        `confident`: confident learning, on predictions by proxies that did not train on the sample where
        `score` was told `cross_fit`, else on those there are. Or a score that looks at labels: the harder of
        two normals, where it shows two. Default: the first of these that is there.
    first
        How many are in the result; default: all.
    out
        Also write all of them: a .csv, .parquet or .jsonl file, or a folder of the images themselves.
    overwrite
        Replace an earlier list at `out`.

    Returns
    -------
    dict
        store, n (labels that were looked at), found, by, rule, held_out (whether predictions are of proxies
        that did not train on the sample; None where there are none), list (rank, key, given, likely,
        confidence, which rules agree, and of texts how each begins), out and unchanged.

    Raises
    ------
    OptionError, MissingColumnError
        There is no such rule, or not what it needs.
    DataError
        The dataset has no labels, or its samples cannot be written as files.
    OutputError
        Something that is not this list stands at `out`.
    """
    held = store if isinstance(store, Store) else Store(store)
    dataset = held.dataset
    doubted = doubted_labels(held, dataset, by)
    words = SampleWords(held, dataset, settings)
    result = _told(held, dataset, doubted, first, words)
    if doubted.held_out is False:
        settings.reporter.say(
            "predictions are of samples that were trained on, so that wrong labels may have been learnt by "
            f"heart; for others: {in_store(FOLDS, str(held.path))}"
        )
    if out is None:
        return result
    return result | write_suspects(held, doubted, Path(out), overwrite=overwrite, settings=settings)


def _told(
    store: Store, dataset: Dataset, doubted: DoubtedLabels, first: int | None, words: SampleWords
) -> dict[str, Any]:
    table = doubted.table(dataset)
    listed = (table if first is None else table.slice(0, first)).to_pylist()
    if words.any:
        texts = words.of(doubted.rows[: len(listed)], BEGINNING)
        listed = [{**one, "text": text} for one, text in zip(listed, texts, strict=True)]
    return {
        "store": str(store.path),
        "n": doubted.labelled,
        "found": len(table),
        "by": doubted.by,
        "rule": doubted.rule,
        "held_out": doubted.held_out,
        "list": listed,
    }
