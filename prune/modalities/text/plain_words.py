"""A text without what does not change its words: case, spaces, punctuation, composed characters."""

from __future__ import annotations

import hashlib
import re
import unicodedata

NO_SPACES = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # between words of Chinese and Japanese
_NO_WORD = re.compile(r"[\W_]+")
_WORD = re.compile(f"[{NO_SPACES}]|[^ {NO_SPACES}]+")


def plain_words(text: str) -> str:
    """Return the words of a text in lower case, one space between; of a text without words, the text itself.

    Characters are those of NFKC, so that `ﬁ` is `fi` and a letter with its accent is one character.
    """
    words = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return words or text


def split_words(plain: str) -> list[str]:
    """Return the words of what `plain_words` returned; of Chinese and Japanese, every character is one."""
    usual = plain.isascii() and plain[:1].isalnum()
    return plain.split(" ") if usual else _WORD.findall(plain)


def words_digest(plain: str) -> bytes:
    """Return what stands for the words of a text, as `plain_words` has them."""
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
