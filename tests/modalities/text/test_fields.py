"""Which fields of a record hold its text, found or chosen, and what they become."""

from __future__ import annotations

from typing import Any

import pytest

from prune.core.errors import DataError, OptionError
from prune.modalities.text.fields import TEMPLATES, TEXTS, TextFields, find_fields

TURNS = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image", "image": None}]}]
SHAREGPT = [{"from": "human", "value": "hello"}, {"from": "gpt", "value": "good day"}]
ALPACA = {"instruction": "Add.", "input": "1 2", "output": "3"}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        *[({name: "x", "title": "y"}, "x") for name in TEXTS],
        ({"content": "later", "text": "first"}, "first"),
        ({"text": None, "content": "x"}, "x"),
        ({"Review": "x"}, "x"),
        ({"messages": TURNS}, "hello\ngood day"),
        ({"messages": PARTS}, "see"),
        ({"messages": {"role": ["user", "assistant"], "content": ["a", "b"]}}, "a\nb"),
        ({"conversations": SHAREGPT}, "hello\ngood day"),
        (ALPACA, "Add.\n1 2\n3"),
        ({**ALPACA, "input": ""}, "Add.\n3"),
        ({"instruction": "a", "context": "b", "response": "c"}, "a\nb\nc"),
        ({"question": "a", "answer": "b"}, "a\nb"),
        ({"text": "of its own", **ALPACA}, "of its own"),
    ],
)
def test_the_usual_fields_are_found(record: dict[str, Any], text: str) -> None:
    assert TextFields.of().text_of(record) == text


@pytest.mark.parametrize(
    ("field", "template", "text"),
    [
        ("title", None, "T"),
        ("title,body", None, "T\nB"),
        ("body, title", None, "B\nT"),
        ("title,none,body", None, "T\nB"),
        ("meta.by", None, "me"),
        ("a.b", None, "dotted"),
        ("messages.content", None, "hello\ngood day"),
        ("messages.role", None, "user\nassistant"),
        ("messages", None, "hello\ngood day"),
        (None, "{title}: {body}", "T: B"),
        (None, r"{title}\n\t{meta.by}!", "T\n\tme!"),
        (None, "{title} {{{none}}}", "T {}"),
        (None, "{year}: {title}", "1984: T"),
        (None, "chat", "hello\ngood day"),
    ],
)
def test_fields_are_chosen(field: str | None, template: str | None, text: str) -> None:
    record = {
        "text": "not this",
        "title": "T",
        "body": "B",
        "meta": {"by": "me"},
        "year": 1984,
        "a.b": "dotted",
    }
    assert TextFields.of(field, template).text_of({**record, "messages": TURNS}) == text


@pytest.mark.parametrize(
    ("fields", "record", "reason"),
    [
        (TextFields.of(), {"title": "x"}, "in the field text or content .*; the fields are title"),
        (TextFields.of(), {}, "the fields are none"),
        (TextFields.of(), {"text": ""}, "no text in the field text; "),
        (TextFields.of(), {"text": 3, "content": "x"}, "no text in the field text: it holds a int"),
        (TextFields.of(), {"text": "\ud800"}, "not Unicode"),
        (TextFields.of(), {"messages": []}, "no text in the field messages"),
        (
            TextFields.of("a,b"),
            {"text": "x", "a": None},
            "no text in the field a or b; the fields are text, a",
        ),
        (TextFields.of(None, "{a}: {b}"), {"a": "", "b": None}, "no text in the field a or b"),
    ],
)
def test_a_record_without_a_text_says_why(fields: TextFields, record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fields.text_of(record)


def test_lists_in_lists_end() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ValueError, match="it holds a list"):
        TextFields.of("messages").text_of({"messages": deep})


@pytest.mark.parametrize(
    ("field", "template", "said"),
    [
        ("a", "{b}", "both say"),
        ("a,,b", None, "names no field"),
        ("", None, "names no field"),
        (None, "no field", "names no field"),
        (None, "{a", "expected '}'"),
        (None, "{a!r}", "a field is written"),
        (None, "{a:>9}", "a field is written"),
        (None, "{}", "a field is written"),
    ],
)
def test_what_names_no_field_is_refused(field: str | None, template: str | None, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        TextFields.of(field, template)


def test_a_template_reaches_no_attribute() -> None:
    with pytest.raises(ValueError, match="no text"):
        TextFields.of(None, "{text.__class__}").text_of({"text": "x"})


@pytest.mark.parametrize(
    ("texts", "nested", "paths"),
    [
        (["title", "content", "text"], [], ("text",)),
        (["Text"], [], ("Text",)),
        (["id", "headline", "label"], [], ("headline",)),
        (["source"], ["messages"], ("messages",)),
        (["instruction", "output", "input"], [], ("instruction", "input", "output")),
        (["instruction", "output"], [], ("instruction", "output")),
        (["text"], ["messages"], ("text",)),
        (["kept", "answers"], [], ()),
    ],
)
def test_columns_are_found_by_name_and_type(
    texts: list[str], nested: list[str], paths: tuple[str, ...]
) -> None:
    if paths:
        assert find_fields(texts, nested, where="t").paths == paths
        return
    with pytest.raises(DataError, match=r"there are kept, answers") as caught:
        find_fields(texts, nested, where="t")
    assert caught.value.hint == "choose: --text-field kept"
    assert find_fields(texts, nested, where="t", aside=["kept"]).paths == ("answers",)
    assert find_fields(texts, nested, where="t", by_name=True).paths == ()


def test_columns_that_are_notes_are_no_texts() -> None:
    assert find_fields(["id", "image_name", "label", "url"], where="t").paths == ()


def test_which_columns_have_to_be_read() -> None:
    assert TextFields.of("meta.by,a.b,meta.at").named_in(["meta", "a.b"]) == ["meta", "a.b"]
    assert TextFields.of(None, "alpaca").named_in(["x"]) == list(TEMPLATES["alpaca"])
