from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from prune.steps.score.imputation import NEIGHBOURS, Filling
from prune.steps.settings import Settings
from prune.store import SAMPLES, Dataset, Store


def filled(tmp_path: Any, vectors: np.ndarray, labels: list[int], scored: list[int]) -> tuple[Filling, Any]:
    columns = {name: [None] * len(labels) for name in SAMPLES.names}
    columns |= {"key": [str(i) for i in range(len(labels))], "label": labels}
    data = Dataset("imagefolder", None, ["a", "b"], {}, pa.table(columns, schema=SAMPLES))
    writer = Store(tmp_path).write_column("embedding.proxy", {"made": "here"}, rows=len(labels))
    writer.put(writer.parts[0], vectors.astype(np.float32))
    opened: Any = SimpleNamespace(dataset=data, settings=Settings(device="cpu"))
    return Filling(opened, writer.finish(), np.array(scored), np.arange(len(labels))), data


def test_a_sample_gets_the_mean_of_its_nearest_of_its_class(tmp_path: Any) -> None:
    line = np.arange(20.0)[:, None]
    labels = [0, 1] * 10
    scored = [row for row in range(20) if row not in {8, 9}]
    filling, _ = filled(tmp_path, line, labels, scored)
    scores = np.where(np.isin(np.arange(20), scored), np.arange(20.0), np.nan).astype(np.float32)
    found = filling.fill({"": scores, "std": scores, "never": np.isin(np.arange(20), [2])})
    assert NEIGHBOURS == 5
    assert found[""][8] == np.float32(6.8)  # of 6, 10, 4, 12, 2: the tie of 2 and 14 goes to the lower row
    assert found[""][9] == np.float32(7.8)  # of 7, 11, 5, 13, 3
    assert found[""][scored].tolist() == scored
    assert np.flatnonzero(found["extrapolated"]).tolist() == [8, 9]
    assert np.flatnonzero(np.isnan(found["std"])).tolist() == [8, 9]
    assert np.flatnonzero(found["never"]).tolist() == [2]
    assert np.isnan(scores[8])  # what was given is not written to


def test_a_class_without_scores_takes_the_neighbours_of_all(tmp_path: Any) -> None:
    filling, _ = filled(tmp_path, np.array([[0.0], [1], [5], [9]]), [0, 0, 0, 1], [0, 1])
    found = filling.fill({"": np.array([2.0, 4.0, np.nan, np.nan], np.float32)})[""]
    assert found.tolist() == [2, 4, np.float32((4 * 3 + 2 * 2) / 5), np.float32((4 * 3 + 2 * 2) / 5)]
