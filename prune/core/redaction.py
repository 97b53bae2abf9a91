"""Addresses without what is secret in them: user names, passwords, query strings, tokens."""

from __future__ import annotations

import re

from prune.core.object_names import as_addresses

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+:/{1,3})(?P<rest>[^\s'\"<>`]+)")
_PORT = re.compile(r"[^:]*(:\d*)?")


def without_secrets(text: str) -> str:
    """Return a text whose addresses have lost user information and all that follows a `?` or a `#`.

    Names that objects have on this machine are addresses again.
    """
    text = as_addresses(text)
    return _ADDRESS.sub(_shown, text) if ":/" in text else text


def has_secrets(text: str) -> bool:
    """Whether an address in this text holds what should not be shown."""
    return ":/" in text and _ADDRESS.sub(_shown, text) != text


def scheme_of(text: str) -> str | None:
    """Return the scheme of an address, such as `s3`; None for a plain path. `--out=s3://…` has one too."""
    match = _ADDRESS.match(text.partition("=")[2] if text.startswith("--") else text)
    return match["scheme"].rstrip(":/") if match else None


def _shown(match: re.Match[str]) -> str:
    rest = re.split(r"[?#]", match["rest"], maxsplit=1)[0]
    host = rest.partition("/")[0]
    if "@" in host:
        rest = rest[host.rindex("@") + 1 :]
    elif "@" in rest and not _PORT.fullmatch(host):  # a password with a slash in it
        rest = rest[rest.rindex("@") + 1 :]
    return match["scheme"] + rest
