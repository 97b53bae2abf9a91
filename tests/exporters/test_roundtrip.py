"""Every source in every form, read back by our readers and by the libraries that trainers use."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import sys
import tarfile
import warnings

import numpy as np
import pytest
from PIL import Image

from prune.exporters.file_names import file_names, shard_keys

SOURCES = ["imagefolder", "webdataset", "parquet", "arrow", "arrays"]
FORMS = ["webdataset", "imagefolder", "huggingface", "parquet"]
READ_AS = {"parquet": "huggingface"}


def _facts(job):
    """Image bytes and class name of each exported row, by key."""
    keys = job.samples()["key"].to_pylist()
    classes = [job.dataset.classes[i] for i in job.dataset.labels[job.rows]]
    return dict(zip(keys, zip(job.payloads(job.rows), classes, strict=True), strict=True))


def _renamed(job, form):
    """The documented names: keys of what was made from another format."""
    keys = job.dataset.keys
    same = job.reader.format == form or form in ("huggingface", "parquet")
    if form == "webdataset" and not same:
        keys = shard_keys(keys)
    elif form == "imagefolder" and not same:
        keys = file_names(keys, [job.dataset.classes[i] for i in job.dataset.labels])
    return [keys[row] for row in job.rows]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", SOURCES)
def test_keeps_keys_bytes_and_labels(source, form, make_job, run, reopen, tree, tmp_path):
    job = make_job(source)
    done = run(job, form, tmp_path / "out")
    again = reopen(tmp_path / "out", READ_AS.get(form, form))
    expected, found = _facts(job), _facts(again)
    wanted = dict(zip(_renamed(job, form), expected.values(), strict=True))
    if form == "imagefolder" != source:  # a folder of files has its own order
        assert {key.rpartition(".")[0]: fact for key, fact in found.items()} == wanted
    else:
        assert list(found.items()) == list(wanted.items())
    assert (done.samples, done.new) == (7, True)
    run(job, form, tmp_path / "again")
    assert tree(tmp_path / "again") == tree(tmp_path / "out")
    described = "out.prune" if form == "imagefolder" else "out/.prune-export"
    assert (tmp_path / described / "keys.txt").read_bytes() == b"a\nb\n"


@pytest.mark.parametrize("source", SOURCES)
def test_webdataset_library_reads_the_shards(source, make_job, run, tmp_path):
    import webdataset as wds

    job = make_job(source)
    run(job, "webdataset", tmp_path / "out", shard_size=3)
    shards = sorted(map(str, (tmp_path / "out").rglob("*.tar")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its files to the collector
        samples = list(wds.WebDataset(shards, shardshuffle=False))
        gc.collect()
    by_key = {sample["__key__"]: sample for sample in samples}
    labels = job.dataset.labels[job.rows]
    keys = [key.partition(".")[0] for key in _renamed(job, "webdataset")]
    for key, (data, _), label in zip(keys, _facts(job).values(), labels, strict=True):
        sample = by_key.pop(key)
        assert data in (sample.get("png"), sample.get("bmp"))
        assert sample["cls"] == b"%d" % label
    assert by_key == {}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", ["huggingface", "parquet"])
def test_datasets_library_reads_the_tables(source, form, make_job, run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    job = make_job(source)
    out = tmp_path / "out"
    run(job, form, out)
    loaded = [datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))]
    if form == "huggingface":
        loaded.append(datasets.load_from_disk(str(out)))
    for splits in loaded:
        others = {"test"} if source in ("parquet", "arrow") else set()
        assert set(splits) == {"train"} | others
        train = splits["train"]
        assert train.features["label"].names == ["cat", "dog"] or source in ("webdataset", "arrays")
        rows = train.cast_column("image", datasets.Image(decode=False))
        assert [row["bytes"] for row in rows["image"]] == [data for data, _ in _facts(job).values()]
        assert list(rows["label"]) == job.dataset.labels[job.rows].tolist()
        if others:
            assert list(train.features) == ["id", "image", "label", "note"]
            assert list(rows["note"]) == [f"note {row}" for row in job.rows]
            assert list(splits["test"]["id"]) == [20, 21, 22]
        else:
            assert list(rows["__key__"]) == job.samples()["key"].to_pylist()


def test_copies_every_member_and_its_headers(make_job, run, tmp_path):
    job = make_job("webdataset", [0, 1, 4, 9, 11])
    run(job, "webdataset", tmp_path / "out", layout="mirror")
    shards = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tar")}
    assert shards == {"a/one.tar", "two.tar"}
    for name in shards:
        with tarfile.open(job.reader.root / name) as source, tarfile.open(tmp_path / "out" / name) as made:
            assert made.pax_headers == source.pax_headers
            before = {m.name: (m.pax_headers, m.mtime, source.extractfile(m).read()) for m in source}
            after = {m.name: (m.pax_headers, m.mtime, made.extractfile(m).read()) for m in made}
        assert after == {k: v for k, v in before.items() if k in after}
    sizes = json.loads((tmp_path / "out/sizes.json").read_text())
    assert sizes == {"one.tar": 3, "two.tar": 2}
    index = json.loads((tmp_path / "out/wids.json").read_text())
    assert [(s["url"], s["nsamples"]) for s in index["shardlist"]] == [("a/one.tar", 3), ("two.tar", 2)]
    assert index["shardlist"][0]["filesize"] == (tmp_path / "out/a/one.tar").stat().st_size


def test_an_export_of_an_export_of_an_export_is_the_same_images_and_labels(make_job_of, run, png, tmp_path):
    from_label = {png(i): i for i in range(12)}  # 10 comes before 2 where classes are sorted as text
    with tarfile.open(tmp_path / "source.tar", "w") as tar:
        for i, data in enumerate(from_label):
            for name, content in ((f"x/{i}.v1.png", data), (f"x/{i}.cls", b"%d" % i)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    job = make_job_of(tmp_path / "source.tar")
    for step, form in enumerate(["huggingface", "imagefolder", "parquet", "webdataset", "webdataset"]):
        out = tmp_path / f"{step}-{form}"
        run(job, form, out)
        job = make_job_of(out)  # recognised by looking
        assert job.reader.format == READ_AS.get(form, form)
        ids = job.dataset.labels[job.rows].tolist()
        assert dict(zip(job.payloads(job.rows), ids, strict=True)) == from_label
        assert len(job) == 12


def test_class_names_beside_the_first_shard_go_along_though_it_keeps_nothing(
    make_job, make_job_of, run, tmp_path
):
    source = make_job("webdataset").reader.root
    (source / "a/classnames.txt").write_text("cat\ndog\n")
    job = dataclasses.replace(make_job_of(source), rows=np.array([6, 12]))
    run(job, "webdataset", tmp_path / "out")
    assert [label for _, label in _facts(make_job_of(tmp_path / "out")).values()] == ["dog", "dog"]


def test_names_differ_among_the_exported_samples_in_whatever_shard(make_job_of, run, tmp_path):
    (tmp_path / "data").mkdir()
    for i, name in enumerate(["a.b.png", "a_b.png", "b.png", "c.png"]):
        Image.fromarray(np.full((2, 2), i, np.uint8)).save(tmp_path / "data" / name)
    job = make_job_of(tmp_path / "data")
    run(job, "webdataset", tmp_path / "out", shard_size=1)
    again = make_job_of(tmp_path / "out")
    assert again.column("key").to_pylist() == ["a_b", "a_b_1", "b", "c"]
    assert list(again.payloads(again.rows)) == list(job.payloads(job.rows))
    run(dataclasses.replace(job, rows=np.array([1, 3])), "webdataset", tmp_path / "few", shard_size=1)
    assert make_job_of(tmp_path / "few").column("key").to_pylist() == ["a_b", "c"]


@pytest.mark.parametrize("buffer", [64, 4096, 4 << 20])
def test_a_mirror_of_everything_is_the_source(buffer, make_job, run, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["prune.system.byte_ranges"], "_BUFFER", buffer)
    job = make_job("webdataset", range(13))
    run(job, "webdataset", tmp_path / "out")
    for path in job.reader.root.rglob("*.tar"):
        source = path.read_bytes().rstrip(b"\0")
        made = (tmp_path / "out" / path.relative_to(job.reader.root)).read_bytes()
        assert made.rstrip(b"\0") == source
        assert made.endswith(bytes(1024))
        assert len(made) % 512 == 0


def test_repacks_shards_evenly(make_job, run, tmp_path):
    job = make_job("webdataset", range(13))
    run(job, "webdataset", tmp_path / "out", layout="repack", shard_size=5)
    counts = {}
    for path in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(path) as tar:
            counts[path.name] = len(tar.getnames())
    assert counts == {"shard-000000.tar": 15, "shard-000001.tar": 15, "shard-000002.tar": 9}


def test_a_job_is_exported_again_by_other_options_and_with_other_rows(make_job, run, tmp_path):
    job = make_job("webdataset", range(6))
    wanted = {"one": (job, 1), "two": (job, 4), "few": (dataclasses.replace(job, rows=np.array([1, 3])), 4)}
    counts = {}
    for name, (asked, size) in wanted.items():
        run(asked, "webdataset", tmp_path / name, layout="repack", shard_size=size)
        counts[name] = len(list((tmp_path / name).glob("*.tar")))
    assert counts == {"one": 6, "two": 2, "few": 1}


def test_links_instead_of_copying(make_job, run, tree, tmp_path):
    job = make_job("imagefolder")
    run(job, "imagefolder", tmp_path / "hard", link="hard")
    run(job, "imagefolder", tmp_path / "sym", link="sym")
    source = job.reader.root / "cat/00.bmp"
    assert (tmp_path / "hard/cat/00.bmp").samefile(source)
    assert not (tmp_path / "hard/cat/00.bmp").is_symlink()
    assert (tmp_path / "sym/cat/00.bmp").readlink() == source
    assert not run(job, "imagefolder", tmp_path / "sym", link="sym").new


@pytest.mark.parametrize(("others", "splits"), [("omit", {"train"}), ("copy", {"train", "test"})])
def test_leaves_other_splits_out_if_asked(others, splits, make_job, run, tmp_path):
    run(make_job("arrow"), "huggingface", tmp_path / "out", other_splits=others)
    assert set(json.loads((tmp_path / "out/dataset_dict.json").read_text())["splits"]) == splits


def test_links_other_splits(make_job, run, tmp_path):
    job = make_job("arrow")
    run(job, "huggingface", tmp_path / "out", other_splits="link")
    name = "test/data-00000-of-00001.arrow"
    assert (tmp_path / "out" / name).samefile(job.reader.root / name)
    info = json.loads((tmp_path / "out/train/dataset_info.json").read_text())
    assert (info["citation"], info["license"]) == ("cite", "MIT")


def test_grey_and_transparent_pixels_become_lossless_pngs(run, tmp_path):
    from prune.core.progress import SILENT
    from prune.exporters import ExportJob
    from prune.readers import open_reader
    from prune.readers.scan import scan

    for shape in [(4, 6, 5), (4, 6, 5, 4), (4, 6, 5, 1)]:
        folder = tmp_path / str(len(shape)) / str(shape[-1])
        folder.mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        np.save(folder / "x.npy", pixels)
        reader = open_reader(str(folder / "x.npy"), as_="arrays")
        job = ExportJob(reader, scan(reader, tmp_path / "scans", SILENT), np.array([1, 3]))
        run(job, "imagefolder", tmp_path / f"out-{len(shape)}-{shape[-1]}")
        for row, data in zip([1, 3], job.payloads(job.rows), strict=True):
            found = np.asarray(Image.open(io.BytesIO(data)))
            assert (found == pixels[row].reshape(found.shape)).all()
        made = sorted(p.name for p in (tmp_path / f"out-{len(shape)}-{shape[-1]}").glob("*.png"))
        assert [int(name[:-4]) for name in made] == [1, 3]
