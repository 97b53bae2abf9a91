"""Places on this machine, and addresses, of which some are read and none with a secret in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from prune.core.errors import OptionError
from prune.core.object_names import address, is_address
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
        There is one: a command is kept, and shown by the system while it runs.
    """
    for word in words:
        if has_secrets(word):
            raise OptionError(f"an address of {scheme_of(word)}: holds a password or a token", _CREDENTIALS)


_CREDENTIALS = "leave it out, and give credentials by the environment: AWS_PROFILE, HF_TOKEN, …"


def _refused(scheme: str) -> OptionError:
    what = f"this has to be a place on this machine, not one of {scheme}: addresses"
    return OptionError(what, "name a path")


def labels_near(labels: str, data: str) -> str:
    """Return where a file of labels lies as seen from the data, so that both can move together."""
    if is_address(data) or is_address(labels):
        return address(labels) or os.path.abspath(labels)  # noqa: PTH100 - links stay links
    return os.path.relpath(labels, Path(data).parent)


def labels_at(near: str, data: str) -> str:
    """Return where a file of labels lies, of what `labels_near` made of it."""
    if is_address(data) or is_address(near):
        return near
    return os.path.normpath(Path(data).parent / near)


def is_there(place: str) -> bool:
    """Whether the files of a dataset are there; of a pattern, the folder before its first sign."""
    if is_address(place):  # whoever opens it finds out
        return True
    fixed = place if Path(place).exists() else str(Path(f"{_SIGNS.split(place)[0]}x").parent)
    return bool(fixed) and Path(fixed).exists() and (fixed == place or _SIGNS.search(place) is not None)


_SIGNS = re.compile(r"[*?\[{]")
