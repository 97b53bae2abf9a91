"""What stands for a selection beside the original data is read by the library that it is for."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune as library
from tests.exporters.numbered_shards import KEPT, SOURCE, exported, make_numbered, sample

STRANGERS = [DeprecationWarning, FutureWarning, PendingDeprecationWarning, ResourceWarning, UserWarning]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("shards"))


@pytest.fixture(autouse=True)
def let_them_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        for kind in STRANGERS:
            warnings.simplefilter("ignore", kind)
        yield


def test_dali_reads_the_kept_samples(made: Path, tmp_path: Path) -> None:
    dali = pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed")
    fn = pytest.importorskip("nvidia.dali.fn")
    index = sorted(exported(made, "dali", tmp_path / "out").rglob("*.idx"))
    shards = [str((made / "data" / path.name).with_suffix(".tar")) for path in index]

    @dali.pipeline_def(batch_size=1, num_threads=1, device_id=None)
    def read() -> Any:
        paths = [str(path) for path in index]
        return tuple(fn.readers.webdataset(paths=shards, index_paths=paths, ext=["png", "cls", "json"]))

    pipe = read()
    pipe.build()
    (size,) = pipe.epoch_size().values()
    found = {}
    for _ in range(size):
        files = dict(zip(("png", "cls", "json"), (out.at(0).tobytes() for out in pipe.run()), strict=True))
        found[json.loads(files["json"])["n"]] = files
    assert found == {n: sample(n) for n in KEPT}


def test_energon_reads_the_kept_samples(made: Path, tmp_path: Path) -> None:
    energon = pytest.importorskip("megatron.energon", reason="megatron-energon is not installed")
    factory = pytest.importorskip("megatron.energon.flavors.webdataset").BaseWebdatasetFactory
    data = shutil.copytree(made / "data", tmp_path / "data")
    shards = sorted(path.name for path in data.iterdir())
    factory.prepare_dataset(data, shards, split_parts_ratio=[("train", 1.0)], workers=1)
    shutil.copy(exported(made, "energon", tmp_path / "out") / "split.yaml", data / ".nv-meta/split.yaml")
    (data / ".nv-meta/dataset.yaml").write_text("__module__: megatron.energon\n__class__: CrudeWebdataset\n")

    class Encoder(energon.DefaultTaskEncoder):  # type: ignore[misc]
        cookers = [energon.Cooker(energon.stateless(lambda held: held))]

    alone = energon.WorkerConfig(rank=0, world_size=1, num_workers=0)
    once: dict[str, Any] = {"batch_size": None, "shuffle_buffer_size": None, "repeat": False}
    once |= {"max_samples_per_sequence": None, "worker_config": alone, "task_encoder": Encoder()}
    found = [held["json"]["n"] for held in energon.get_loader(energon.get_train_dataset(data, **once))]
    assert sorted(found) == KEPT


def test_datacomp_takes_the_kept_samples_and_each_once(made: Path, tmp_path: Path) -> None:
    """By the steps of its resharder: a sample is written as often as its uid stands in the file."""
    subset = np.load(exported(made, "datacomp", tmp_path / "out") / "uids.npy", mmap_mode="r")
    pairs = np.dtype("u8,u8")
    assert subset.dtype == pairs
    taken = {}
    for n in SOURCE:
        uid = int(json.loads(sample(n)["json"])["uid"], 16)
        wanted = np.array([divmod(uid, 2**64)], pairs)[0]
        first, behind = (int(np.searchsorted(subset, wanted, side)) for side in ("left", "right"))
        taken[n] = behind - first
    assert taken == {n: int(n in KEPT) for n in SOURCE}


def test_openclip_counts_the_samples_of_an_export(made: Path, tmp_path: Path) -> None:
    train = pytest.importorskip("open_clip_train.data", reason="open-clip-torch is not installed")
    out = exported(made, "webdataset", tmp_path / "out")
    last = len(list(out.glob("*.tar"))) - 1
    counted, shards = train.get_dataset_size(f"{out}/shard-{{000000..{last:06}}}.tar")
    assert (counted, shards) == (len(KEPT), last + 1)


def test_mosaicml_reads_the_kept_rows(made: Path, tmp_path: Path) -> None:
    streaming = pytest.importorskip("streaming", reason="mosaicml-streaming is not installed")
    from torch.utils.data import DataLoader, Subset

    with streaming.MDSWriter(out=str(tmp_path / "mds"), columns={"n": "int"}, size_limit=200) as out:
        for n in SOURCE:
            out.write({"n": n})
    rows = np.load(exported(made, "manifest", tmp_path / "out") / "indices.npy")
    data = Subset(streaming.StreamingDataset(local=str(tmp_path / "mds"), batch_size=1), rows)
    found = [n for batch in DataLoader(data, batch_size=2) for n in batch["n"].tolist()]
    assert found == KEPT


@pytest.mark.parametrize("engine", ["pyarrow", "fastparquet"])
def test_a_manifest_is_a_table_to_whoever_reads_parquet(made: Path, tmp_path: Path, engine: Any) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    table = pandas.read_parquet(
        exported(made, "manifest", tmp_path / "out") / "manifest.parquet", engine=engine
    )
    assert table["row"].tolist() == list(SOURCE)
    assert table.loc[table["selected"], "row"].tolist() == KEPT
    assert table["label"].tolist() == [n % 2 for n in SOURCE]
    assert table["key"].tolist() == [f"part/{n:04}" for n in SOURCE]


def test_cleanlab_finds_the_labels_that_were_turned(made: Path, tmp_path: Path) -> None:
    cleanlab = pytest.importorskip("cleanlab", reason="cleanlab is not installed")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(exported(made, "manifest", tmp_path / "out") / "manifest.parquet")
    labels, turned = table["label"].to_numpy(), [3, 10]
    said = np.where(labels[:, None] == [0, 1], 0.95, 0.05)
    said[turned] = said[turned, ::-1]
    lab = cleanlab.Datalab({"label": table["label"].tolist()}, label_name="label", verbosity=0)
    lab.find_issues(pred_probs=said, issue_types={"label": {}})
    assert np.flatnonzero(lab.get_issues("label")["is_label_issue"]).tolist() == turned
    assert library.Store(made / ".prune").dataset.labels.tolist() == labels.tolist()
