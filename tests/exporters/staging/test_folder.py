"""Where an export may go: never over something that is not ours, never half, never two at once."""

from __future__ import annotations

import dataclasses
import shutil
from collections import namedtuple

import numpy as np
import pyarrow as pa
import pytest

from prune.core.errors import OptionError, OutputError, StoreError
from prune.core.progress import Silent
from prune.exporters import open_folder
from prune.exporters.staging.existing_export import checked_path


def test_an_export_that_is_there_already_is_left_alone(make_job, run, tree, tmp_path, faulty):
    job = make_job("webdataset")
    out = tmp_path / "out"
    assert run(job, "webdataset", out).new
    before = tree(out)
    disk = faulty()
    assert not run(job, "webdataset", out).new
    assert not run(job, "webdataset", out, overwrite=True).new
    assert disk.calls == []
    assert tree(out) == before


def test_another_export_is_replaced_only_when_asked(make_job, run, tree, tmp_path):
    out = tmp_path / "out"
    run(make_job("webdataset"), "webdataset", out)
    before = tree(out)
    other = make_job("webdataset", [2])
    with pytest.raises(OutputError, match="holds another export") as raised:
        run(other, "webdataset", out)
    assert "--overwrite" in raised.value.hint
    assert tree(out) == before
    run(other, "webdataset", out, overwrite=True)
    assert set(tree(out)) == {
        ".prune-export/export.json",
        ".prune-export/indices.npy",
        ".prune-export/keys.txt",
        "a/one.tar",
        "sizes.json",
        "wids.json",
    }


@pytest.mark.parametrize("strange", ["mine.txt", "a/mine.txt", "mine/", ".prune-export/mine"])
def test_what_we_did_not_write_is_never_removed(strange, make_job, run, tree, tmp_path):
    out = tmp_path / "out"
    run(make_job("webdataset"), "webdataset", out)
    if strange.endswith("/"):
        (out / strange).mkdir()
    else:
        (out / strange).write_text("mine")
    before = tree(out)
    with pytest.raises(OutputError, match="which prune did not write"):
        run(make_job("webdataset", [2]), "webdataset", out, overwrite=True)
    assert tree(out) == before


def test_a_folder_that_is_not_ours_is_refused_even_with_overwrite(make_job, run, tree, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="exists and is not a prune export"):
        run(make_job("webdataset"), "webdataset", out, overwrite=True)
    assert tree(out) == {"thesis.tex": b"years of work"}


def test_an_empty_folder_is_taken(make_job, run, tmp_path):
    (tmp_path / "out").mkdir()
    assert run(make_job("webdataset"), "webdataset", tmp_path / "out").new


def test_a_damaged_export_is_named_and_made_again(make_job, run, tree, tmp_path):
    job, out = make_job("webdataset"), tmp_path / "out"
    run(job, "webdataset", out)
    before = tree(out)
    (out / "two.tar").write_bytes(b"x" * (out / "two.tar").stat().st_size)
    with pytest.raises(OutputError, match=r"is damaged: two\.tar has changed"):
        run(job, "webdataset", out)
    run(job, "webdataset", out, overwrite=True)
    assert tree(out) == before


def test_files_and_links_are_refused(make_job, run, tmp_path):
    job = make_job("webdataset")
    (tmp_path / "file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(OutputError, match="is a file"):
        run(job, "webdataset", tmp_path / "file")
    with pytest.raises(OutputError, match="is a symbolic link"):
        run(job, "webdataset", tmp_path / "link", overwrite=True)
    (tmp_path / ".out.partial").symlink_to("elsewhere")
    with pytest.raises(OutputError, match="in the way"):
        run(job, "webdataset", tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_planted_in_the_unfinished_folder_is_not_followed(
    make_job, run, tree, faulty, killed, tmp_path
):
    job = make_job("imagefolder")
    faulty("kill", 15)
    with pytest.raises(killed):
        run(job, "imagefolder", tmp_path / "out")
    faulty()
    (tmp_path / "elsewhere").mkdir()
    partial = tmp_path / ".out.partial"
    shutil.rmtree(partial / "cat", ignore_errors=True)
    (partial / "cat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="not a folder of ours"):
        run(job, "imagefolder", tmp_path / "out")
    assert tree(tmp_path / "elsewhere") == {}


def test_a_strange_folder_in_the_way_is_left_alone(make_job, run, tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "mine").write_text("x")
    with pytest.raises(OutputError, match="in the way"):
        run(make_job("webdataset"), "webdataset", tmp_path / "out")
    assert (tmp_path / ".out.partial" / "mine").exists()


def test_the_dataset_itself_is_no_place(make_job, run, tmp_path):
    job = make_job("webdataset")
    for out in (job.reader.root, job.reader.root / "kept"):
        with pytest.raises(OutputError, match="(is|lies in) the dataset"):
            run(job, "webdataset", out)
    with pytest.raises(OutputError, match="holds the dataset"):
        run(job, "webdataset", job.reader.root.parent)


@pytest.mark.parametrize(
    ("data", "as_"),
    [
        ("source-arrays/images.npy", "arrays"),
        ("source-webdataset/{a,b}/one.tar", "webdataset"),
        ("source-webdataset/two.tar", "webdataset"),
        ("source-parquet/data/train-00000-of-00002.parquet", "huggingface"),
    ],
)
def test_files_that_were_named_leave_their_folder_free(data, as_, make_job, make_job_of, run, tree, tmp_path):
    make_job(data.split("/")[0].removeprefix("source-"))
    job = make_job_of(tmp_path / data)
    assert job.reader.format == as_
    out = job.reader.places[0].parent / "kept"
    before = tree(out.parent)
    assert run(job, "webdataset", out).new
    assert {name: data for name, data in tree(out.parent).items() if not name.startswith("kept/")} == before
    for place in job.reader.places:
        with pytest.raises(OutputError, match="(is|lies in) the dataset"):
            run(job, "webdataset", place)
        with pytest.raises(OutputError, match="holds the dataset"):
            run(job, "webdataset", place.parent)


def test_two_exports_to_one_place_do_not_mix(tmp_path):
    with (
        open_folder(tmp_path / "out", "one"),
        pytest.raises(StoreError, match=r"in use by pid \d+"),
        open_folder(tmp_path / "out", "two"),
    ):
        pass


def test_space_is_looked_at_before(make_job, run, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 100, 100))
    with pytest.raises(OutputError, match=r"out needs about \d.* kB, 100 B are free"):
        run(make_job("webdataset"), "webdataset", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../x", "a//b", "", ".", "a\0b", "x" * 256])
def test_no_name_leads_out_of_the_folder(name):
    with pytest.raises(OutputError, match="cannot be the name"):
        checked_path(name)


@pytest.mark.parametrize("form", ["webdataset", "imagefolder", "huggingface", "parquet"])
@pytest.mark.parametrize("source", ["imagefolder", "webdataset", "parquet", "arrow"])
def test_a_source_that_changed_is_refused(source, form, make_job, run, tmp_path):
    job = make_job(source)
    for path in job.reader.root.rglob("*"):
        if path.suffix in {".bmp", ".tar"}:
            path.write_bytes(path.read_bytes().replace(b"BM", b"BN"))
    if source in ("parquet", "arrow"):
        digests = [bytes(16)] * len(job.dataset)
        place = job.dataset.samples.schema.get_field_index("digest")
        field = job.dataset.samples.schema.field("digest")
        changed = job.dataset.samples.set_column(place, field, pa.array(digests, field.type))
        object.__setattr__(job.dataset, "samples", changed)
    with pytest.raises(StoreError, match="stale: .* changed while it was read"):
        run(job, form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_options_that_make_no_sense_are_refused(make_job, run, tmp_path):
    with pytest.raises(OptionError, match="shard_size=0 is not positive"):
        run(make_job("webdataset"), "webdataset", tmp_path / "out", layout="repack", shard_size=0)
    with pytest.raises(OptionError, match="link=hard needs an image folder"):
        run(make_job("webdataset"), "imagefolder", tmp_path / "out", link="hard")
    with pytest.raises(OptionError, match="other_splits=link needs arrow files"):
        run(make_job("parquet"), "huggingface", tmp_path / "out", other_splits="link")
    with pytest.raises(OptionError, match="no samples to export"):
        run(make_job("webdataset", np.empty(0)), "webdataset", tmp_path / "out")


def test_few_shards_are_said(make_job, run, tmp_path):
    class Heard(Silent):
        said: list[str] = []

        def say(self, message: str) -> None:
            self.said.append(message)

    job = dataclasses.replace(make_job("imagefolder"), reporter=Heard())
    run(job, "webdataset", tmp_path / "out", shard_size=100)
    assert Heard.said[0].startswith("1 shard: each worker")


def test_a_class_root_is_described_from_outside(make_job, run, tree, tmp_path):
    run(make_job("imagefolder"), "imagefolder", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cat", "dog"]
    assert set(tree(tmp_path / "out.prune")) == {"classes.csv", "export.json", "indices.npy", "keys.txt"}


def test_a_class_root_of_before_is_known_and_replaced(make_job, run, tree, tmp_path):
    out, beside = tmp_path / "out", tmp_path / "out.prune"
    job = make_job("imagefolder")
    run(job, "imagefolder", out)
    after = tree(out)
    beside.rename(out / ".prune-export")  # as earlier versions left it
    assert not run(job, "imagefolder", out).new
    other = make_job("imagefolder", [0, 12])
    with pytest.raises(OutputError, match="holds another export"):
        run(other, "imagefolder", out)
    run(other, "imagefolder", out, overwrite=True)
    assert not (out / ".prune-export").exists()
    run(job, "imagefolder", out, overwrite=True)
    assert tree(out) == after
    run(job, "webdataset", out, overwrite=True)  # described inside again
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "out"))) == ["out"]


def test_a_description_whose_data_is_gone_is_replaced_and_a_strange_folder_is_not(make_job, run, tmp_path):
    out, beside = tmp_path / "out", tmp_path / "out.prune"
    run(make_job("imagefolder"), "imagefolder", out)
    shutil.rmtree(out)
    run(make_job("imagefolder", [0, 12]), "imagefolder", out)
    assert sum(path.is_file() for path in out.rglob("*")) == 2
    (beside / "mine").write_text("mine")
    with pytest.raises(OutputError, match="which prune did not write"):
        run(make_job("imagefolder"), "imagefolder", out, overwrite=True)
    shutil.rmtree(out)
    shutil.rmtree(beside)
    beside.mkdir()
    (beside / "mine").write_text("mine")
    with pytest.raises(OutputError, match=r"out\.prune is in the way"):
        run(make_job("imagefolder"), "imagefolder", out)
    assert (beside / "mine").read_text() == "mine"
