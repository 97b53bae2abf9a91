"""A text without what does not change its words: case, spaces, punctuation, composed characters."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NO_WORD = re.compile(r"[\W_]+")


def plain_words(text: str) -> str:
    """Return the words of a text in lower case, one space between; of a text without words, the text itself.

    Characters are those of NFKC, so that `ﬁ` is `fi` and a letter with its accent is one character.
    """
    words = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return words or text


def words_digest(plain: str) -> bytes:
    """Return what stands for the words of a text, as `plain_words` has them."""
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
