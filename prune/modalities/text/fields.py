"""The text of a record: which of its fields hold it, and how several become one.

A record is a mapping of fields to values: an object of JSON, a row of a table, a row of csv. Where nobody
says which fields count, they are the first of these that the record has:

- a field of `TEXTS`
- the turns of a chat, `messages` or `conversations`
- an instruction and its answer, with what stands between them: see `TEMPLATES`

Several are joined with a newline. A path with dots leads into objects and through lists: `meta.title`,
`messages.content`; of a turn of a chat, what is said counts. In a template a number is a text, too.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from prune.core.errors import DataError, OptionError
from prune.core.safe_text import printable, shortened

TEXTS = ("text", "content", "sentence", "review", "document", "raw_content")
CAPTIONS = ("caption", "captions", "text", "alt_text", "alt")  # of an image
LABELS = ("label", "labels", "class", "category", "sentiment")
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "chat": ("messages",),
    "sharegpt": ("conversations",),
    "alpaca": ("instruction", "input", "output"),
    "dolly": ("instruction", "context", "response"),
    "prompt": ("prompt", "completion"),
    "answer": ("question", "answer"),
}
"""The fields of well-known records; one is found by the first and the last of them."""

NO_TEXT = "no text in the field"  # what the reason of a record without one begins with

_SAID = ("content", "value", "text")  # of a turn of a chat, or of a part of what is said
_DEEP = 8  # levels of lists and objects in what is said
_SHOWN = 8  # names of fields
_SIGNS = 40  # of each


@dataclass(frozen=True)
class TextFields:
    """What the user said of the fields that hold the text; nothing: they are found in every record."""

    paths: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()  # of a template: what stands before each path, and after the last

    @classmethod
    def of(cls, text_field: str | None = None, template: str | None = None) -> TextFields:
        """Read `--text-field title,body`, or a template: a name in `TEMPLATES`, or `'{title}: {body}'`.

        Raises
        ------
        OptionError
            Both are given, or one that names no field.
        """
        if text_field is not None and template is not None:
            raise OptionError("--text-field and --template both say what the text is", "give one of them")
        if template is not None:
            return cls(TEMPLATES[template]) if template in TEMPLATES else cls(*_parsed(template))
        if text_field is None:
            return cls()
        paths = tuple(path.strip() for path in text_field.split(","))
        if not all(paths):
            raise OptionError(f"--text-field {text_field!r} names no field", "as in --text-field title,body")
        return cls(paths)

    def text_of(self, record: Mapping[str, Any]) -> str:
        """Return the text of a record; a `ValueError` says why it has none."""
        paths = self.paths or _found_in(record)
        try:
            parts = [_at(record, path, numbers=bool(self.literals)) for path in paths]
        except TypeError as error:
            raise ValueError(f"{NO_TEXT} {' or '.join(paths)}: {error}") from None
        if not any(parts):
            wanted = " or ".join(paths or TEXTS)
            raise ValueError(f"{NO_TEXT} {wanted}; the fields are {_listed(record)}")
        text = self._filled(parts) if self.literals else "\n".join(filter(None, parts))
        if not text.isascii():
            _require_unicode(text)
        return text

    def named_in(self, names: Collection[str]) -> list[str]:
        """Return the fields, of those there are, that have to be read for the text."""
        found = (path if path in names else path.partition(".")[0] for path in self.paths)
        return list(dict.fromkeys(found))

    def _filled(self, parts: list[str]) -> str:
        return "".join(a + b for a, b in zip(self.literals, [*parts, ""], strict=True))


def find_fields(
    texts: Sequence[str],
    nested: Sequence[str] = (),
    *,
    where: str,
    aside: Collection[str] = (),
    by_name: bool = False,
) -> TextFields:
    """Return which columns of a table hold the text, as its names and types say.

    They are the first that a record would have, in any case of letters, else the only column of text that is
    neither aside nor called like a key, a label or a note.

    Parameters
    ----------
    texts, nested
        Names of columns of text, and of lists or objects, in their order.
    where
        The table, for the error.
    aside
        Columns that hold something else, such as the label.
    by_name
        Whether only names count: the table holds something else than texts.

    Returns
    -------
    TextFields
        Without paths where no column could be it.

    Raises
    ------
    DataError
        Several columns could be it.
    """
    lower = {name.lower(): name for name in [*reversed(nested), *reversed(texts)]}
    plain = {name.lower() for name in texts}
    single = next((name for name in TEXTS if name in plain), None)
    if single is not None:
        return TextFields((lower[single],))
    for fields in TEMPLATES.values():
        if fields[0] in lower and fields[-1] in lower:
            return TextFields(tuple(lower[name] for name in fields if name in lower))
    others = [] if by_name else [name for name in texts if name not in aside and not _is_note(name.lower())]
    if len(others) > 1:
        listed = ", ".join(others[:_SHOWN]) + (" and more" if len(others) > _SHOWN else "")
        raise DataError(
            f"no column of {where} is called like a text; there are {listed}",
            f"choose: {naming(others[:1])}",
        )
    return TextFields(tuple(others))


def _listed(record: Mapping[str, Any]) -> str:
    """Return the names of fields, as they can be shown: a name may be long, or half a character."""
    names = [shortened(printable(str(name)), _SIGNS) for name in itertools.islice(record, _SHOWN)]
    return ", ".join(names + ["…"] * (len(record) > _SHOWN)) or "none"


def naming(paths: Sequence[str]) -> str:
    """Return the option that names these fields: a template where a comma would part one of them in two."""
    if any("," in path for path in paths):
        return f"--template {shlex.quote(' '.join(f'{{{path}}}' for path in paths))}"
    return f"--text-field {shlex.quote(','.join(paths))}"


def _is_note(name: str) -> bool:
    return name in _NO_TEXT or name.endswith(_NOTES)


_NOTES = ("_id", "_ids", "_name", "_path", "_url", "_label", "_class", "_date", "_time", "_hash")
_words = str.split  # many words in few lines
_NO_TEXT = frozenset(
    _words(
        "id key __key__ uid uuid guid idx index row url uri path file file_name filename name image "
        "img source src lang language date time timestamp created added author user username license "
        "split set type kind domain topic hash md5 sha1 sha256 digest dump version meta metadata "
        "class_name class_id class_label label_text label_name fine_label coarse_label target cls y "
        "score rating stars"
    )
) | frozenset(LABELS)


def _found_in(record: Mapping[str, Any]) -> tuple[str, ...]:
    for name in TEXTS:
        if record.get(name) is not None:
            return (name,)
    for fields in TEMPLATES.values():
        if record.get(fields[0]) is not None and record.get(fields[-1]) is not None:
            return fields
    for name in record:
        if isinstance(name, str) and name.lower() in TEXTS and record[name] is not None:
            return (name,)
    return ()


def _at(record: Mapping[str, Any], path: str, *, numbers: bool) -> str:
    """Return what stands at a path, as text; nothing where nothing does. `TypeError`: it is no text."""
    value = record[path] if path in record else _led(record, path.split("."), _DEEP)
    if isinstance(value, str):
        return value
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return "\n".join(_said(value, _DEEP))


def _led(value: Any, names: list[str], levels: int) -> Any:
    if not names or value is None:
        return value
    if isinstance(value, list):
        return [_led(one, names, levels - 1) for one in value] if levels else None
    return _led(value.get(names[0]), names[1:], levels) if isinstance(value, Mapping) else None


def _said(value: Any, levels: int) -> Iterator[str]:
    """Yield the texts in a value: of a turn of a chat or a part of it, what is said."""
    if isinstance(value, str):
        yield from filter(None, [value])
    elif isinstance(value, list) and levels:
        for one in value:
            yield from _said(one, levels - 1)
    elif isinstance(value, Mapping) and levels:
        yield from _said(
            next((value[name] for name in _SAID if value.get(name) is not None), None), levels - 1
        )
    elif value is not None:
        raise TypeError(f"it holds a {type(value).__name__}")


def _parsed(template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths in a template, and the literal pieces around them; a typed `\\n` is a new line."""
    paths, literals = list[str](), [""]
    typed = template.replace("\\n", "\n").replace("\\t", "\t")
    try:
        for literal, path, form, conversion in Formatter().parse(typed):
            literals[-1] += literal
            if path is None:
                continue
            if not path or form or conversion:
                raise ValueError("a field is written {name}")
            paths.append(path)
            literals.append("")
    except ValueError as error:
        raise OptionError(f"--template {template!r}: {error}", _HOW) from error
    if not paths:
        raise OptionError(f"--template {template!r} names no field", _HOW)
    return tuple(paths), tuple(literals)


_HOW = f"as in --template '{{title}}: {{body}}', or one of {', '.join(TEMPLATES)}"


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half of a pair, as "\ud800" in JSON
        raise ValueError("the text is not Unicode") from error
