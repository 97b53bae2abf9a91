"""What is said of a library that an encoder needs and that is not installed."""

from __future__ import annotations

from prune.core.errors import OptionError


def missing(library: str, encoder: str, extra: str) -> OptionError:
    """Return what to say of a library of an extra that is not installed."""
    return OptionError(
        f"--encoder {encoder} needs {library}, which is not installed",
        f'pip install "dataset-prune[{extra}]"',
    )
