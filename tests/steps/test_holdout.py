"""Held-out samples: of every class, by seed and key, remembered, and seen by no verb."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from prune import Settings, embed
from prune.core.errors import DataError, OptionError
from prune.steps.holdout import Holdout, checked_holdout, held_out_part, set_aside
from prune.store import SAMPLES, Dataset, Store
from prune.trace import TraceWriter

FAST = ("--proxy-size", 8, "--epochs", 2, "--workers", 0)
Run = Callable[..., Any]


def made(sizes: list[int], copies: dict[int, int] | None = None, lost: tuple[int, ...] = ()) -> Dataset:
    """Return a dataset of classes of these sizes; rows in `copies` have the image of another row."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    of = {**{row: row for row in range(len(labels))}, **(copies or {})}
    columns = {
        "key": [f"k{row}" for row in range(len(labels))],
        "label": [None if label == len(sizes) - 1 and sizes[-1] == 0 else int(label) for label in labels],
        "digest": [of[row].to_bytes(16) for row in range(len(labels))],
        "reason": ["cut short" if row in lost else None for row in range(len(labels))],
    }
    table = pa.table(
        {f.name: pa.array(columns.get(f.name, [None] * len(labels)), f.type) for f in SAMPLES}, schema=SAMPLES
    )
    return Dataset("imagefolder", None, [str(c) for c in range(len(sizes))], {}, table)


def held(dataset: Dataset) -> list[int]:
    return dataset.held_out.tolist()


def test_of_every_class_its_part_one_at_least_and_never_all() -> None:
    dataset = set_aside(made([40, 25, 3, 1]), Holdout("0.1", 0))
    of = dataset.labels[dataset.held_out]
    assert np.bincount(of, minlength=4).tolist() == [4, 3, 1, 0]  # 2.5 is 3, as everywhere
    assert len(dataset.usable) + len(held(dataset)) == 69
    assert dataset.rejects == {}


def test_what_was_there_keeps_its_side_and_of_what_is_new_the_lacking_are_drawn() -> None:
    rule = Holdout("0.2", 3)
    before = set_aside(made([20, 20]), rule)
    both = made([20, 20, 0]), made([10, 30])  # of other keys and contents, but for the labels
    more = pa.concat_tables([both[0].samples, renamed(both[1].samples)])
    grown = Dataset("imagefolder", None, before.classes, {}, more)
    after = set_aside(grown, rule, before)
    assert [row for row in held(after) if row < 40] == held(before)
    assert np.bincount(after.labels[after.held_out]).tolist() == [6, 10]  # a fifth of 30 and of 50
    assert set_aside(grown, rule, after).fingerprint == after.fingerprint
    assert held(set_aside(grown, rule)) != held(after)
    fewer = Dataset("imagefolder", None, before.classes, {}, grown.samples.slice(15))
    left = set_aside(fewer, rule, after)  # a removed sample changes the side of none
    assert [row for row in held(left) if row < 25] == [row - 15 for row in held(before) if row >= 15]


def renamed(samples: pa.Table) -> pa.Table:
    """Other samples with the same labels."""
    n = len(samples)
    keys, digests = [f"new{row}" for row in range(n)], [(1000 + row).to_bytes(16) for row in range(n)]
    for name, values in (("key", keys), ("digest", digests)):
        place = SAMPLES.get_field_index(name)
        samples = samples.set_column(place, SAMPLES.field(name), pa.array(values, SAMPLES.field(name).type))
    return samples


def test_drawn_by_key_and_seed_whatever_the_order() -> None:
    plain = made([30, 30])
    order = np.random.default_rng(1).permutation(60)
    other = Dataset("imagefolder", None, plain.classes, {}, plain.samples.take(pa.array(order)))
    first, second = (set_aside(one, Holdout("0.2", 7)) for one in (plain, other))
    keys = [{one.keys[row] for row in held(one)} for one in (first, second)]
    assert keys[0] == keys[1]
    assert held(set_aside(plain, Holdout("0.2", 8))) != held(first)
    assert set(held(first)) < set(held(set_aside(plain, Holdout("0.4", 7))))


def test_copies_of_an_image_are_held_out_together() -> None:
    copies = {row: row - 10 for row in range(10, 20)}  # rows 10 to 19 have the images of 0 to 9
    dataset = set_aside(made([20], copies), Holdout("0.3", 0))
    assert len(held(dataset)) == 6  # three images
    assert {row % 10 for row in held(dataset)} & {row % 10 for row in dataset.usable} == set()


def test_what_cannot_be_read_keeps_its_reason_and_is_not_drawn() -> None:
    dataset = set_aside(made([10], lost=(2, 3, 4, 5, 6)), Holdout("0.5", 0))
    assert dataset.rejects == dict.fromkeys(range(2, 7), "cut short")
    assert len(held(dataset)) == 3
    part = held_out_part(dataset)
    assert part.usable.tolist() == held(dataset)
    assert part.rejects == dataset.rejects
    assert part.fingerprint != dataset.fingerprint


def test_without_labels_or_with_single_images_there_is_nothing_to_hold_out() -> None:
    with pytest.raises(DataError, match="no class has two different samples"):
        set_aside(made([1, 1]), Holdout("0.5", 0))
    unlabelled = made([4])
    samples = unlabelled.samples.set_column(7, SAMPLES.field("label"), pa.nulls(4, pa.int32()))
    with pytest.raises(DataError, match="no sample has a label"):
        set_aside(Dataset("imagefolder", None, [], {}, samples), Holdout("0.5", 0))


@pytest.mark.parametrize(("asked", "short"), [(".10", "0.1"), ("1e-1", "0.1"), (0.25, "0.25"), ("0.0", "0")])
def test_a_fraction_is_one_however_it_is_written(asked: Any, short: str) -> None:
    assert checked_holdout(asked) == short


@pytest.mark.parametrize("asked", ["1", "-0.1", "nan", "abc", ""])
def test_what_is_no_fraction_is_refused(asked: str) -> None:
    with pytest.raises(OptionError, match="--holdout must be from 0"):
        checked_holdout(asked)


def test_no_verb_sees_what_is_held_out(images: Path, elsewhere: Path, prune: Run) -> None:
    said = prune("score", "--type", "el2n", "--holdout", "0.2", "--json", *FAST, images)
    assert said.code == 0, said.err
    assert json.loads(said.out)["dataset"]["held_out"] == 8
    assert json.loads(said.out)["rejects"] == 0
    store = Store(".prune")
    rows = store.dataset.held_out
    assert np.bincount(store.dataset.labels[rows]).tolist() == [4, 4]
    for name in ("score.el2n", "probs", "embedding.proxy"):
        values = store.column(name).read().astype(np.float32).reshape(40, -1)
        assert np.isnan(values).all(1).nonzero()[0].tolist() == rows.tolist(), name
    assert "held out: 8 samples, 0.2 of each class" in prune("status").out

    given = Path("given.txt")
    given.write_text("".join(f"{store.dataset.keys[row]}\n" for row in (rows[0], rows[1])))
    said = prune("select", "--method", "random", "--fraction", "0.5", "--given", given, "--json")
    assert "2 of the given samples are held out and are left out" in said.err
    about = json.loads(said.out)
    assert (about["k"], about["usable"]) == (16, 32)
    manifest = pq.read_table(".prune/selections/random/manifest.parquet")
    assert [manifest["reason"][int(row)].as_py() for row in rows] == ["held out"] * 8
    assert not np.isin(store.selection().rows, rows).any()

    assert prune("export", "--format", "manifest", "--out", "kept").code == 0
    assert prune("export", "--format", "parquet", "--out", "others", "--rejected").code == 0
    others = pq.read_table("others/data")
    assert len(others) == 16
    assert prune("verify").code == 0


def test_the_store_remembers_and_refuses_another_part(images: Path, elsewhere: Path, prune: Run) -> None:
    pixels = ("embed", "--encoder", "pixels", "--workers", 0)
    assert prune(*pixels, "--holdout", "0.2", "--seed", 3, images).code == 0
    before = held(Store(".prune").dataset)
    for words in ((), (images,), ("--holdout", ".20", images), ("--seed", 5, images)):
        said = prune(*pixels, *words)
        assert (said.code, said.out[:10]) == (0, "unchanged:"), said.err
    said = prune(*pixels, "--holdout", "0.3")
    assert (said.code, "holds out 0.2 of each class, not 0.3" in said.err) == (4, True)
    assert (prune(*pixels, "--holdout", "0").code, held(Store(".prune").dataset)) == (4, before)

    Path(".prune/location.json").unlink()  # the sample table knows it too
    assert prune(*pixels, images).out.startswith("unchanged:")

    assert prune(*pixels, "--holdout", "0.3", "--refresh").code == 0
    assert len(held(Store(".prune").dataset)) == 12
    assert prune(*pixels, "--holdout", "0", "--refresh").code == 0
    assert held(Store(".prune").dataset) == []
    said = prune(*pixels, "--holdout", "0.2")
    assert (said.code, "was made of all 40 samples" in said.err) == (4, True)
    assert prune(*pixels, "--holdout", "0.2", "--store", "other", images).code == 0


def test_a_first_command_that_failed_is_gone_on_with(images: Path, elsewhere: Path, prune: Run) -> None:
    broken = images / "left" / "000.png"
    whole = broken.read_bytes()
    broken.write_bytes(b"no image")
    said = prune("embed", "--encoder", "pixels", "--workers", 0, "--holdout", "0.2", images)
    assert (said.code, "1 of 32 samples" in said.err) == (3, True), said.err
    said = prune("embed", "--encoder", "pixels", "--workers", 0, "--on-error", "skip", "--max-bad", 0.1)
    assert said.code == 0, said.err
    store = Store(".prune")
    assert (len(store.dataset.held_out), "rejects: 1" in prune("status").out) == (8, True)
    assert not whole.startswith(b"no")


def test_imported_scores_need_not_know_them(images: Path, elsewhere: Path, prune: Run) -> None:
    embed(".prune", str(images), encoder="pixels", settings=Settings(reading={"holdout": 0.2}))
    store = Store(".prune")
    known = store.dataset.samples["key"].take(pa.array(store.dataset.usable))
    pq.write_table(pa.table({"key": known, "mine": np.arange(32.0)}), "mine.parquet")
    said = prune("score", "--import", "mine.parquet", "--high", "hard")
    assert said.code == 0, said.err
    assert np.isnan(store.column("score.mine").read()).nonzero()[0].tolist() == held(store.dataset)


def test_a_training_of_one_s_own_leaves_them_out_or_is_told(
    images: Path, elsewhere: Path, prune: Run
) -> None:
    embed(".prune", str(images), encoder="pixels", settings=Settings(reading={"holdout": "0.2"}))
    store = Store(".prune")
    rows, held_rows = store.dataset.usable, store.dataset.held_out
    model = nn.Linear(2, 2)

    def batches(which: np.ndarray) -> list[Any]:
        labels = torch.tensor(store.dataset.labels[which].astype(np.int64))
        return [(torch.ones(len(which), 2), labels, which)]

    with pytest.raises(DataError, match=r"8 samples \('.*', …\) are held out"):
        TraceWriter(store, epochs=1).observe(model, batches(np.arange(40)))
    writer = TraceWriter(store, epochs=1)
    writer.observe(model, batches(rows))
    writer.close()
    assert prune("score", "--type", "el2n").code == 0
    scores = store.column("score.el2n").read()
    assert np.isnan(scores).nonzero()[0].tolist() == held_rows.tolist()


NET = """
from torch import nn


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
"""


def test_a_model_of_one_s_own_is_not_asked_about_them(images: Path, elsewhere: Path, prune: Run) -> None:
    Path("own_net.py").write_text(NET)
    torch.save({"1.weight": torch.ones(2, 192), "1.bias": torch.zeros(2)}, "weights.pt")
    words = ("--checkpoint", "weights.pt", "--model", "own_net.py:net", "--proxy-size", 8, "--workers", 0)
    said = prune("score", "--type", "el2n,aum,grad_norm", *words, "--holdout", "0.2", images)
    assert said.code == 0, said.err
    store = Store(".prune")
    rows = held(store.dataset)
    assert len(rows) == 8
    for name in ("probs", "embedding.proxy", "score.el2n", "score.aum", "score.grad_norm"):
        values = store.column(name).read().astype(np.float32).reshape(40, -1)
        assert np.isnan(values).any(1).nonzero()[0].tolist() == rows, name
    ranks = store.column("score.aum.suspect_rank").read()
    assert sorted(np.delete(ranks, rows).tolist()) == list(range(32))
    for method in ("top", "kcenter", "random"):
        said = prune("select", "--method", method, "--fraction", 1, "--score", "el2n", "--name", method)
        assert said.code == 0, said.err
        assert sorted(store.selection(method).rows) == store.dataset.usable.tolist()


@pytest.mark.parametrize("kind", ["features", "text"])
def test_other_data(kind: str, elsewhere: Path, prune: Run) -> None:
    if kind == "features":
        Path("data").mkdir()
        np.save("data/x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
        np.save("data/labels.npy", np.arange(30) % 3)
        words = ("embed", "data/x.npy")
    else:
        lines = [json.dumps({"text": f"line {row}", "label": "ab"[row % 2]}) for row in range(30)]
        Path("data.jsonl").write_text("\n".join(lines))
        np.save("x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
        words = ("embed", "--features", "x.npy", "data.jsonl")
    assert (said := prune(*words, "--holdout", "0.2")).code == 0, said.err
    rows = Store(".prune").dataset.held_out
    assert len(rows) == 6
    said = prune("select", "--method", "kcenter", "--count", 24)
    assert said.code == 0, said.err
    assert not np.isin(Store(".prune").selection().rows, rows).any()
    shutil.rmtree(".prune")
    assert prune(*words).code == 0
    assert len(Store(".prune").dataset.usable) == 30
