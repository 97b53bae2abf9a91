"""How long a text is."""

import pytest

from prune.core.errors import OptionError
from prune.scorers.length import length

TEXTS = ["", "one", " two  words\n", "naïve café", "日本語", "e\u0301"]


def test_characters_are_code_points_and_spaces_count() -> None:
    assert length(TEXTS).tolist() == [0, 3, 12, 10, 3, 2]


def test_words_stand_between_white_space() -> None:
    assert length(TEXTS, unit="words").tolist() == [0, 1, 2, 2, 1, 1]


def test_another_unit_is_refused() -> None:
    with pytest.raises(OptionError, match="unit=bytes is not one of characters, words"):
        length(TEXTS, unit="bytes")  # type: ignore[arg-type]
