"""A weight is a number in every format and stays one; those of a second selection multiply it."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.errors import DataError
from prune.core.progress import Silent

FORMS = ["webdataset", "parquet", "huggingface", "imagefolder"]
WEIGHTS = [0.5, 3.0, 1.0, 0.1, 7.25, 0.0]


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def weighted(job: Any, weights: list[float] | None) -> Any:
    chosen = None if weights is None else np.array(weights, np.float32)
    return dataclasses.replace(job, weights=chosen, reporter=Heard())


def write_shard(path: Path, samples: list[dict[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number, members in enumerate(samples):
            for suffix, data in members.items():
                info = tarfile.TarInfo(f"{number:03d}.{suffix}")
                info.size, info.mtime = len(data), 12.5  # with a PAX record before each member
                tar.addfile(info, io.BytesIO(data))
    return path.parent


@pytest.fixture
def plain(tmp_path: Path, png: Any) -> Path:
    """Six samples without weights, of three classes."""
    samples = [{"png": png(2 * i + 1), "cls": b"%d" % (i % 3), "txt": b"t%d" % i} for i in range(6)]
    return write_shard(tmp_path / "plain/a.tar", samples)


def members(out: Path) -> list[dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for path in sorted(out.rglob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, suffix = member.name.rpartition("/")[2].partition(".")
                found.setdefault(key, {})[suffix] = tar.extractfile(member).read()  # type: ignore[union-attr]
    return list(found.values())


def table_of(out: Path, form: str) -> pa.Table:
    paths = sorted(out.rglob("train*.parquet" if form == "parquet" else "*.arrow"))
    read = pq.read_table if form == "parquet" else lambda path: pa.ipc.open_stream(path).read_all()
    return pa.concat_tables([read(path) for path in paths])


def weights_in(out: Path, form: str) -> dict[bytes, float]:
    """Return the weight of each image, as a trainer reads it."""
    if form == "webdataset":
        return {one["png"]: float(one["weight"]) for one in members(out)}
    if form == "imagefolder":
        rows = csv.DictReader(
            out.with_name(f"{out.name}.prune").joinpath("weights.csv").read_text().splitlines()
        )
        return {(out / row["file_name"]).read_bytes(): float(row["weight"]) for row in rows}
    found = table_of(out, form)
    assert found["weight"].type == pa.float32()
    return {row["image"]["bytes"]: row["weight"] for row in found.select(["image", "weight"]).to_pylist()}


def expected(job: Any, *factors: list[float]) -> dict[bytes, float]:
    product = [float(np.float32(np.prod(each))) for each in zip(*factors, strict=True)]
    return dict(zip(job.payloads(job.rows), product, strict=True))


@pytest.mark.parametrize(("first", "second"), [*itertools.product(FORMS, FORMS)])
def test_through_two_formats(
    first: str, second: str, plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    job = make_job_of(plain)
    weights = [float(np.float32(weight)) for weight in WEIGHTS]
    run(weighted(job, WEIGHTS), first, tmp_path / "one")
    assert weights_in(tmp_path / "one", first) == expected(job, weights)
    again = make_job_of(tmp_path / "one")
    run(again, second, tmp_path / "two")
    assert weights_in(tmp_path / "two", second) == expected(job, weights)
    if second in ("parquet", "huggingface"):
        names = table_of(tmp_path / "two", second).schema.names
        assert [name for name in names if "weight" in name] == ["weight"]
    elif second == "imagefolder":
        assert not list((tmp_path / "two").rglob("*weight*"))
        lines = [path.read_text() for path in (tmp_path / "two").rglob("*.jsonl")]
        assert not any('"weight"' in text for text in lines)
    else:
        assert {name for one in members(tmp_path / "two") for name in one if "weight" in name} == {"weight"}


@pytest.mark.parametrize(("first", "second"), [*zip(FORMS, FORMS, strict=True), *itertools.pairwise(FORMS)])
def test_those_of_a_second_selection_multiply(
    first: str, second: str, plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    job = make_job_of(plain)
    run(weighted(job, WEIGHTS), first, tmp_path / "one")
    again = make_job_of(tmp_path / "one")
    images = {data: weight for weight, data in zip(WEIGHTS, job.payloads(job.rows), strict=True)}
    factors = {data: float(2**at) for at, data in enumerate(images)}
    chosen = [factors[data] for data in again.payloads(again.rows)]
    job_of_two = weighted(again, chosen)
    run(job_of_two, second, tmp_path / "two")
    found = weights_in(tmp_path / "two", second)
    assert found == {data: float(np.float32(images[data]) * factors[data]) for data in images}
    assert sum("multiplied" in said for said in job_of_two.reporter.said) == 1
    third = make_job_of(tmp_path / "two")
    run(third, "parquet", tmp_path / "three")  # what was multiplied is a weight again, and the only one
    assert weights_in(tmp_path / "three", "parquet") == found


def test_members_that_stay_are_copied_with_their_headers(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job_of(plain), WEIGHTS), "webdataset", tmp_path / "one", layout="mirror")
    again = make_job_of(tmp_path / "one")
    run(weighted(again, [2.0] * 6), "webdataset", tmp_path / "two", layout="mirror")
    run(again, "webdataset", tmp_path / "same", layout="mirror")
    one, two, same = (next((tmp_path / name).glob("*.tar")) for name in ("one", "two", "same"))
    assert same.read_bytes() == one.read_bytes()
    with tarfile.open(two) as tar:
        assert {member.mtime for member in tar if not member.name.endswith(".weight")} == {12.5}
        names = [member.name for member in tar]
    assert names[:4] == ["000.png", "000.cls", "000.txt", "000.weight"]


def test_a_sample_without_one_weighs_one(make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    samples = [{"png": png(1), "cls": b"0"}, {"png": png(3), "cls": b"1", "weight": b" 2.5\n"}]
    job = make_job_of(write_shard(tmp_path / "data/a.tar", samples))
    for form in FORMS[1:]:
        run(job, form, tmp_path / form)
        assert weights_in(tmp_path / form, form) == {png(1): 1.0, png(3): 2.5}


@pytest.mark.parametrize("text", [b"3 kg", b"-1", b"nan", b"inf", b"", b"\xff", b"1" * 65])
def test_what_is_no_weight_stays_what_it_is(
    text: bytes, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    samples = [{"png": png(1), "cls": b"0", "weight": text}, {"png": png(3), "cls": b"1", "weight": b"2"}]
    job = weighted(make_job_of(write_shard(tmp_path / "data/a.tar", samples)), [5.0, 0.5])
    run(job, "webdataset", tmp_path / "shards", layout="mirror")
    found = members(tmp_path / "shards")
    assert [(one["weight"], one["other_weight"]) for one in found] == [(text, b"5.0"), (b"2", b"0.5")]
    run(job, "parquet", tmp_path / "table")
    table = table_of(tmp_path / "table", "parquet")
    assert (table["weight"].to_pylist(), table["other_weight"].to_pylist()) == ([text, b"2"], [5.0, 0.5])
    assert any("are in other_weight" in said for said in job.reporter.said)
    run(make_job_of(tmp_path / "shards"), "imagefolder", tmp_path / "folder")
    assert weights_in(tmp_path / "folder", "imagefolder") == {png(1): 5.0, png(3): 0.5}


@pytest.mark.parametrize("form", ["parquet", "huggingface"])
def test_a_column_of_other_origin_is_not_touched(
    form: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    """A weight in grams is no weight of a training."""
    rows = {"image": [png(1), png(3)], "label": [0, 1], "weight": [4200.0, 310.0]}
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "data/train.parquet")
    job = weighted(make_job_of(tmp_path / "data"), [2.0, 0.5])
    run(job, form, tmp_path / "out")
    assert "the weights of the selection are in other_weight" in job.reporter.said[0]
    table = table_of(tmp_path / "out", form)
    assert (table["weight"].to_pylist(), table["other_weight"].to_pylist()) == ([4200.0, 310.0], [2.0, 0.5])
    run(weighted(make_job_of(tmp_path / "out"), [3.0, 3.0]), form, tmp_path / "two")  # known by the export
    table = table_of(tmp_path / "two", form)
    assert (table["weight"].to_pylist(), table["other_weight"].to_pylist()) == ([4200.0, 310.0], [6.0, 1.5])
    run(make_job_of(tmp_path / "two"), "webdataset", tmp_path / "shards")
    found = members(tmp_path / "shards")
    assert [float(one["weight"]) for one in found] == [6.0, 1.5]
    assert [json.loads(one["json"]) for one in found] == [{"weight": 4200.0}, {"weight": 310.0}]


def test_an_export_of_before_that_does_not_name_its_column(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    from prune.system import files
    from prune.system.checksummed_json import sealed

    job = dataclasses.replace(make_job_of(plain), records={"weights.npy": b"some"})
    run(weighted(job, WEIGHTS), "parquet", tmp_path / "one")
    path = tmp_path / "one/.prune-export/export.json"
    export = {name: value for name, value in files.read_record(path).items() if name != "weight"}
    path.write_text(json.dumps(sealed(export)))
    run(weighted(make_job_of(tmp_path / "one"), [2.0] * 6), "parquet", tmp_path / "two")
    assert weights_in(tmp_path / "two", "parquet") == expected(
        job, [float(np.float32(one)) for one in WEIGHTS], [2.0] * 6
    )


def test_the_fold_of_a_split_knows_the_export(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job_of(plain), WEIGHTS), "huggingface", tmp_path / "one")
    run(weighted(make_job_of(tmp_path / "one/train"), [2.0] * 6), "parquet", tmp_path / "two")
    job = make_job_of(plain)
    assert weights_in(tmp_path / "two", "parquet") == expected(
        job, [float(np.float32(one)) for one in WEIGHTS], [2.0] * 6
    )


@pytest.mark.parametrize("others", ["copy", "link"])
def test_other_splits_of_an_export_stay_alike(
    others: str, make_job: Any, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job("parquet"), [2.0] * 7), "parquet", tmp_path / "one")
    job = weighted(make_job_of(tmp_path / "one", split="train"), [0.5] * 7)
    run(job, "parquet", tmp_path / "two", other_splits=others)
    table = pq.read_table(tmp_path / "two/data/test-00000-of-00001.parquet")
    assert [name for name in table.schema.names if "weight" in name] == ["weight"]
    assert set(table["weight"].to_pylist()) == {1.0}
    assert set(table_of(tmp_path / "two", "parquet")["weight"].to_pylist()) == {1.0}
    assert not any("links are as in the source" in said for said in job.reporter.said)


@pytest.mark.parametrize(("source", "form"), [("parquet", "parquet"), ("arrow", "huggingface")])
def test_links_to_other_splits_without_weights_are_said(
    source: str, form: str, make_job: Any, run: Any, tmp_path: Path
) -> None:
    job = weighted(make_job(source), [2.0] * 7)
    run(job, form, tmp_path / "out", other_splits="link")
    assert job.reporter.said == [
        "links are as in the source: test have none of the weights of train; --other-splits copy makes them"
        " alike"
    ]


def test_a_column_of_metadata_stays_beside_the_weights(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    for i in range(2):
        (tmp_path / "data/a").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"data/a/{i}.png").write_bytes(png(2 * i + 1))
    (tmp_path / "data/metadata.csv").write_text("file_name,weight\na/0.png,3 kg\na/1.png,4 kg\n")
    run(weighted(make_job_of(tmp_path / "data"), [2.0, 0.5]), "imagefolder", tmp_path / "one")
    job = weighted(make_job_of(tmp_path / "one"), [3.0, 3.0])
    run(job, "parquet", tmp_path / "two")
    table = table_of(tmp_path / "two", "parquet")
    assert (table["weight"].to_pylist(), table["other_weight"].to_pylist()) == (["3 kg", "4 kg"], [6.0, 1.5])
    assert any("are in other_weight" in said for said in job.reporter.said)


def test_weights_of_a_folder_that_were_damaged_are_one_sentence(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job_of(plain), WEIGHTS), "imagefolder", tmp_path / "one")
    job = make_job_of(tmp_path / "one")
    for text, words in {
        "file_name\n": "cannot be read",
        "file_name,weight\n0/000.png,many\n": "no numbers",
    }.items():
        (tmp_path / "one.prune/weights.csv").write_text(text)
        with pytest.raises(DataError, match=rf"weights.csv .*{words}"):
            run(job, "parquet", tmp_path / "two")


def test_weights_of_a_folder_whose_images_are_gone_are_not_those_of_others(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job_of(plain), WEIGHTS), "imagefolder", tmp_path / "one")
    (tmp_path / "one/1/001.png").unlink()
    run(make_job_of(tmp_path / "one"), "parquet", tmp_path / "most")
    kept = [0.5, 0.1, 7.25, 1.0, 0.0]  # by class
    assert sorted(table_of(tmp_path / "most", "parquet")["weight"].to_pylist()) == pytest.approx(sorted(kept))
    shutil.rmtree(tmp_path / "one")
    for name in ("0/000.png", "0/003.png", "1/mine.png"):
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), len(name)).save(tmp_path / "one" / name)
    job = weighted(make_job_of(tmp_path / "one"), None)
    run(job, "parquet", tmp_path / "two")
    assert "weight" not in table_of(tmp_path / "two", "parquet").schema.names
    assert any("weights.csv is not used" in said for said in job.reporter.said)


def test_a_column_of_other_data_where_an_export_lay_is_no_weight(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(weighted(make_job_of(plain), WEIGHTS), "parquet", tmp_path / "one")
    path = next((tmp_path / "one").rglob("*.parquet"))
    table = pq.read_table(path)
    grams = pa.array(range(100, 100 + len(table)), pa.int64())
    pq.write_table(table.drop(["weight"]).append_column("weight", grams), path)
    run(weighted(make_job_of(tmp_path / "one"), [2.0] * 6), "parquet", tmp_path / "two")
    found = table_of(tmp_path / "two", "parquet")
    assert (found["weight"].to_pylist(), found["other_weight"].to_pylist()) == (grams.to_pylist(), [2.0] * 6)


@pytest.mark.parametrize("place", ["one", "one.txt"])
def test_weights_by_the_place_of_a_line_are_of_no_other_lines(
    place: str, make_job: Any, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    job = make_job("text-parquet")
    run(weighted(job, [0.5] * len(job)), "txt", tmp_path / place)
    again = make_job_of(tmp_path / place)
    run(again, "jsonl", tmp_path / "two")
    written = tmp_path / place if (tmp_path / place).is_file() else next((tmp_path / place).glob("*.txt"))
    written.write_bytes(written.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(DataError, match=r"changed since it was exported, .* by the places") as caught:
        run(make_job_of(tmp_path / place), "jsonl", tmp_path / "three")
    described = caught.value.hint.split("move ")[1].split(" away")[0]
    shutil.move(described, tmp_path / "moved")
    run(make_job_of(tmp_path / place), "jsonl", tmp_path / "three")
    assert '"weight"' in next((tmp_path / "two").glob("*.jsonl")).read_text()
    assert '"weight"' not in next((tmp_path / "three").glob("*.jsonl")).read_text()


def test_an_export_of_a_newer_version_says_nothing(
    plain: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    from prune.system import files
    from prune.system.checksummed_json import sealed

    run(weighted(make_job_of(plain), WEIGHTS), "parquet", tmp_path / "one")
    path = tmp_path / "one/.prune-export/export.json"
    path.write_text(json.dumps(sealed({**files.read_record(path), "format": 99})))
    run(weighted(make_job_of(tmp_path / "one"), [2.0] * 6), "parquet", tmp_path / "two")
    table = table_of(tmp_path / "two", "parquet")
    assert table["weight"].to_pylist() == [float(np.float32(weight)) for weight in WEIGHTS]
    assert table["other_weight"].to_pylist() == [2.0] * 6


def test_a_second_export_of_a_job_says_nothing_of_the_first(make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job("text-parquet")
    job = weighted(job, [0.5] * len(job))
    said = {}
    for form in ("jsonl", "txt", "jsonl"):
        out = tmp_path / f"out-{len(said)}-{form}"
        run(job, form, out)
        said[form] = json.loads((out / ".prune-export/export.json").read_text())["weight"]
    assert said == {"jsonl": "weight", "txt": None}
