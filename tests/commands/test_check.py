"""`prune check`: a line a condition, and the exit code of planted cases."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import prune as library
from prune.core.errors import OptionError, UnknownNameError
from prune.steps.check.request import CheckRequest

Prune = Callable[..., Any]
EACH = 12


def picture(number: int, side: int = 40) -> Image.Image:
    """A smooth picture of its own for each number, with some detail."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    large = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.int64)
    return Image.fromarray(np.clip(large + rng.integers(-12, 13, (side, side, 1)), 0, 255).astype(np.uint8))


def as_jpeg(image: Image.Image, path: Path, quality: int) -> None:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(held.getvalue())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of twelve; `whole` keeps four of each, `lost` keeps nothing of the class `cat`."""
    home = tmp_path_factory.mktemp("check")
    for number in range(3 * EACH):
        path = home / "data" / ("ant", "bee", "cat")[number // EACH] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(path)
    store = home / ".prune"
    library.embed(store, str(home / "data"), encoder="pixels")
    rows = "".join(f"{c}/{i:02}.png,{i}\n" for i in range(36) for c in [("ant", "bee", "cat")[i // EACH]])
    (home / "number.csv").write_text(f"key,number\n{rows}")
    library.score(store, imports=str(home / "number.csv"), high="hard")
    library.select(store, method="random", count=12, quota="equal", name="whole")
    library.select(store, method="bottom", score="number", count=18, quota="none", name="lost")
    plain = home / "plain"  # a store without a score
    library.embed(plain, str(home / "data"), encoder="pixels")
    library.select(plain, method="random", count=12, quota="equal", name="whole")
    return home


def check(prune: Prune, home: Path, *words: object, selection: str = "whole") -> Any:
    return prune("check", "--store", home / ".prune", "--selection", selection, *words)


def test_what_several_conditions_look_at_is_said_once(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--max-duplicates", 0.5, "--no-leak", home / "data" / "ant")
    lines = said.err.splitlines()
    assert sum("36 samples, 3 classes" in line for line in lines) == 1
    assert len(lines) == len(set(lines))


def body_of(said: Any) -> dict[str, Any]:
    body = json.loads(said.out)  # exactly one object
    assert isinstance(body, dict)
    assert body["exit_code"] == said.code
    assert body["passed"] is (said.code == 0)
    return body


def test_a_class_lost_fails_and_one_kept_passes(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--min-per-class", 4)
    assert said.code == 0
    assert said.out.startswith("pass  --min-per-class 4: 4 (class 'ant' keeps 4 of 12)")
    said = check(prune, home, "--min-per-class", 1, selection="lost")
    assert said.code == 5
    assert "FAIL  --min-per-class 1: 0 (class 'cat' keeps 0 of 12)" in said.out
    assert "error: selection lost does not meet --min-per-class" in said.err
    assert "--method bottom --count 18" in said.err
    assert "--quota-floor 1" in said.err


def advised(said: Any) -> list[str]:
    return shlex.split(said.err.splitlines()[-1].removeprefix("try:"), comments=True)[1:]


@pytest.mark.parametrize(
    ("how", "conditions", "kept"),
    [
        ({"method": "semdedup", "options": {"keep": "easy", "eps": 1.0}}, ["--min-per-class", 6], 18),
        ({"method": "bottom", "score": "number", "count": 18}, ["--min-per-class", 4], 18),
        ({"method": "bottom", "score": "number", "count": 18}, ["--min-per-class", 7], 21),  # more than 18
        ({"method": "bottom", "score": "number", "fraction": 0.2}, ["--min-per-class", 5], 15),
        ({"method": "bottom", "score": "number", "count": 18, "quota": "none"}, ["--max-class-shift", 0], 18),
        ({"method": "bottom", "score": "number", "count": 18, "by": "split"}, ["--max-class-shift", 0], 18),
        ({"method": "bottom", "score": "number", "count": 18, "by": "split"}, ["--min-per-class", 4], 18),
    ],
)
def test_what_is_advised_holds_when_it_is_typed(
    prune: Prune, home: Path, how: dict[str, Any], conditions: list[Any], kept: int
) -> None:
    library.select(home / ".prune", **how, name="typed")
    said = check(prune, home, *conditions, selection="typed")
    assert said.code == 5, said.out
    again = prune(*advised(said), "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["k"] == kept
    assert check(prune, home, *conditions, selection="typed").code == 0


def test_what_to_test_on_is_named_by_who_asks_where_there_is_nothing_known(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--min-delta", 0)
    assert (said.code, " --test DATA --select whole --seeds 5   # DATA: what" in said.err) == (5, True), (
        said.err
    )


def test_a_floor_that_no_selection_can_have_is_answered_with_one_that_can(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--min-per-class", 13)
    assert (said.code, "--min-per-class 12   # a class has no more" in said.err) == (5, True)
    assert prune(*advised(said)).code == 5  # four of twelve are kept
    assert "--count 36" in prune(*advised(said)).err


def test_a_selection_that_is_named_like_a_method_is_made_by_it(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--churn", "random", 0.2)
    assert said.code == 4
    assert said.err.splitlines()[-1].endswith("--method random --fraction 0.3")


def test_shares_of_classes_that_moved_by_hand(prune: Prune, home: Path) -> None:
    body = body_of(check(prune, home, "--max-class-shift", 0.3, "--json", selection="lost"))
    (one,) = body["conditions"]
    assert one["value"] == pytest.approx(1 / 3)  # 12, 6, 0 of 18; a third of each before: (1/3 + 0 + 1/3) / 2
    assert body["exit_code"] == 5
    assert body["error"].endswith("does not meet --max-class-shift")
    body = body_of(check(prune, home, "--max-class-shift", 0, "--json"))
    assert body["conditions"] == [
        {
            "condition": "--max-class-shift",
            "value": 0.0,
            "limit": 0.0,
            "passed": True,
            "detail": "most in class 'ant': 33.3 % → 33.3 %",
            "exit_code": 0,
        }
    ]


@pytest.mark.parametrize("how", ["exact", "re-encoded", "resized"])
def test_a_copy_in_the_test_set_fails(prune: Prune, home: Path, tmp_path: Path, how: str) -> None:
    kept = library.Store(home / ".prune").selection("whole").keys[0]
    image, copy = home / "data" / kept, tmp_path / "test" / "ant" / "copy.png"
    for number in range(500, 510):
        as_jpeg(picture(number), tmp_path / "test" / "ant" / f"{number}.jpg", 90)
    if how == "exact":
        copy.write_bytes(image.read_bytes())
    elif how == "re-encoded":
        as_jpeg(Image.open(image), copy, 60)
    else:
        Image.open(image).resize((80, 80), Image.Resampling.BILINEAR).save(copy)
    body = body_of(check(prune, home, "--no-leak", tmp_path / "test", "--json"))
    (one,) = body["conditions"]
    assert (body["exit_code"], one["value"], one["limit"]) == (5, 1, 0)
    (leak,) = one["listed"]
    assert (leak["key"], leak["partner"]) == (kept, "ant/copy.png")
    assert leak["kind"] == ("bytes" if how == "exact" else "near")
    said = check(prune, home, "--no-leak", tmp_path / "test")
    assert f"FAIL  --no-leak {tmp_path / 'test'}: 1 (" in said.out  # and no limit, which is not typed
    assert f"      {kept} = ant/copy.png ({leak['kind']})" in said.out


def test_other_pictures_do_not_leak(prune: Prune, home: Path, tmp_path: Path) -> None:
    for number in range(500, 510):
        as_jpeg(picture(number), tmp_path / "test" / "ant" / f"{number}.jpg", 90)
    other = tmp_path / "other"
    (tmp_path / "test").rename(other)
    for number in range(510, 515):
        as_jpeg(picture(number), tmp_path / "test" / "ant" / f"{number}.jpg", 90)
    said = check(prune, home, "--no-leak", other, "--no-leak", tmp_path / "test")
    assert said.code == 0
    assert said.out.count("pass  --no-leak") == 2


def test_copies_of_one_another_count_once_a_pair(prune: Prune, tmp_path: Path) -> None:
    for number in range(10):
        as_jpeg(picture(number), tmp_path / "data" / "ant" / f"{number}.jpg", 90)
    for number in (2, 5):
        as_jpeg(picture(number), tmp_path / "data" / "bee" / f"{number}.jpg", 50)
    for path in ("bee/twin.jpg", "bee/twin2.jpg"):
        (tmp_path / "data" / path).write_bytes((tmp_path / "data" / "ant" / "7.jpg").read_bytes())
    store = tmp_path / ".prune"
    library.embed(store, str(tmp_path / "data"), encoder="pixels")
    library.select(store, method="random", fraction=1)
    said = prune("check", "--store", store, "--max-duplicates", 0.28)
    assert said.code == 5
    body = body_of(prune("check", "--store", store, "--max-duplicates", 0.29, "--json"))
    assert body["conditions"][0]["value"] == pytest.approx(4 / 14)
    partners = {one["key"]: one["partner"] for one in body["conditions"][0]["listed"]}
    assert partners == {
        "bee/2.jpg": "ant/2.jpg",
        "bee/5.jpg": "ant/5.jpg",
        "bee/twin.jpg": "ant/7.jpg",
        "bee/twin2.jpg": "ant/7.jpg",
    }
    assert without_copies(prune, said, store) == (10, 0)


def without_copies(prune: Prune, said: Any, store: Path) -> tuple[int, float]:
    """Type what `check --max-duplicates` advises; return how many are kept then, and the share of copies."""
    again = prune(*advised(said), "--json")
    assert again.code == 0, again.err
    body = body_of(prune("check", "--store", store, "--max-duplicates", 0, "--json"))
    return json.loads(again.out)["k"], body["conditions"][0]["value"]


def test_of_texts_that_are_copies_one_stays(prune: Prune, tmp_path: Path) -> None:
    texts = [f"the {word} dog jumps over a fence that is {word} too" for word in ("red", "old", "slow")]
    lines = [*texts, texts[1].upper(), f"{texts[2]}!"]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in lines))
    store = tmp_path / ".prune"
    library.embed(store, str(tmp_path / "t.jsonl"))
    library.select(store, method="random", fraction=1)
    said = prune("check", "--store", store, "--max-duplicates", 0)
    assert (said.code, "0.4 (2 of 5 kept samples" in said.out) == (5, True), said.out
    assert without_copies(prune, said, store) == (3, 0)


def test_of_features_rows_of_equal_numbers_are_copies(prune: Prune, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    (tmp_path / "test").mkdir()
    np.save(tmp_path / "rows.npy", np.concatenate([rows, rows[:2]]))
    np.save(tmp_path / "test" / "more.npy", rows[5:8])
    store = tmp_path / ".prune"
    library.embed(store, str(tmp_path / "rows.npy"))
    library.select(store, method="random", fraction=1)
    words = ("check", "--store", store, "--max-duplicates", 0, "--no-leak", tmp_path / "test" / "more.npy")
    body = body_of(prune(*words, "--json"))
    assert [one["value"] for one in body["conditions"]] == [2 / 22, 3]
    assert [one["kind"] for one in body["conditions"][1]["listed"]] == ["bytes"] * 3
    said = prune("check", "--store", store, "--max-duplicates", 0)
    assert without_copies(prune, said, store) == (20, 0)


def test_what_changed_against_an_earlier_selection(prune: Prune, home: Path, tmp_path: Path) -> None:
    store = home / ".prune"
    library.select(store, method="bottom", score="number", count=24, quota="none", name="more")
    body = body_of(check(prune, home, "--churn", "lost", 0.25, "--json", selection="more"))
    assert body["conditions"][0]["value"] == pytest.approx(6 / 24)
    said = check(prune, home, "--churn", "lost", 0.24, selection="more")
    assert (said.code, "FAIL  --churn lost 0.24: 0.25" in said.out) == (5, True)
    assert prune(*shlex.split(said.err.splitlines()[-1].removeprefix("try:"))[1:]).code == 0  # prune diff
    keys = tmp_path / "last.txt"
    keys.write_bytes((store / "selections" / "lost" / "keys.txt").read_bytes())
    assert check(prune, home, "--churn", keys, 0, selection="lost").code == 0
    said = check(prune, home, "--churn", keys, 0.1, selection="more")
    advised = shlex.split(said.err.splitlines()[-1].removeprefix("try:"), comments=True)
    assert (said.code, prune(*advised[1:]).code) == (5, 0)
    said = check(prune, home, "--churn", "lots", 0.2)
    assert said.code == 4
    assert said.out.startswith("ERROR --churn lots 0.2: ")
    assert "did you mean 'lost'?" in said.err


def test_labels_in_doubt_are_a_share_below_one_and_a_number_from_one(prune: Prune, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((240, 4, 4, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.arange(240) % 2)
    rng = np.random.default_rng(0)
    trust = np.concatenate([rng.normal(8, 1, 216), rng.normal(-8, 1, 24)])  # of the last: in doubt
    store = tmp_path / ".prune"
    data, labels = str(tmp_path / "images.npy"), str(tmp_path / "labels.npy")
    library.embed(store, data, encoder="pixels", settings=library.Settings(reading={"labels": labels}))
    keys = library.Store(store).dataset.keys
    rows = "".join(f"{key},{value}\n" for key, value in zip(keys, trust, strict=True))
    (tmp_path / "trust.csv").write_text(f"key,trust\n{rows}")
    library.score(store, imports=str(tmp_path / "trust.csv"), high="easy")
    library.select(store, method="random", fraction=1)
    few = body_of(prune("check", "--store", store, "--max-suspects", 23, "--json"))
    share = body_of(prune("check", "--store", store, "--max-suspects", 0.1, "--json"))
    assert (few["conditions"][0]["value"], few["exit_code"]) == (24, 5)
    assert sorted(one["key"] for one in few["conditions"][0]["listed"]) == sorted(keys[216:])
    assert few["advice"].endswith(" --drop-suspects auto")
    assert (share["conditions"][0]["value"], share["exit_code"]) == (pytest.approx(0.1), 0)


def test_all_conditions_are_looked_at_whichever_fails(prune: Prune, home: Path) -> None:
    said = check(prune, home, "--max-class-shift", 0.1, "--min-per-class", 5, "--churn", "whole", 0)
    assert said.code == 5
    assert [line.split()[:2] for line in said.out.splitlines()[:-1]] == [
        ["FAIL", "--min-per-class"],
        ["pass", "--max-class-shift"],
        ["pass", "--churn"],
    ]


UNSEEN = {  # what keeps one condition from being looked at → its exit code
    ("--no-leak", "nowhere/test"): 3,
    ("--churn", "random", "0.2"): 4,
    ("--max-suspects", "0.1"): 5,  # nothing in the store shows that it holds
    ("--min-delta", "0"): 5,  # likewise
}


@pytest.mark.parametrize(("words", "code"), UNSEEN.items(), ids=lambda one: str(one))
def test_one_that_cannot_be_looked_at_keeps_no_other_from_it(
    prune: Prune, home: Path, words: tuple[str, ...], code: int
) -> None:
    plain = ("check", "--store", home / "plain", "--min-per-class")
    body = body_of(prune(*plain, 4, *words, "--json"))
    seen, unseen = sorted(body["conditions"], key=lambda one: str(one["condition"]) != "--min-per-class")
    assert (seen["passed"], seen["value"], seen["exit_code"]) == (True, 4, 0)
    assert (unseen["passed"], unseen["value"], unseen["exit_code"]) == (False, None, code)
    assert (body["exit_code"], body["advice"]) == (code, unseen["advice"])
    said = prune(*plain, 5, *words)
    assert said.code == 5  # what fails is known to
    told = [line for line in said.out.splitlines() if line.startswith(("FAIL", "ERROR"))]
    assert sorted(line.split()[1].rstrip(":") for line in told) == sorted(["--min-per-class", words[0]])
    assert ("ERROR" in said.out, "cannot be checked by" in said.err) == (code != 5, code != 5)


def test_what_to_type_for_one_without_a_number_stands_below_it(prune: Prune, home: Path) -> None:
    said = prune("check", "--store", home / "plain", "--min-per-class", 5, "--max-suspects", 0.1)
    lines = said.out.splitlines()
    assert lines[2] == f"      try: prune score --store {home / 'plain'} --type aum --cross-fit 5"
    assert "--quota-floor 5" in said.err.splitlines()[-1]  # of the first


def test_of_data_without_labels_the_conditions_on_classes_say_so_in_their_lines(
    prune: Prune, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32))
    store = tmp_path / ".prune"
    library.embed(store, str(tmp_path / "x.npy"))
    library.select(store, method="random", count=5)
    words = ("--min-per-class", 1, "--max-class-shift", 0.5, "--max-suspects", 0.5, "--max-duplicates", 0.5)
    body = body_of(prune("check", "--store", store, *words, "--json"))
    assert [one["exit_code"] for one in body["conditions"]] == [2, 2, 0, 3]
    assert body["exit_code"] == 2
    hint = body["conditions"][0]["advice"]
    assert prune(*shlex.split(hint, comments=True)[1:]).code == 0


def test_without_a_condition_it_says_which_there_are(prune: Prune, home: Path) -> None:
    said = check(prune, home)
    assert said.code == 2
    assert "--min-per-class 50, --max-class-shift 0.1" in said.err
    assert said.err.splitlines()[1].endswith(" --min-per-class 50")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max-class-shift", "1.5"], "--max-class-shift must be from 0 to 1, not 1.5"),
        (["--max-duplicates", "-1"], "--max-duplicates must be from 0 to 1, not -1"),
        (["--max-suspects", "2.5"], "--max-suspects must be a share below 1 or a whole number, not 2.5"),
        (["--min-per-class", "0"], "--min-per-class must be at least 1, not 0"),
        (["--churn", "whole", "2"], "--churn must be from 0 to 1, not 2"),
    ],
)
def test_a_limit_that_makes_no_sense(prune: Prune, home: Path, words: list[str], told: str) -> None:
    said = check(prune, home, *words)
    assert said.code == 2
    assert f"error: {told}" in said.err
    assert f" {words[0]} " in said.err.splitlines()[1]


def test_conditions_of_a_mapping_have_the_names_of_the_options() -> None:
    read = CheckRequest.of(
        {"min-per-class": 5, "max_duplicates": "0.1", "no-leak": "test", "churn": ["a", 0.2]}
    )
    assert read == CheckRequest(min_per_class=5, max_duplicates=0.1, no_leak=("test",), churn=("a", 0.2))
    assert read.asked == ["min_per_class", "max_duplicates", "no_leak", "churn"]
    with pytest.raises(UnknownNameError) as told:
        CheckRequest.of({"min-per-clas": 5})
    assert "min_per_class" in told.value.hint
    for wrong in ({"churn": "last"}, {"min_per_class": 1.5}, {"max_duplicates": "few"}):
        with pytest.raises(OptionError):
            CheckRequest.of(wrong)


def test_from_python_the_result_is_returned(home: Path) -> None:
    result = library.check(home / ".prune", selection="lost", min_per_class=1, churn=("lost", 0))
    assert (result["passed"], result["exit_code"]) == (False, 5)
    assert [one["passed"] for one in result["conditions"]] == [False, True]


def test_what_is_held_out_is_not_counted_in_the_whole(prune: Prune, home: Path, tmp_path: Path) -> None:
    store = tmp_path / ".prune"
    assert prune("embed", "--encoder", "pixels", "--holdout", 0.25, "--store", store, home / "data").code == 0
    library.select(store, method="random", count=12, quota="equal")
    said = prune("check", "--min-per-class", 4, "--max-class-shift", 0.1, "--store", store)
    assert said.code == 0
    assert "(class 'ant' keeps 4 of 9)" in said.out
    assert "selection random, 12 of 27 samples (9 more are held out), in" in said.out
    found = body_of(prune("check", "--min-per-class", 4, "--json", "--store", store))
    assert (found["k"], found["n"], found["usable"], found["held_out"]) == (12, 36, 27, 9)
