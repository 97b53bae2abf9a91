from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import pytest

from prune.core import method_names
from prune.core.errors import OptionError, UnknownNameError
from prune.core.methods import Method, find, table
from prune.core.quota import Quota
from prune.encoders import ENCODERS
from prune.exporters import EXPORTERS
from prune.proxy import PROXIES
from prune.readers import READERS
from prune.scorers import SCORERS
from prune.selectors import SELECTORS
from prune.steps.report.methods import families


def near(
    space: int,
    scores: int,
    /,
    *,
    k: int,
    bins: int = 50,
    share: float = 0.5,
    fast: bool = True,
    top: int | None = None,
    mode: Literal["a", "b"] = "a",
) -> None:
    """Nearest first.

    More words.
    """


def test_the_signature_says_everything() -> None:
    method = Method(near)
    assert method.name == "near"
    assert method.summary == "Nearest first."
    assert method.needs == ["space", "scores"]
    assert method.supplied == ["k"]
    assert list(method.options) == ["bins", "share", "fast", "top", "mode"]


def test_words_become_values_of_the_annotated_types() -> None:
    words = ["bins=7", "share=0.25", "fast=no", "top=3", "mode=b"]
    assert Method(near).parse(words) == {"bins": 7, "share": 0.25, "fast": False, "top": 3, "mode": "b"}
    assert Method(near).parse(["top=none"]) == {"top": None}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("bins", "wants NAME=VALUE"),
        ("bin=3", "no option 'bin'"),
        ("bins=many", "bins=many is not a whole number"),
        ("fast=perhaps", "not true or false"),
        ("mode=c", "not one of a, b"),
        ("k=3", "no option 'k'"),
    ],
)
def test_wrong_words_say_what_is_wrong(word: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        Method(near).parse([word])
    assert caught.value.exit_code == 2


def along(
    *, k: int, way: Literal["fast", "exact"] = "exact", mode: Literal["auto", "parts"] = "auto"
) -> None:
    """Choices of two kinds."""


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("way=parts", "--set way=exact --set mode=parts"),  # a value of another option
        ("mode=part", "--set mode=parts"),
        ("way=7", "--set way=exact"),
    ],
)
def test_a_value_that_is_no_choice_brings_one_that_is(word: str, instead: str) -> None:
    for attempt in (
        lambda: Method(along).parse([word]),
        lambda: Method(along).checked(dict([word.split("=")])),
    ):
        with pytest.raises(OptionError, match="is not one of") as caught:
            attempt()
        assert caught.value.hint == instead
    words = instead.replace("--set", "").split()
    assert Method(along).parse(words) == dict(one.split("=") for one in words)


def test_an_unknown_name_brings_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="no selector is called 'naer'") as caught:
        find("selector", "naer", table(Method(near)))
    assert caught.value.hint == "did you mean 'near'?"


def test_a_name_like_no_other_brings_the_list() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find("selector", "zzz", table(Method(near)))
    assert caught.value.hint == "known: near; see prune methods"


def test_the_names_that_load_nothing_are_those_of_the_tables() -> None:
    tables: dict[str, Mapping[str, Any]] = {
        "readers": READERS,
        "encoders": ENCODERS,
        "proxies": PROXIES,
        "scores": SCORERS,
        "selectors": SELECTORS,
        "exporters": EXPORTERS,
    }
    assert {family: list(known) for family, known in method_names.FAMILIES.items()} == {
        family: list(members) for family, members in tables.items()
    }
    assert method_names.FAMILIES.keys() == families().keys()
    assert get_args(Quota) == method_names.QUOTAS


def test_the_models_that_completion_names_exist() -> None:
    from torchvision.models import list_models

    assert set(method_names.MODELS) <= set(list_models())
