"""The digest of a text: of its UTF-8 bytes, as they are."""

from __future__ import annotations

from collections.abc import Collection

from prune.core.content import content_digest


def text_digests(text: str) -> Collection[bytes]:
    """Return the one digest of a text."""
    return (content_digest(text.encode()),)
