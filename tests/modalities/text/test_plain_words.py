"""Texts that differ in case, spaces and punctuation only."""

from __future__ import annotations

import pytest

from prune.modalities.text.plain_words import plain_words, split_words


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 3.5 km", "it s 3 5 km"),
        ("今日は、雨。 Fine", "今 日 は 雨 fine"),
        ("naïve café", "naïve café"),
        ("?! …", "?! …"),
        ("", ""),
    ],
)
def test_a_character_is_a_word_where_none_is_between(text: str, words: str) -> None:
    assert split_words(plain_words(text)) == words.split()
