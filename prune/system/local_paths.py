"""Only what lies on this machine: an address is refused before anything is made of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from prune.core.errors import OptionError
from prune.core.redaction import has_secrets, scheme_of


def require_local(place: str) -> None:
    """Refuse an address in the place of a path.

    Raises
    ------
    OptionError
        It is one, and no folder of that name is here.
    """
    scheme = scheme_of(place)
    if scheme is not None and not Path(place).exists():
        raise _refused(scheme)


def real(place: Path) -> Path:
    """Return a path without links; unlike `Path.resolve`, also where links lead in a circle."""
    return Path(os.path.realpath(place))


def require_no_secrets(words: list[str]) -> None:
    """Refuse a command line with a password or a token in an address, before anything can repeat it.

    Raises
    ------
    OptionError
        There is one; prune opens no address, so it is of no use.
    """
    for word in words:
        if has_secrets(word):
            raise _refused(scheme_of(word) or "such")


def _refused(scheme: str) -> OptionError:
    what = f"prune reads and writes local files only, not {scheme}: addresses"
    return OptionError(what, "copy the data to this machine first")


def is_there(place: str) -> bool:
    """Whether the files of a dataset are there; of a pattern, the folder before its first sign."""
    fixed = place if Path(place).exists() else str(Path(f"{_SIGNS.split(place)[0]}x").parent)
    return bool(fixed) and Path(fixed).exists() and (fixed == place or _SIGNS.search(place) is not None)


_SIGNS = re.compile(r"[*?\[{]")
