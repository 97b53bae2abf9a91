"""The folder that describes an exported image folder from beside it, `OUT.prune/`: tables, and no data."""

from __future__ import annotations

import os

_SUFFIX = ".prune"
_DESCRIPTION = "export.json"


def is_exported(folder: str | os.PathLike[str]) -> bool:
    """Whether an export described itself in this folder."""
    return os.path.isfile(os.path.join(folder, ".prune-export", _DESCRIPTION))  # noqa: PTH113, PTH118


def is_description(folder: str) -> bool:
    """Whether an export put this folder beside its class folders; what lies in it is no sample."""
    return folder.endswith(_SUFFIX) and os.path.isfile(os.path.join(folder, _DESCRIPTION))  # noqa: PTH113, PTH118
