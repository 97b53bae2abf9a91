from __future__ import annotations

import pytest

from prune.core.safe_text import one_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\n  two\x1b[1m"), r"one two\x1b[1m"),
        (KeyError(), "KeyError"),
        (ValueError("a" * 20), "a" * 9 + "…"),
        ("words", "words"),
    ],
)
def test_what_others_say_is_a_line_that_shows_where_it_was_cut(error: BaseException | str, said: str) -> None:
    assert one_line(error, 10 if len(str(error)) == 20 else 160) == said
