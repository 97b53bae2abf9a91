"""Folders of prune's own among data: what describes an export from beside it, `OUT.prune/`, and stores."""

from __future__ import annotations

import os

from prune.store.layout import DATASETS, STATE

_SUFFIX = ".prune"
_DESCRIPTION = "export.json"


def is_exported(folder: str | os.PathLike[str]) -> bool:
    """Whether an export described itself in this folder."""
    return os.path.isfile(os.path.join(folder, ".prune-export", _DESCRIPTION))  # noqa: PTH113, PTH118


def is_description(folder: str) -> bool:
    """Whether an export put this folder beside its class folders, or it is a store: it holds no sample."""
    if folder.endswith(_SUFFIX) and os.path.isfile(os.path.join(folder, _DESCRIPTION)):  # noqa: PTH113, PTH118
        return True
    return os.path.isfile(os.path.join(folder, STATE)) and os.path.isdir(os.path.join(folder, DATASETS))  # noqa: PTH112, PTH113, PTH118
