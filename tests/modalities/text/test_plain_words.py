"""Texts that differ in case, spaces and punctuation only."""

from __future__ import annotations

import pytest

from prune.modalities.text.plain_words import plain_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", "hello world"),
        ("  hello\n\tworld ", "hello world"),
        ("hello_world", "hello world"),
        ("ﬁne — café", "fine café"),
        ("STRASSE straße", "strasse strasse"),
        ("3.5 km", "3 5 km"),
        ("?!", "?!"),  # no words: itself, so that it is not the same as every other
        ("", ""),
    ],
)
def test_words_by_hand(text: str, words: str) -> None:
    assert plain_words(text) == words
