"""A command line that cannot be read, taken apart, and the one that was probably meant."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from prune.commands.other_names import LETTERS, MEANT
from prune.core import method_names

# What a verb cannot do without, where one of the first is typed it is not wanting.
_WANTED = {
    "score": (("--type", "--import"), ("--type", "el2n")),
    "select": (("--fraction", "--count"), ("--fraction", "0.3")),
    "export": (("--format",), ("--format", "webdataset")),
}
_PLACES = (  # options that a stray word may belong to, by the family that it is of
    ("--method", method_names.SELECTORS),
    ("--type", method_names.SCORES),
    ("--score", method_names.SCORES),
    ("--format", method_names.EXPORTERS),
    ("--encoder", (*method_names.ENCODERS, *method_names.MODELS)),
    ("--proxy", method_names.PROXIES),
    ("--quota", method_names.QUOTAS),
)


class Line:
    """The words behind `prune`, and the command that they name, if any."""

    def __init__(self, words: Sequence[str], root: Any) -> None:
        self.words = list(words)
        self.root = root
        self.verbs: list[str] = list(root.commands)
        self.first = next((word for word in self.words if not word.startswith("-")), None)
        leading = self.words[0] if self.words else None
        self.verb = leading if leading in self.verbs else None
        self.command = root.commands.get(self.verb)
        self.help = f"prune {self.verb} --help" if self.verb else "prune --help"

    @property
    def early(self) -> str | None:
        """The option that stands before the verb, if one does."""
        return self.words[0] if self.words and self.words[0].startswith("-") else None

    def verb_first(self) -> str:
        """Return the command with the verb before its options."""
        verb = next((word for word in self.words if word in self.verbs), None)
        if verb is None:
            return "prune --help"
        at = self.words.index(verb)
        return _quoted([verb, *self.words[:at], *self.words[at + 1 :]])

    def meant_by(self, word: str, near: str | None) -> str:
        """Return what a first word that is no verb may have been meant for."""
        at = self.words.index(word)
        if word == "help":
            return _quoted([*(w for w in self.words if w in self.verbs), "--help"])
        if near:
            return _quoted([near, *self.words[at + 1 :]])
        if os.path.lexists(word):
            return _quoted(["score", "--type", "el2n", word])
        if word in method_names.SELECTORS:
            return f"prune select --method {word} --fraction 0.3"
        if word in method_names.SCORES:
            return f"prune score --type {word} DATA"
        return f"prune export --format {word}" if word in method_names.EXPORTERS else "prune --help"

    # -- options -------------------------------------------------------------------------------------------

    @property
    def options(self) -> dict[str, Any]:
        """The options of the verb, by each of their names."""
        params = (p for p in self.command.params if p.param_type_name == "option")
        return {name: p for p in params for name in (*p.opts, *p.secondary_opts)} | {
            "--help": None,
            "-h": None,
        }

    @property
    def places(self) -> int:
        """How many words the verb takes that belong to no option."""
        return sum(p.param_type_name == "argument" for p in self.command.params)

    @property
    def argument(self) -> str:
        """What the help calls the word that belongs to no option."""
        found = (p for p in self.command.params if p.param_type_name == "argument")
        return next((str(p.metavar or p.name) for p in found), "")

    def has(self, name: str) -> bool:
        """Whether an option is typed."""
        return any(word == name or word.startswith(f"{name}=") for word in self.words)

    def as_typed(self, name: str, *, whole: bool = False) -> str:
        """Return the word that names an option; the parser shows one letter of `-fraction`."""
        word = next((w for w in self.words if w == name or w.startswith(f"{name}=")), None)
        word = word or next((w for w in self.words if w.startswith(name)), name)
        return word if whole else word.partition("=")[0]

    def value_of(self, name: str) -> str | None:
        """Return what is typed for an option."""
        for at, word in enumerate(self.words):
            if word == name:
                return self.words[at + 1] if at + 1 < len(self.words) else None
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None

    def default(self, name: str) -> str | None:
        """Return what an option is where it is left out."""
        param = self.options.get(name)
        plain = getattr(param, "default", None)
        return None if plain is None or callable(plain) else str(getattr(plain, "value", plain))

    def with_option_meant(self, typed: str) -> str:
        """Return the command with the option that exists; else the verb that has it."""
        plain = "--" + typed.lstrip("-").lower().replace("_", "-")
        if len(plain) == len("--x"):
            return self._with_letters_meant(typed)
        of = [v for v, c in self.root.commands.items() if any(plain in p.opts for p in c.params)]
        if near := self._near(plain, 0.8 if of else 0.6):
            name, equals, value = (whole := self.as_typed(typed, whole=True)).partition("=")
            meant = f"{near}{equals}{value}" if name else near
            return self.complete([meant if word == whole else self._as_meant(word) for word in self.words])
        return f"{self.help}   # {plain} is an option of prune {of[0]}" if of else self.help

    def _as_meant(self, word: str) -> str:
        """Return another word of the command, with the option that exists where it is one that does not."""
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name in self.options:
            return word
        return f"{self._near(name.lower().replace('_', '-')) or name}{equals}{value}"

    def _near(self, plain: str, cutoff: float = 0.6) -> str | None:
        """Return the option that is nearest to a word, of those that can still be typed.

        Dashes do not count, which all of them have: `--top` is not `--store`.
        """
        meant = MEANT.get(plain)
        if meant in self.options:
            return meant
        names_ = [name for name in self.options if name.startswith("--")]
        free = {name.lstrip("-"): name for name in names_ if not self.has(name) or self._repeats(name)}
        near = difflib.get_close_matches(plain.lstrip("-"), free, n=1, cutoff=cutoff)
        return free[near[0]] if near else None

    def _repeats(self, name: str) -> bool:
        return bool(getattr(self.options[name], "multiple", False))

    def _with_letters_meant(self, typed: str) -> str:
        """Return the command with the options that letters stand for; the help where one may be several."""
        new = []
        for at, word in enumerate(self.words):
            letter = len(word) == len("-x") and word[0] == "-" and word[1].isalpha()
            may_be = [] if not letter or word in self.options else self._of_letter(word, at)
            if len(may_be) > 1 or (word == typed and not may_be):
                return f"{self.help}{f'   # {word} may be ' + ', '.join(may_be) if may_be else ''}"
            new.append(may_be[0] if may_be else word)
        return self.complete(new)

    def _of_letter(self, letter: str, at: int) -> list[str]:
        """Return the options that a letter may stand for: one, if it is clear which."""
        begin = sorted(
            name for name in self.options if name.startswith(f"-{letter.lower()}") and not self.has(name)
        )
        value = "".join(self.words[at + 1 : at + 2])
        if "--store" in begin and os.path.exists(os.path.join(value, "store.json")):  # noqa: PTH110, PTH118
            return ["--store"]
        meant = LETTERS.get(letter.lower())
        return [meant] if meant in self.options else begin

    def with_words(self, name: str, value: str) -> str:
        """Return the command with a value, of one word or more, behind an option that has none."""
        at = self.words.index(name)
        return self.complete([*self.words[: at + 1], *value.split(), *self.words[at + 1 :]])

    def with_value(self, name: str, value: str) -> str:
        """Return the command with another value of an option."""
        new = list(self.words)
        for at, word in enumerate(new):
            if word == name and at + 1 < len(new):
                new[at + 1] = value
            elif word.startswith(f"{name}="):
                new[at] = f"{name}={value}"
        return self.complete(new)

    def replaced(self, old: str, new: str) -> str:
        """Return the command with one word in the place of another."""
        return self.complete([new if word == old else word for word in self.words])

    def complete(self, words: Sequence[str] | None = None) -> str:
        """Return a command with what the verb cannot do without."""
        words = self.words if words is None else words
        either, added = _WANTED.get(self.verb or "", ((), ()))
        there = any(word == e or word.startswith(f"{e}=") for e in either for word in words)
        more = () if not either or there else added
        return _quoted([words[0], *more, *words[1:]] if words else [])

    # -- words that belong to no option --------------------------------------------------------------------

    @property
    def loose(self) -> list[int]:
        """Where the words are that belong to no option."""
        return [at for at, owner in self.owners() if owner is None]

    def belongs(self, word: str) -> bool:
        """Whether a word is the name of something that an option of the verb takes."""
        return any(option in self.options and word in known for option, known in _PLACES)

    def placed(self) -> tuple[str, str]:
        """Return the command with every stray word where it belongs, and what is said of those left out."""
        new: list[str] = []
        left = self.places
        dropped = []
        loose = set(self.loose)
        for at, word in enumerate(self.words):
            if at not in loose:
                new.append(word)
            elif new[-2:-1] == ["--type"] and word in method_names.SCORES:
                new[-1] = f"{new[-1].rstrip(',')},{word}"
            elif option := self._place(word, new):
                new += [option, word]
            elif left:
                left -= 1
                new.append(word)
            else:
                dropped.append(word)
        data = any(os.path.lexists(word) for word in dropped) and self.verb in {"select", "export", "status"}
        return self.complete(new), "   # the store knows its dataset" if data else ""

    def _place(self, word: str, new: Sequence[str]) -> str | None:
        """Return the option that a stray word belongs to."""
        free = [option for option in self.options if option not in new]
        for option, known in _PLACES:
            if option in free and word in known:
                return option
        if "=" in word and "--set" in self.options and not os.path.lexists(word):
            return "--set"
        if os.path.exists(os.path.join(word, "store.json")) and "--store" in free and self.verb != "verify":  # noqa: PTH110, PTH118
            return "--store"
        if "--fraction" in free and "--count" not in new and _share(word):
            return "--fraction"
        if "--count" in free and word.isdigit() and "--fraction" not in new:
            return "--count"
        return "--out" if self.verb == "export" and "--out" in free and not os.path.lexists(word) else None

    def owners(self) -> Iterator[tuple[int, str | None]]:
        """Yield (position, option that the word belongs to) of each word behind the verb."""
        takes = False
        owner: str | None = None
        for at, word in enumerate(self.words[1:], 1):
            if takes:
                takes = False
                yield at, owner
            elif word.startswith("-") and len(word) > 1:
                owner = word.partition("=")[0]
                param = self.options.get(owner)
                takes = param is not None and not param.is_flag and "=" not in word
                yield at, owner
            else:
                yield at, None


def _share(word: str) -> bool:
    try:
        return "." in word and 0 < float(word) <= 1
    except ValueError:
        return False


def _quoted(words: Sequence[str]) -> str:
    return shlex.join(["prune", *words])
