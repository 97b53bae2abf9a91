"""Choosing within an earlier selection, and without what leaks held-out data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import prune as library
from prune.core.errors import OptionError, StoreError
from prune.store import Store

Prune = Callable[..., Any]


def picture(number: int, side: int = 40) -> Image.Image:
    """A smooth picture of its own for each number, with some detail."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    large = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.int64)
    return Image.fromarray(np.clip(large + rng.integers(-12, 13, (side, side, 1)), 0, 255).astype(np.uint8))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Twenty images of two classes, of which 18 and 19 are 0 and 1 again."""
    for number in range(20):
        path = tmp_path / "data" / ("even", "odd")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(number % 18).save(path)
    library.embed(tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels")
    return tmp_path / ".prune"


def table(store: Path, name: str) -> pa.Table:
    return pq.read_table(store / "selections" / name / "manifest.parquet")


def reasons(store: Path, name: str) -> dict[str, str | None]:
    found = table(store, name)
    return dict(zip(found["key"].to_pylist(), found["reason"].to_pylist(), strict=True))


def keys(store: Path, name: str) -> set[str]:
    return set(library.Store(store).selection(name).keys.tolist())


def unique(store: Path) -> None:
    library.select(store, method="semdedup", name="unique", options={"eps": 0.001})


def test_what_the_earlier_dropped_keeps_its_reason_and_its_partner(store: Path) -> None:
    unique(store)
    said = library.select(store, method="random", fraction=0.5, within="unique", name="half")
    assert said["k"] == 10  # half of all twenty, not of the eighteen
    assert keys(store, "half") < keys(store, "unique")
    copies = {key for key, reason in reasons(store, "unique").items() if reason == "duplicate"}
    assert len(copies) == 2
    assert {key for key, reason in reasons(store, "half").items() if reason == "duplicate"} == copies
    partners = [
        dict(zip(t["key"].to_pylist(), t["duplicate_of_key"].to_pylist(), strict=True))
        for t in (table(store, "unique"), table(store, "half"))
    ]
    assert partners[0] == partners[1]
    first = library.Store(store).selection("unique").about
    within = {"name": "unique", "keys_sha256": first["keys_sha256"], "k": 18}
    assert library.Store(store).selection("half").about["within"] == within


def test_what_was_only_not_chosen_is_said_to_be_outside(store: Path) -> None:
    library.select(store, method="random", count=8, name="some")
    library.select(store, method="kcenter", count=3, within="some", name="few")
    outside = [key for key, reason in reasons(store, "few").items() if reason == "not in some"]
    assert set(outside) == set(reasons(store, "few")) - keys(store, "some")


def test_more_than_is_left_is_refused_in_words_and_the_advice_works(prune: Prune, store: Path) -> None:
    unique(store)
    words = ("select", "--method", "random", "--within", "unique", "--store", store)
    said = prune(*words, "--fraction", 0.95)
    assert said.code == 2
    told = "--fraction 0.95 asks for 19 samples, but only 18 of 20 samples can be chosen within unique"
    assert told in said.err
    assert "a fraction is one of all samples" in said.err
    assert prune(*words, "--count", 18).code == 0  # as it advises
    assert prune(*words, "--fraction", 1).code == 0  # all of them
    assert keys(store, "random") == keys(store, "unique")


def test_a_chain_of_three_and_the_same_again_is_unchanged(prune: Prune, store: Path) -> None:
    unique(store)
    library.select(store, method="random", count=12, within="unique", name="second")
    words = ("select", "--method", "kcenter", "--count", 4, "--within", "second", "--store", store)
    said = prune(*words)
    assert "chosen within second, which keeps 12 samples; the fraction is one of all samples" in said.out
    assert "unchanged" in prune(*words).out
    assert keys(store, "kcenter") < keys(store, "second") < keys(store, "unique")


def test_an_earlier_selection_that_changed_is_noticed(prune: Prune, store: Path) -> None:
    library.select(store, method="random", count=12, name="first")
    library.select(store, method="random", count=6, within="first", name="second")
    words = {"method": "random", "count": 3, "within": "second", "name": "third"}
    library.select(store, **words)
    library.select(store, method="random", count=12, name="first", settings=library.Settings(seed=9))
    with pytest.raises(StoreError, match="stale: the selection 'first' was made again") as told:
        library.select(store, **words)
    assert "--count 6 --within first --name second" in told.value.hint
    export = ("export", "--format", "manifest", "--store", store, "--out", store.parent / "out")
    assert prune(*export, "--selection", "third").code == 0  # asked for by its name, as it is
    library.select(store, method="random", count=6, within="first", name="second")
    assert library.select(store, **words)["unchanged"] is False  # of other samples
    library.select(store, method="random", count=12, name="first", settings=library.Settings(seed=0))
    library.Store(store).publish(latest="third")
    said = prune(*export)
    assert said.code == 4
    assert "stale: the selection 'first' was made again" in said.err


def test_two_within_one_another_end(store: Path) -> None:
    library.select(store, method="random", count=6, name="a")
    library.select(store, method="random", fraction=1, within="a", name="b")
    library.select(store, method="random", fraction=1, within="b", name="a")
    assert library.select(store, method="random", count=2, within="a", name="c")["k"] == 2


def test_a_name_that_would_replace_the_earlier_and_one_that_is_none(store: Path) -> None:
    library.select(store, method="random", count=6)
    with pytest.raises(OptionError, match="would replace the one that it is chosen within") as told:
        library.select(store, method="random", count=3, within="random")
    assert told.value.hint == "--name random-within"
    with pytest.raises(StoreError, match="no selection called 'rondam'") as missing:
        library.select(store, method="random", count=3, within="rondam")
    assert missing.value.hint == "did you mean 'random'?"


def test_copies_are_left_out_with_their_reason_and_the_one_that_stays(prune: Prune, store: Path) -> None:
    words = ("select", "--method", "random", "--fraction", 1, "--store", store)
    said = prune(*words, "--drop-duplicates")
    assert said.code == 0, said.err
    assert "random: 18 of 20 samples kept" in said.out
    assert "left out as copies: 2 samples; near is a likeness from" in said.out
    copies = {"even/18.png": "even/00.png", "odd/19.png": "odd/01.png"}
    found = table(store, "random").to_pylist()
    assert {one["key"]: one["duplicate_of_key"] for one in found if one["reason"] == "copy"} == copies
    assert library.Store(store).selection("random").about["copies"]["samples"] == 2
    (why,) = library.why(store, ["odd/19.png"])["samples"]
    assert why["why"].endswith("it is a copy of odd/01.png, which stands before it (--drop-duplicates)")
    again = prune(*words, "--drop-duplicates")
    assert "unchanged" in again.out
    few = prune(*words[:3], "--count", 4, "--within", "random", "--name", "few", "--store", store)
    assert few.code == 0, few.err
    assert {k for k, why in reasons(store, "few").items() if why == "copy"} == copies.keys()


def test_a_copy_stays_where_what_it_is_a_copy_of_may_not_be_chosen(store: Path) -> None:
    library.select(store, method="random", fraction=1, where="key > 'even/00.png'", drop_duplicates=True)
    assert "even/18.png" in keys(store, "random")
    assert reasons(store, "random")["odd/19.png"] == "copy"


def test_leaks_are_left_out_with_their_reason_and_partner(prune: Prune, store: Path) -> None:
    test = store.parent / "test" / "even"
    test.mkdir(parents=True)
    (test / "exact.png").write_bytes((store.parent / "data" / "even" / "02.png").read_bytes())
    picture(4).save(test / "copy.jpg", quality=60)
    for number in range(100, 110):
        picture(number).save(test / f"{number}.png")
    words = ("--store", store, "--drop-leaks", store.parent / "test")
    said = prune("select", "--method", "random", "--fraction", 1, *words)
    assert said.code == 0
    assert f"left out as leaks: 2 samples of {store.parent / 'test'} (1 bytes, 1 near)" in said.out
    found = table(store, "random")
    leaks = found.filter(pa.compute.equal(found["reason"], "leak"))
    assert leaks["key"].to_pylist() == ["even/02.png", "even/04.png"]
    assert leaks["leak_of_key"].to_pylist() == ["even/exact.png", "even/copy.jpg"]
    assert not any(leaks["selected"].to_pylist())
    assert found["leak_of_key"].null_count == 18
    (about,) = library.Store(store).selection("random").about["leaks"]
    assert (about["samples"], about["held_out"]) == (2, 12)
    assert about["kinds"] == {"bytes": 1, "near": 1}
    assert prune("check", "--store", store, "--no-leak", store.parent / "test").code == 0


def test_the_advice_of_a_leak_is_what_mends_it(prune: Prune, store: Path) -> None:
    library.select(store, method="random", count=19, name="most")
    test = store.parent / "held out" / "even"
    test.mkdir(parents=True)
    (test / "same.png").write_bytes((store.parent / "data" / "even" / "02.png").read_bytes())
    check = ("check", "--store", store, "--selection", "most", "--no-leak", test.parent)
    said = prune(*check)
    assert said.code == 5
    assert "--drop-leaks" in said.err
    library.select(store, method="random", count=19, name="most", drop_leaks=str(test.parent))
    assert prune(*check).code == 0
    assert Store(store).commands["selections/most"].endswith(f"--drop-leaks '{test.parent}' --name most")
