"""Bad input: one sentence says what is wrong, one what to type; the exit code; and nothing is lost."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.store import Store

Prune = Callable[..., Any]

QUICK = ("--proxy", "mlp", "--epochs", "1", "--proxy-size", "8", "--workers", "0")


@pytest.fixture
def scored(prune: Prune, images: Path, elsewhere: Path) -> Path:
    """A store with one embedding, in the current folder."""
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    return elsewhere / ".prune"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "lock"}


def check(said: Any, code: int, *words: str) -> None:
    """Two lines at the end of standard error: what is wrong, and what to type."""
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    lines = said.err.strip().splitlines()
    assert lines[-2].startswith("error: "), said.err
    assert lines[-1].startswith("try:   "), said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("fraction", ["0", "-0.1", "1.5", "nan", "inf", "abc", ""])
def test_a_fraction_that_makes_no_sense(prune: Prune, scored: Path, fraction: str) -> None:
    before = tree(scored)
    said = prune("select", "--fraction", fraction)
    assert said.code == 2
    assert "--fraction must be over 0 and at most 1" in said.err
    assert tree(scored) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "41"], "asks for 41 samples, but only 40 of 40"),
        (["--count", "0"], "--count must be at least 1"),
        ([], "wants one of --fraction and --count"),
        (["--count", "3", "--fraction", "0.1"], "wants one of --fraction and --count"),
        (["--method", "kcentre", "--count", "3"], "did you mean 'kcenter'?"),
        (["--quota", "equall", "--count", "3"], "did you mean 'equal'?"),
        (["--count", "3", "--set", "metrik=cosine"], "kcenter has no option 'metrik'"),
        (["--count", "3", "--set", "metric=cosinus"], "not one of euclidean, cosine"),
        (["--count", "3", "--set", "given=1"], "no option 'given'"),
        (["--count", "3", "--drop-hardest", "1.0"], "--drop-hardest must be from 0 up to"),
        (["--count", "3", "--name", "../out"], "cannot name a selection"),
        (["--count", "3", "--given", "nowhere.txt"], "nowhere.txt is no file of keys, and no selection"),
        (["--count", "3", "--seed", "-1"], "--seed must be from 0"),
    ],
)
def test_options_of_select_that_make_no_sense(
    prune: Prune, scored: Path, words: list[str], message: str
) -> None:
    before = tree(scored)
    said = prune("select", *words)
    assert said.code == 2
    assert message in said.err
    assert tree(scored) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "top", "--count", "3"], "there is no column 'score.el2n'"),
        (["--method", "top", "--score", "aum", "--count", "3"], "prune score --type aum"),
        (["--on", "resnet50", "--count", "3"], "prune embed --encoder resnet50"),
    ],
)
def test_a_step_that_has_to_run_first(prune: Prune, scored: Path, words: list[str], message: str) -> None:
    check(prune("select", *words), 4, message)


def test_verbs_in_the_wrong_order(prune: Prune, elsewhere: Path, images: Path) -> None:
    check(prune("select", "--fraction", "0.3"), 4, "there is no store at .prune", "prune score")
    check(prune("export", "--format", "webdataset"), 4, "there is no store")
    check(prune("status"), 4, "there is no store")
    check(prune("score", "--type", "el2n"), 4, "does not know where its dataset is")
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    check(prune("export", "--format", "webdataset"), 4, "no selection yet", "prune select")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--type", "el2m"], "did you mean 'el2n'?"),
        ([], "score wants --type"),
        (["--type", "el2n", "--proxy", "resnet88"], "did you mean 'resnet"),
        (["--type", "el2n", "--runs", "0"], "--runs must be at least 1"),
        (["--type", "el2n", "--epochs", "0"], "epochs is 0"),
        (["--type", "el2n", "--set", "epoch=9", *QUICK], "the trace has epochs 1 to 1"),
        (["--type", "el2n", "--set", "speed=9"], "el2n has no option 'speed'"),
        (["--type", "el2n", "--max-bad", "7"], "--max-bad must be from 0 to 1"),
        (["--type", "el2n", "--as", "imagefolders"], "did you mean 'imagefolder'?"),
    ],
)
def test_options_of_score_that_make_no_sense(
    prune: Prune, elsewhere: Path, images: Path, words: list[str], message: str
) -> None:
    said = prune("score", *words, images)
    assert said.code == 2, said.err
    assert message in said.err


def test_no_data(prune: Prune, elsewhere: Path, images: Path) -> None:
    check(prune("embed", images.with_name("dota")), 3, "no data at", "did you mean")
    (elsewhere / "empty").mkdir()
    check(prune("embed", "empty"), 3, "empty is empty")
    check(prune("embed", "s3://key:secret@bucket/x.tar"), 2, "holds a password or a token")
    assert "secret" not in prune("embed", "s3://key:secret@bucket/x.tar").err
    check(prune("embed", "pipe:touch owned"), 2, "reads no pipe: addresses")
    assert sorted(p.name for p in elsewhere.iterdir()) == ["empty"]


def shard(path: Path, images: Path, count: int = 12) -> Path:
    with tarfile.open(path, "w") as tar:
        for number, image in enumerate(sorted(images.rglob("*.png"))[:count]):
            for name, data in (
                (f"{number:03d}.png", image.read_bytes()),
                (f"{number:03d}.cls", b"%d" % (number % 2)),
            ):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def test_two_formats_in_one_folder(prune: Prune, elsewhere: Path, images: Path) -> None:
    shard(images / "x.tar", images)
    check(
        prune("embed", images),
        3,
        "looks like imagefolder and like webdataset",
        "--as imagefolder   # or --as webdataset",
    )
    assert prune("embed", "--encoder", "pixels", "--workers", 0, "--as", "webdataset", images).code == 0


def test_a_truncated_shard_is_named_with_the_byte(prune: Prune, elsewhere: Path, images: Path) -> None:
    (elsewhere / "shards").mkdir()
    path = shard(elsewhere / "shards" / "a.tar", images)
    path.write_bytes(path.read_bytes()[:5000])
    check(prune("embed", "--encoder", "pixels", "shards"), 3, "a.tar is truncated or damaged after byte")


def test_unreadable_images_stop_the_command_and_keep_the_work(
    prune: Prune, elsewhere: Path, images: Path
) -> None:
    broken = images / "left" / "000.png"
    broken.write_bytes(broken.read_bytes()[:60])
    said = prune("score", "--type", "el2n", *QUICK, images)
    check(said, 3, "left/000.png: ", "1 of 40 samples (2.5 %) cannot be used", "--on-error skip")
    said = prune("score", "--type", "el2n", *QUICK, "--on-error", "skip", images)
    check(said, 3, "the limit is 1 %", "--max-bad 0.0")
    parts = {p: p.stat().st_mtime_ns for p in (elsewhere / ".prune").rglob("part-*") if "images" in str(p)}
    assert parts
    assert (
        prune("score", "--type", "el2n", *QUICK, "--on-error", "skip", "--max-bad", "0.03", images).code == 0
    )
    assert all(path.stat().st_mtime_ns == written for path, written in parts.items())
    assert prune("select", "--method", "top", "--fraction", "1").code == 0
    table = pq.read_table(elsewhere / ".prune" / "selections" / "top" / "manifest.parquet")
    assert table["selected"].to_numpy().sum() == 39
    assert "truncated" in table["reason"][0].as_py()
    assert np.isnan(table["score.el2n"][0].as_py())


def test_duplicate_keys_are_rejected_by_name(prune: Prune, elsewhere: Path, images: Path) -> None:
    (elsewhere / "shards").mkdir()
    for name in ("a.tar", "b.tar"):
        shard(elsewhere / "shards" / name, images, count=3)
    said = prune("embed", "--encoder", "pixels", "--workers", 0, "shards")
    check(said, 3, "000: duplicate key; first in a.tar", "3 of 6 samples (50 %)")


def test_labels_that_are_missing(prune: Prune, elsewhere: Path, images: Path) -> None:
    (images / "loose.png").write_bytes((images / "left" / "000.png").read_bytes())
    check(
        prune("score", "--type", "el2n", *QUICK, images),
        3,
        "el2n needs labels, and 1 of 41 samples have none",
    )
    flat = elsewhere / "flat"
    (images / "left").rename(flat)
    check(
        prune("score", "--type", "aum", *QUICK, flat, "--store", "s2"),
        3,
        "aum needs labels, and none has one",
    )
    check(prune("score", "--type", "input_norm", *QUICK, flat, "--store", "s2"), 2, "trains nothing")
    small = ("--proxy-size", "8", "--workers", "0")
    assert prune("score", "--type", "input_norm", *small, flat, "--store", "s2").code == 0


def test_a_store_of_another_dataset(prune: Prune, scored: Path, images: Path, elsewhere: Path) -> None:
    other = elsewhere / "other" / "class"
    other.mkdir(parents=True)
    for number, path in enumerate(sorted((images / "left").iterdir())):
        pixels = np.asarray(Image.open(path)) ^ np.uint8(number + 1)
        Image.fromarray(pixels).save(other / f"new-{path.name}")
    check(
        prune("embed", "--encoder", "pixels", other.parent),
        4,
        "holds another dataset of 40 samples",
        "--refresh",
    )
    assert prune("embed", "--encoder", "pixels", "--workers", 0, other.parent, "--refresh").code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: (d / "left" / "000.png").write_bytes((d / "left" / "002.png").read_bytes()),
            "000.png changed",
        ),
        (lambda d: (d / "left" / "000.png").unlink(), "left/000.png is missing"),
        (lambda d: (d / "left" / "000.png").rename(d / "left" / "new.png"), "left/000.png is missing"),
        (
            lambda d: (d / "left" / "new.png").write_bytes((d / "left" / "000.png").read_bytes()),
            "left/new.png is new",
        ),
    ],
)
def test_a_dataset_that_changed_is_noticed_by_every_verb(
    prune: Prune, scored: Path, images: Path, change: Callable[[Path], object], message: str
) -> None:
    assert prune("select", "--fraction", "0.5").code == 0
    change(images)
    check(prune("select", "--fraction", "0.3"), 4, "stale: ", message, "--refresh")
    check(prune("export", "--format", "manifest"), 4, "stale: ", message)
    taken = prune("score", "--type", "el2n", *QUICK, images)  # as `embed` does
    assert taken.code == 0
    assert "the dataset changed: 1 sample" in taken.err


def test_touching_and_moving_the_data_changes_nothing(prune: Prune, scored: Path, images: Path) -> None:
    for path in images.rglob("*.png"):
        os.utime(path, (1, 1))
    assert prune("select", "--fraction", "0.5").code == 0
    moved = images.rename(images.with_name("moved"))
    assert prune("embed", "--encoder", "pixels", "--workers", 0, moved).code == 0
    assert prune("export", "--format", "manifest").code == 0


def test_data_that_is_gone(prune: Prune, scored: Path, images: Path) -> None:
    images.rename(images.with_name("elsewhere"))
    said = prune("select", "--fraction", "0.5")
    assert said.code == 0
    assert "selecting from the store alone" in said.err
    check(prune("export", "--format", "webdataset"), 3, "the dataset is no longer at")


def test_places_that_are_taken(prune: Prune, scored: Path, images: Path, elsewhere: Path) -> None:
    assert prune("select", "--fraction", "0.5").code == 0
    mine = elsewhere / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("precious")
    for words in ([], ["--overwrite"]):
        check(prune("export", "--format", "webdataset", "--out", mine, *words), 6, "is not a prune export")
    check(prune("export", "--format", "webdataset", "--out", images / "out"), 6, "lies in the dataset")
    assert (mine / "thesis.tex").read_text() == "precious"
    check(
        prune("embed", images, "--store", mine, "--encoder", "pixels"), 4, "not a prune store and not empty"
    )
    assert prune("export", "--format", "webdataset", "--out", "out").code == 0
    assert prune("select", "--fraction", "0.2").code == 0
    check(prune("export", "--format", "webdataset", "--out", "out"), 6, "--overwrite")
    assert prune("export", "--format", "webdataset", "--out", "out", "--overwrite").code == 0


def test_a_hostile_name_cannot_reach_the_terminal(prune: Prune, elsewhere: Path, images: Path) -> None:
    name = "a\x1b[31m\u202e[bold]b.png"
    (images / "left" / name).write_bytes(b"not an image")
    said = prune("embed", "--encoder", "pixels", "--workers", 0, images)
    check(said, 3, "a\\x1b[31m\\u202e[bold]b.png: ")
    assert "\x1b" not in said.err
    assert "\u202e" not in said.err


def test_a_damaged_sample_table_is_made_again_by_the_verb_that_wrote_it(
    prune: Prune, scored: Path, images: Path
) -> None:
    table = next((scored / "datasets").rglob("samples-*"))
    whole = table.read_bytes()
    table.write_bytes(whole[:-9])
    check(prune("status"), 4, "is damaged", "prune embed --encoder pixels")
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    assert table.read_bytes() == whole
    assert prune("status").code == 0


@pytest.mark.parametrize(
    "name", ["store.json", "location.json", "timings.json", "dataset.json", "column.json"]
)
@pytest.mark.parametrize("text", ["[]", "{}", "", "{"])
def test_a_damaged_description_is_never_a_traceback(prune: Prune, scored: Path, name: str, text: str) -> None:
    next(scored.rglob(name)).write_text(text)
    for words in (["status"], ["select", "--fraction", "0.5"], ["embed", "--encoder", "pixels"]):
        said = prune(*words)
        assert said.code in {0, 4}, said.err
        assert "Traceback" not in said.err


def test_the_unreadable_are_not_exported_as_rejected(prune: Prune, elsewhere: Path, images: Path) -> None:
    (images / "left" / "text.jpg").write_text("not an image")
    words = ["--encoder", "pixels", "--workers", 0, "--on-error", "skip", "--max-bad", "0.1"]
    assert prune("embed", *words, images).code == 0
    assert prune("select", "--method", "random", "--fraction", "1").code == 0
    check(prune("export", "--format", "webdataset", "--rejected"), 2, "keeps every sample")


def test_reading_options_hold_without_data_too(prune: Prune, scored: Path, images: Path) -> None:
    said = prune("embed", "--encoder", "pixels", "--split", "nope")
    assert said.code == 2
    assert "no split 'nope'" in said.err


def test_a_relative_labels_file_is_found_from_anywhere(
    prune: Prune, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("x.npy", np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8))
    np.save("mine.npy", np.arange(20) % 2)
    assert prune("score", "--type", "el2n", *QUICK, "--labels", "mine.npy", "x.npy").code == 0
    (elsewhere / "sub").mkdir()
    monkeypatch.chdir(elsewhere / "sub")
    assert prune("select", "--fraction", "0.3", "--store", "../.prune").code == 0
    assert prune("export", "--format", "webdataset", "--store", "../.prune").code == 0


def test_a_store_that_would_lie_in_the_data(prune: Prune, elsewhere: Path, images: Path) -> None:
    for name in ("st", ".prune"):  # a hidden folder among class folders is a class, too
        said = prune("embed", "--encoder", "pixels", images, "--store", images / name)
        check(said, 4, "would lie in the dataset")


def test_an_export_into_the_store(prune: Prune, scored: Path) -> None:
    assert prune("select", "--fraction", "0.5").code == 0
    check(prune("export", "--format", "manifest", "--out", scored / "x"), 6, "lies in the store")


def test_given_keys_that_cannot_be_read_are_said(prune: Prune, elsewhere: Path, images: Path) -> None:
    (images / "left" / "000.png").write_bytes(b"broken")
    words = ["--encoder", "pixels", "--workers", 0, "--on-error", "skip", "--max-bad", "0.1"]
    assert prune("embed", *words, images).code == 0
    (elsewhere / "keys").write_text("left/000.png\r\n\nleft/002.png\n")
    said = prune("select", "--given", "keys", "--count", 3)
    assert said.code == 0, said.err
    assert "1 of the given samples cannot be read" in said.err
    table = pq.read_table(elsewhere / ".prune" / "selections" / "kcenter" / "manifest.parquet")
    assert "image" in table["reason"][0].as_py()
    assert table["reason"][1].as_py() == "given"


def test_linear_needs_an_embedding_that_is_not_its_own(prune: Prune, elsewhere: Path, images: Path) -> None:
    linear = ("--proxy", "linear", "--epochs", "1")
    check(prune("score", "--type", "el2n", *linear, images), 4, "needs an embedding to look at")
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    assert prune("score", "--type", "el2n", *linear).code == 0
    assert prune("score", "--type", "el2n", *linear).code == 0
    assert len(list((elsewhere / ".prune" / "columns" / "trace.0").iterdir())) == 1
    check(prune("score", "--type", "input_norm,el2n", *linear), 2, "looks at images")


def test_names_that_are_too_long(prune: Prune, elsewhere: Path, images: Path) -> None:
    check(prune("embed", "x" * 300), 3, "File name too long")
    check(prune("embed", "--encoder", "pixels", images, "--store", "x" * 300), 3, "File name too long")


def test_usage_errors_are_json_too(prune: Prune, elsewhere: Path) -> None:
    assert '"exit_code": 2' in prune("select", "--count", "x", "--json").out


def test_imports_that_cannot_be_joined(prune: Prune, scored: Path, elsewhere: Path) -> None:
    (elsewhere / "dots.csv").write_text(
        "key,a.b\n" + "".join(f"{key},1\n" for key in Store(".prune").dataset.keys)
    )
    said = prune("score", "--import", "dots.csv")
    assert said.code in {2, 3}
    assert "a.b" in said.err
