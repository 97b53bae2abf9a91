"""Libraries that a loader hands its samples to: asked for by name where they are not installed."""

from __future__ import annotations

import importlib.util

from prune.core.errors import OptionError


class NoLibraryError(OptionError, ImportError):
    """A library that only one loader needs is not there."""


def require_library(name: str) -> None:
    """Raise `NoLibraryError` unless a library of the extra `loaders` is installed."""
    if importlib.util.find_spec(name) is None:
        raise NoLibraryError(
            f"prune.loaders.{_LOADERS.get(name, name)} needs {name}, which is not installed",
            'pip install "dataset-prune[loaders]"',
        )


_LOADERS = {"datasets": "huggingface"}
