"""`prune verify`: what it finds in a store and in an export, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.core.errors import DataError, StoreError
from prune.store import Store

Prune = Callable[..., Any]
QUICK = ("--proxy", "mlp", "--epochs", "1", "--proxy-size", "8", "--workers", "0")


@pytest.fixture
def home(images: Path, elsewhere: Path) -> Path:
    """A store and an export of it, in the current folder."""
    pipeline.embed(data=str(images), encoder="pixels")
    pipeline.select(method="kcenter", fraction="0.3")
    pipeline.export(format="imagefolder", out="smaller")
    return elsewhere


def kinds(result: dict[str, Any]) -> dict[str, int]:
    return dict(result["counts"])


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_whole_store_and_a_whole_export(home: Path, prune: Prune) -> None:
    said = prune("verify")
    assert said.code == 0
    assert said.out.splitlines()[0] == ".prune is whole"
    assert "compared with the dataset" in said.out
    said = prune("verify", "smaller", "--json")
    result = json.loads(said.out)
    assert (said.code, result["kind"], result["whole"], result["source"]) == (0, "export", True, True)
    listed = sum(p.is_file() for place in ("smaller", "smaller.prune") for p in Path(place).rglob("*"))
    assert result["files"] == listed
    assert prune("verify", "--quiet").out == ""


def test_nothing_is_written_and_every_file_is_read(home: Path, faulty: Callable[..., Any]) -> None:
    before, disk = tree(home), faulty()
    result = pipeline.verify()
    pipeline.verify(place="smaller")
    assert disk.calls == []
    assert tree(home) == before
    held = [p for p in Path(".prune").rglob("*") if p.is_file() and p.name != "lock"]
    assert result["files"] == len(held)


def test_an_export_is_checked_without_its_store(home: Path, prune: Prune) -> None:
    shutil.move("smaller", "alone")
    shutil.move("smaller.prune", "alone.prune")
    shutil.rmtree(".prune")
    said = prune("verify", "alone")
    assert said.code == 0
    assert "note: alone was looked at alone: there is no store at .prune" in said.out
    assert "not compared with the dataset" in said.out
    image = next(Path("alone").glob("*/*.png"))
    image.write_bytes(image.read_bytes()[:-1])
    said = prune("verify", "alone")
    assert said.code == 4
    assert f"{image} is damaged   # prune export --format imagefolder --out alone --overwrite" in said.out


def test_an_export_that_lost_its_selection_is_not_called_stale(home: Path, prune: Prune) -> None:
    Path("smaller.prune/selection.json").unlink()
    said = prune("verify", "smaller")
    assert said.code == 4
    assert "selection.json is missing" in said.out
    assert "stale" not in said.out


def test_a_strange_file_in_an_export_would_be_read_with_it(home: Path, prune: Prune) -> None:
    Path("smaller/left/more.png").write_bytes(b"more")
    said = prune("verify", "smaller")
    assert said.code == 4
    assert "smaller/left/more.png is none of prune's, and would be read with it" in said.out


def test_a_damaged_description_makes_no_stranger_of_its_table(home: Path, prune: Prune) -> None:
    described = next(Path(".prune/datasets").glob("*/dataset.json"))
    described.write_bytes(described.read_bytes()[:-9])
    said = prune("verify")
    assert said.code == 4
    assert f"{described} is damaged   # prune embed --encoder pixels" in said.out
    assert "none of prune's" not in said.out


def test_a_place_that_is_not_there(elsewhere: Path, prune: Prune) -> None:
    said = prune("verify", "nowhere")
    assert (said.code, said.err.splitlines()) == (
        4,
        ["error: nowhere does not exist", "try:   prune verify PATH   # a store, or an export"],
    )


def test_strange_files_and_leftovers_in_a_store_are_noted(home: Path, prune: Prune) -> None:
    folder = next(Path(".prune/columns/embedding.pixels").iterdir())
    (folder / ".prune-0123.tmp").write_bytes(b"half")
    Path(".prune/notes.txt").write_text("mine")
    Path(".prune/selections/.kcenter.new").mkdir()
    said = prune("verify")
    assert said.code == 0
    assert "note: .prune/notes.txt is none of prune's" in said.out
    assert ".prune-0123.tmp was left by a command that was stopped" in said.out
    assert "note: .prune/selections/.kcenter.new" in said.out
    assert ".prune is whole" in said.out


def test_a_change_of_the_dataset_that_no_time_stamp_tells(home: Path, images: Path, prune: Prune) -> None:
    image = images / "left" / "004.png"
    stat, data = image.stat(), bytearray(image.read_bytes())
    data[-20] ^= 1
    with image.open("r+b") as file:
        file.write(data)
    os.utime(image, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert prune("verify", "--no-source").code == 0
    for words in (["verify"], ["verify", "smaller"]):
        said = prune(*words)
        assert said.code == 4
        assert (
            "left/004.png changed since .prune was made   # prune embed --encoder pixels --refresh"
            in said.out
        )


def test_a_dataset_that_is_gone_is_no_damage(home: Path, images: Path, prune: Prune) -> None:
    images.rename(images.with_name("away"))
    said = prune("verify")
    assert said.code == 3
    assert "the dataset is no longer at" in said.out
    assert prune("verify", "--no-source").code == 0


def test_what_is_newer_is_refused(home: Path) -> None:
    state = json.loads(Path(".prune/store.json").read_bytes())
    Path(".prune/store.json").write_text(json.dumps({**state, "format": 99}))
    with pytest.raises(StoreError, match="format 99, this prune reads up to"):
        pipeline.verify()
    export = json.loads(Path("smaller.prune/export.json").read_bytes())
    del export["seal"]
    Path("smaller.prune/export.json").write_text(json.dumps({**export, "format": 99}))
    with pytest.raises(StoreError, match="newer version"):
        pipeline.verify(place="smaller")


def test_an_older_store_is_read(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent.parent / "data" / "store-v1", tmp_path / "store")
    shutil.copytree(Path(__file__).parent.parent / "data" / "images", tmp_path / "images")
    result = pipeline.verify(tmp_path / "store")
    assert (result["whole"], result["source"]) == (True, True)


def test_there_is_nothing_to_verify(home: Path, images: Path) -> None:
    with pytest.raises(StoreError, match="neither a store nor an export"):
        pipeline.verify(place=images)
    with pytest.raises(StoreError, match="there is no store at nowhere"):
        pipeline.verify("nowhere")
    Path(".other.partial").mkdir()
    with pytest.raises(StoreError, match="the export other is not finished"):
        pipeline.verify(place="other")


def test_a_command_at_work_is_not_mistaken_for_damage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prune.steps import verify

    def publishing(store: Store, *_: Any, **__: Any) -> None:
        store.publish(latest=None)

    monkeypatch.setattr(verify, "check_store", publishing)
    with pytest.raises(StoreError, match="a command was at work on .prune meanwhile"):
        pipeline.verify()


def test_an_export_of_what_is_another_selection_now(home: Path, prune: Prune) -> None:
    pipeline.select(method="kcenter", fraction="0.5")
    said = prune("verify", "smaller")
    assert said.code == 4
    assert "the selection 'kcenter' of .prune is another one now" in said.out


def test_a_selection_by_scores_that_were_made_again(home: Path, images: Path, prune: Prune) -> None:
    assert prune("score", "--type", "el2n", *QUICK).code == 0
    assert prune("select", "--method", "top", "--score", "el2n", "--fraction", "0.5").code == 0
    assert prune("verify").code == 0
    assert prune("score", "--type", "el2n", "--seed", 3, *QUICK).code == 0
    said = prune("verify")
    assert said.code == 4
    assert "score.el2n was made again since the selection 'top' was chosen by it" in said.out
    assert "prune select --method top --fraction 0.5 --score el2n" in said.out
    assert prune("select", "--method", "random", "--fraction", "0.5").code == 0
    said = prune("verify")  # what is not the latest is exported by name only
    assert (said.code, "the selection 'top' was chosen by it" in said.out) == (0, True)


def test_a_part_that_another_put_there_is_not_read(home: Path) -> None:
    column = Store(".prune").column("embedding.pixels")
    expected = column.read()
    other = np.zeros_like(expected)
    writer = Store("other").write_column("embedding.zeros", {"zeros": 1}, rows=len(other))
    writer.put(writer.parts[0], other)
    strange = next((writer.folder).glob("part-*"))
    name = f"part-00000-{'0' * 31}"
    for target in (strange.name, f"{name}0.npy"):
        shutil.copy(strange, column.folder / target)
    np.testing.assert_array_equal(Store(".prune").column("embedding.pixels").read(), expected)
    assert kinds(pipeline.verify()) == {"note": 2}


def test_the_trace_of_ones_own_training_is_made_again_by_that(elsewhere: Path) -> None:
    import torch

    from prune.trace import TraceWriter

    writer = TraceWriter(".prune", keys=["a", "b", "c"], labels=[0, 1, 0], epochs=1)
    with writer.epoch():
        writer.record(["a", "b", "c"], torch.eye(3)[:, :2])
    writer.close()
    assert pipeline.verify()["whole"]
    part = next(Path(".prune/columns/trace.0").glob("*/part-*"))
    part.write_bytes(part.read_bytes()[:-1])
    result = pipeline.verify()
    assert result["exit_code"] == 4
    assert result["findings"][0]["command"] == "run your training with prune.trace.TraceWriter again"


def test_a_million_findings_are_counted_and_a_thousand_kept(home: Path, prune: Prune) -> None:
    path = Path("smaller.prune/export.json")
    export = json.loads(path.read_bytes())
    del export["seal"]
    gone = {f"left/{number}.png": {"sha256": "0" * 64, "size": 1} for number in range(1500)}
    path.write_text(json.dumps({**export, "files": {**export["files"], **gone}}))
    said = prune("verify", "smaller")
    assert said.code == 4
    assert len(said.out.splitlines()) < 30
    assert "1,480 more missing; --json lists a thousand" in said.out
    result = json.loads(prune("verify", "smaller", "--json").out)
    assert (result["counts"]["missing"], len(result["findings"])) == (1500, 1000)


@pytest.mark.parametrize(
    "name",
    [
        "store.json",
        "location.json",
        "timings.json",
        "column.json",
        "dataset.json",
        "recipe.json",
        "export.json",
    ],
)
def test_any_bit_of_a_description(home: Path, name: str, tally: Callable[..., None]) -> None:
    path = next(p for p in sorted(home.rglob(name)))
    tried = flipped(path, range(0, path.stat().st_size, max(1, path.stat().st_size // 40)))
    tally("Damaged files", "descriptions", "a bit flipped", tried)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_bit_of_every_description(home: Path) -> None:
    for path in sorted(home.rglob("*.json")):
        if path.name != "rejects.json":
            flipped(path, range(path.stat().st_size), bits=range(8))


def flipped(path: Path, places: range, bits: range | None = None) -> int:
    whole, count = path.read_bytes(), 0
    place = "smaller" if "smaller.prune" in path.parts else None
    for at in places:
        for bit in bits or [at % 8]:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            try:
                found = not pipeline.verify(place=place, source=False)["whole"]
            except (StoreError, DataError):
                found = True
            assert found, f"{path.name}: bit {bit} of byte {at}"
            count += 1
    path.write_bytes(whole)
    return count


def test_each_of_several_targets_is_mended_by_what_is_named(
    images: Path, elsewhere: Path, prune: Prune
) -> None:
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    for name in ("left", "right"):
        words = ("--method", "normsim", "--count", 5, "--target", images / name, "--name", name)
        assert prune("select", *words).code == 0
    targets = sorted(Path(".prune/targets").iterdir())
    assert len(targets) == 2
    for target in targets:
        part = next(target.glob("columns/embedding.pixels/*/part*"))
        part.write_bytes(part.read_bytes()[:-1])
        said = prune("verify")
        assert said.code == 4
        (advice,) = {line.split("   # ")[1] for line in said.out.splitlines() if str(part) in line}
        for command in advice.split(" && "):
            assert prune(*shlex.split(command)[1:]).code == 0
        assert prune("verify").code == 0
