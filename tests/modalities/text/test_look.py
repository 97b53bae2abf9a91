from __future__ import annotations

import pytest

from prune.core.safe_text import readable
from prune.modalities.text.look import one_line, text_look


def test_a_short_text_is_all_there() -> None:
    look = text_look("a <b>\r\n\tc\n")
    assert (look.text, look.more, look.more_about) == ("a <b>\n\tc", "", "")


def test_a_long_text_is_cut_after_a_word_and_the_rest_follows_on_demand() -> None:
    text = "word " * 200
    look = text_look(text)
    assert look.text == ("word " * 56).strip()
    assert f"{look.text} {look.more.strip()}" == text.strip()
    assert look.more_about == f"{len(look.more)} more characters"


def test_what_is_longer_than_a_page_has_room_for_is_counted() -> None:
    look = text_look("x" * 5_000_000)
    assert (len(look.text or ""), len(look.more)) == (280, 4000)
    assert look.more_about == "4,000 more characters; 4,995,720 after these are in the dataset"


def test_many_lines_are_cut_after_the_eighth() -> None:
    look = text_look("\n".join(str(n) for n in range(20)))
    assert look.text == "\n".join(str(n) for n in range(8))
    assert look.more.startswith("8\n9\n")


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\u202e", "\u2066", "\x9b", "\ufeff", "\ue000", "\U000e0041"])
def test_what_may_do_harm_is_an_escape(bad: str) -> None:
    shown = text_look(f"a{bad}b").text or ""
    assert bad not in shown
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_what_joins_letters_and_emoji_stays() -> None:
    for text in ("می\u200cروم", "👩\u200d🚀", "é\t日本"):
        assert readable(text) == text


def test_every_line_end_is_one() -> None:
    assert readable("a\r\nb\rc\x0bd\u2028e\n\nf") == "a\nb\nc\nd\ne\n\nf"


def test_on_one_line_a_mark_stands_where_a_line_ended() -> None:
    assert one_line("  a  b \r\n\n c\t d\n", 40) == "a b ⏎ c d"
    assert one_line("", 40) == ""


def test_one_line_is_never_longer_than_asked() -> None:
    for text in ("word " * 50, "x" * 500, "a\n" * 300, " " * 1000 + "a"):
        assert len(one_line(text, 60)) <= 60
        assert one_line(text, 60).endswith("…")
    assert one_line("word " * 50, 12) == "word word …"
