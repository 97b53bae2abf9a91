"""SPECs: what each means, and what is said of those that mean nothing."""

from __future__ import annotations

import string

import hypothesis
import hypothesis.strategies as st
import pytest

from prune.core.errors import OptionError, PruneError
from prune.steps.evaluate.spec import Spec, parse_spec, parse_specs


def _spec(text: str) -> Spec:
    return parse_spec(text, {"mine", "kcenter"}, {"own"}, sized=True)


def test_a_method_with_its_score_and_options() -> None:
    spec = _spec("stratified:aum,drop_hardest=0.1,bins=20,quota-floor=3")
    assert spec.text == "stratified:aum,bins=20,drop_hardest=0.1,quota_floor=3"
    request = spec.stages[0].request(7, fraction="0.3")
    assert (request.method, request.score, request.fraction, request.seed) == ("stratified", "aum", "0.3", 7)
    assert (request.drop_hardest, request.quota_floor, request.options) == ("0.1", 3, {"bins": 20})


def test_the_order_of_options_does_not_matter() -> None:
    assert (
        _spec("top:el2n,quota=equal,drop_hardest=auto").text
        == _spec("top:el2n,drop_hardest=auto,quota=equal").text
    )


def test_a_chain_is_one_stage_after_the_other() -> None:
    spec = _spec("semdedup,eps=0.1>beta:dual,count=100>random")
    assert [stage.method for stage in spec.stages] == ["semdedup", "beta", "random"]
    assert spec.stages[1].request(0).count == 100


def test_what_is_left_out_first_is_said_as_select_says_it() -> None:
    request = _spec("kcenter,drop_leaks=test.npy,drop_suspects=auto").stages[0].request(0)
    assert (request.drop_leaks, request.drop_suspects) == (("test.npy",), "auto")


@pytest.mark.parametrize(("sized", "stored"), [(True, False), (False, True)])
def test_a_name_of_both_is_the_method_where_a_size_is_asked_for(sized: bool, stored: bool) -> None:
    assert parse_spec("kcenter", {"kcenter"}, sized=sized).is_stored == stored
    assert parse_spec("mine", {"mine"}, sized=sized).is_stored


def test_words_hold_several_and_each_is_taken_once() -> None:
    specs = parse_specs(["kcenter top:el2n", "semdedup > random", "kcenter", " herding"], (), sized=True)
    assert [spec.text for spec in specs] == ["kcenter", "top:el2n", "semdedup>random", "herding"]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("kcentre", "no method or selection is called 'kcentre'", "did you mean 'kcenter'?"),
        ("mein", "no method or selection is called 'mein'", "did you mean 'mine'?"),
        ("top:eln2", "no score is called 'eln2'", "did you mean 'el2n'?"),
        ("top:", "lacks the name of a score", "--select top:el2n"),
        ("top:el2n,quotta=equal", "no option of top is called 'quotta'", "did you mean 'quota'?"),
        ("kcenter,metrik=cosine", "no option of kcenter is called 'metrik'", "did you mean 'metric'?"),
        ("kcenter,metric=cosinus", "metric=cosinus is not one of", "--set metric=cosine"),
        ("kcenter,quota", "'quota' in 'kcenter,quota' is not NAME=VALUE", "quota=…"),
        ("kcenter,top:el2n", "'kcenter,top:el2n' is two selections", "--select kcenter --select top:el2n"),
        ("kcenter,quota=equal,quota=none", "says quota twice", "say it once"),
        ("kcenter,quota_floor=x", "quota_floor=x is not a whole number", "quota_floor=10"),
        ("kcenter,seed=3", "no option of kcenter is called 'seed'", "known: "),
        ("kcenter,fraction=0.2", "the size of 'kcenter,fraction=0.2'", "--fraction 0.2"),
        ("kcenter>random", "does not say how much it keeps", "--select 'kcenter,fraction=0.5>random'"),
        ("top>kcenter>random", "'top' in", "--select 'top,fraction=0.5>kcenter,fraction=0.25>random'"),
        ("semdedup>", "lacks a method before or after >", "semdedup>random"),
        (">random", "lacks a method before or after >", "semdedup>random"),
        ("", "lacks a method", "semdedup>random"),
        ("x" * 2000, "a SPEC of 2000 characters is none", "--select stratified"),
    ],
)
def test_what_means_nothing_is_said_with_what_to_type(text: str, said: str, hint: str) -> None:
    with pytest.raises(PruneError) as caught:
        _spec(text)
    assert said in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@hypothesis.given(st.text(st.sampled_from(string.ascii_lowercase + ":,=>. \x00\n‮é'\""), max_size=40))
def test_any_text_is_a_spec_or_an_option_error(text: str) -> None:
    try:
        specs = parse_specs([text], {"a"}, sized=True)
    except OptionError:
        return
    assert all(parse_specs([one.text], {"a"}, sized=True) == [one] for one in specs)
