from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from prune.core.errors import OptionError
from prune.proxy import folds_of, part_of
from prune.store import SAMPLES, Dataset


def dataset(labels: list[int | None], keys: list[str] | None = None) -> Dataset:
    columns = {name: [None] * len(labels) for name in SAMPLES.names}
    columns |= {"key": keys or [f"{i:03d}" for i in range(len(labels))], "label": labels}
    names = [f"class {i}" for i in range(1 + max(label or 0 for label in labels))]
    return Dataset("imagefolder", None, names, {}, pa.table(columns, schema=SAMPLES))


def every(data: Dataset) -> np.ndarray:
    return np.arange(len(data))


def test_a_part_keeps_the_proportions_and_leaves_no_class_out() -> None:
    data = dataset([0] * 80 + [1] * 19 + [2])
    part = part_of(data, every(data), "0.2", 0)
    assert np.bincount(data.labels[part.learnt]).tolist() == [15, 4, 1]
    assert part.learnt.tolist() == part.watched.tolist() == sorted(part.learnt.tolist())
    assert len(part_of(data, every(data), "0.01", 0).learnt) == 1


def test_a_part_goes_by_keys_not_by_order() -> None:
    labels, keys = [0, 1] * 50, [f"{i:03d}" for i in range(100)]
    turned = dataset(labels[::-1], keys[::-1])
    one, two = (
        part_of(dataset(labels, keys), np.arange(100), "0.3", 0),
        part_of(turned, np.arange(100), "0.3", 0),
    )
    assert {keys[row] for row in one.learnt} == {turned.keys[row] for row in two.learnt}
    assert one.learnt.tolist() != part_of(dataset(labels, keys), np.arange(100), "0.3", 1).learnt.tolist()


def test_only_usable_samples_are_drawn() -> None:
    data = dataset([0, 1] * 20)
    assert part_of(data, np.arange(10, 30), "1", 0).learnt.tolist() == list(range(10, 30))


def test_folds_cover_every_sample_once_and_are_even() -> None:
    data = dataset([0] * 50 + [1] * 13 + [2] * 7)
    folds = folds_of(data, every(data), 5, 0, 0)
    assert sorted(np.concatenate([fold.watched for fold in folds]).tolist()) == list(range(70))
    assert {len(fold.watched) for fold in folds} == {14}
    for fold in folds:
        assert np.intersect1d(fold.learnt, fold.watched).size == 0
        assert len(fold.learnt) + len(fold.watched) == 70
        counts = np.bincount(data.labels[fold.watched], minlength=3)
        assert counts.tolist() in [[10, a, b] for a in (2, 3) for b in (1, 2)]
    other = folds_of(data, every(data), 5, 0, 1)
    assert folds[0].watched.tolist() != other[0].watched.tolist()


def test_a_class_too_small_for_the_folds_is_named() -> None:
    data = dataset([0] * 9 + [1] * 3)
    with pytest.raises(
        OptionError, match="--cross-fit 5 wants 5 samples of each class, but 'class 1' has 3"
    ) as e:
        folds_of(data, every(data), 5, 0, 0)
    assert e.value.hint == "--cross-fit 3"
    with pytest.raises(OptionError, match="has 1"):
        folds_of(dataset([0, 0, 1]), np.arange(3), 2, 0, 0)
