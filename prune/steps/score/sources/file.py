"""Scores that were computed elsewhere become columns, with what a high value means if the user says it."""

from __future__ import annotations

import hashlib

import numpy as np

from prune.scorers import imported_scores
from prune.steps.dataset_session import Opened
from prune.steps.rejects import check_rejects
from prune.steps.score.all_scores import write_scores
from prune.steps.score.sources.score_file import ScoreFile
from prune.system import contents


def import_columns(opened: Opened, file: ScoreFile) -> dict[str, str]:
    """Write one column `score.NAME` for each column of a file; return them, name -> identity.

    Raises
    ------
    OptionError
        A meaning is of a column that is not imported.
    DataError
        The file cannot be read, or a sample of the dataset has no finite number in it.
    """
    check_rejects(opened, opened.dataset.rejects)
    columns = imported_scores(str(contents.file_at(file.path)), opened.dataset, list(file.names) or None)
    meanings = file.meanings(columns)
    published: dict[str, str] = {}
    for name, values in columns.items():
        recipe = {
            "method": "import",
            "high": meanings[name],
            "digest": hashlib.sha256(values.tobytes()).hexdigest(),
            "dataset": opened.fingerprint,
        }
        published |= write_scores(opened, name, recipe, {"": np.asarray(values, np.float32)})
    return published
