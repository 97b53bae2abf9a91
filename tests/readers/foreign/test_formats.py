from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest
import scipy.io
import torch
from PIL import Image

from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.foreign.formats import refuse_unread
from prune.readers.scan import scan
from prune.store import Dataset

N = 6
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)
PLANES = np.ascontiguousarray(np.moveaxis(PIXELS, 3, 1))
LABELS = [0, 1, 2, 0, 1, 2]


def png(row: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(PIXELS[row]).save(sink, "png")
    return sink.getvalue()


def tarred(members: list[tuple[str, bytes]]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def shard() -> bytes:
    return tarred([m for i, y in enumerate(LABELS) for m in ((f"{i}.png", png(i)), (f"{i}.cls", b"%d" % y))])


def class_folders() -> bytes:
    return tarred([(f"flowers/c{y}/{i}.png", png(i)) for i, y in enumerate(LABELS)])


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _stream(data: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


def npz(root: Path) -> Path:
    path = root / "it's $x.npz"  # what a shell would take apart
    np.savez(path, x_train=PIXELS, y_train=np.array(LABELS), x_test=PIXELS[:2], y_test=np.array(LABELS[:2]))
    return path


def zip_of_folders(root: Path) -> Path:
    with zipfile.ZipFile(root / "pets.zip", "w") as archive:
        for i, y in enumerate(LABELS):
            archive.writestr(f"c{y}/{i}.png", png(i))
    return root / "pets.zip"


def cifar_10(root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    for batch in range(2):
        rows = slice(3 * batch, 3 * batch + 3)
        held = {b"data": PLANES[rows].reshape(3, -1), b"labels": LABELS[rows]}
        put(folder / f"data_batch_{batch + 1}", pickle.dumps(held))
    put(folder / "test_batch", pickle.dumps({b"data": PLANES[:1].reshape(1, -1), b"labels": LABELS[:1]}))
    put(folder / "batches.meta", pickle.dumps({}))
    return folder


def cifar_batch(root: Path) -> Path:
    return cifar_10(root) / "data_batch_1"


def cifar_100(root: Path) -> Path:
    held = {b"data": PLANES.reshape(N, -1), b"fine_labels": LABELS, b"coarse_labels": [0] * N}
    put(root / "cifar-100-python" / "train", pickle.dumps(held))
    return root / "cifar-100-python"


def cifar_binary(root: Path) -> Path:
    records = b"".join(bytes([y]) + PLANES[i].tobytes() for i, y in enumerate(LABELS))
    put(root / "cifar-10-batches-bin" / "data_batch_1.bin", records)
    return root / "cifar-10-batches-bin"


def mnist(root: Path) -> Path:
    pictures = struct.pack(">IIII", 2051, N, 32, 32) + PIXELS[..., 0].tobytes()
    put(root / "m" / "train-images-idx3-ubyte.gz", gzip.compress(pictures))
    put(root / "m" / "train-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 2049, N) + bytes(LABELS)))
    put(root / "m" / "t10k-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 2049, 1) + b"\0"))
    return root / "m"


def mnist_file(root: Path) -> Path:
    put(root / "emnist-images.idx3-ubyte", struct.pack(">IIII", 2051, N, 32, 32) + PIXELS[..., 0].tobytes())
    put(root / "emnist-labels.idx1-ubyte", struct.pack(">II", 2049, N) + bytes(LABELS))
    return root / "emnist-images.idx3-ubyte"


def shards_gz(root: Path) -> Path:
    put(root / "sh" / "a.tar.gz", gzip.compress(shard()))
    return root / "sh"


def shard_tgz(root: Path) -> Path:
    return put(root / "a.tgz", gzip.compress(shard()))


def shard_bz2(root: Path) -> Path:
    return put(root / "a.tar.bz2", bz2.compress(shard()))


def shard_xz(root: Path) -> Path:
    return put(root / "a.tar.xz", lzma.compress(shard()))


def shard_zst(root: Path) -> Path:
    return put(root / "a.tar.zst", _stream(shard(), "zstd"))


def folders_tgz(root: Path) -> Path:
    return put(root / "flower_photos.tgz", gzip.compress(class_folders()))


def folders_zst(root: Path) -> Path:
    return put(root / "flower_photos.tar.zst", _stream(class_folders(), "zstd"))


def compressed_inside(root: Path) -> Path:
    return put(root / "a.tar", gzip.compress(shard()))


def mat(root: Path) -> Path:
    held = {"X": np.moveaxis(PIXELS, 0, 3), "y": np.array(LABELS, np.uint8)[:, None]}
    scipy.io.savemat(root / "train_32x32.mat", held)
    return root / "train_32x32.mat"


def tensors(root: Path) -> Path:
    torch.save((torch.from_numpy(PIXELS), torch.tensor(LABELS)), root / "training.pt")
    return root / "training.pt"


def one_pickle(root: Path) -> Path:
    return put(root / "train.pkl", pickle.dumps({"features": PIXELS, "labels": LABELS}))


def recordio(root: Path) -> Path:
    records = b""
    for i, y in enumerate(LABELS):
        body = struct.pack("<IfQQ", 0, float(y), i, 0) + png(i)
        records += struct.pack("<II", 0xCED7230A, len(body)) + body + bytes(-len(body) % 4)
    return put(root / "train.rec", records)


def feather(root: Path) -> Path:
    pa.feather.write_feather(_table(), root / "t.feather")
    return root / "t.feather"


def orc(root: Path) -> Path:
    pa.orc.write_table(_table(), root / "t.orc")
    return root / "t.orc"


def _table() -> pa.Table:
    return pa.table({"image": [png(i) for i in range(N)], "label": LABELS})


def hdf5(root: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(root / "d.h5", "w") as file:
        file["train/images"], file["train/labels"] = PIXELS, LABELS
    return root / "d.h5"


def lmdb(root: Path) -> Path:
    library = pytest.importorskip("lmdb")
    with library.open(str(root / "d.lmdb")) as env, env.begin(write=True) as held:
        for i in range(N):
            held.put(b"%08d" % i, png(i))
    return root / "d.lmdb"


def cached(root: Path) -> Path:
    """A cache of `datasets` that points to its pictures, as the builder of image folders leaves it."""
    pictures = [str(put(root / "it's pictures" / f"{i}.png", png(i))) for i in range(N)]
    told = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b", "c"]}}
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    schema = pa.schema(
        {"image": image, "label": pa.int64()},
        metadata={"huggingface": json.dumps({"info": {"features": told}})},
    )
    place = root / "pets $x"
    place.mkdir()
    for part in range(2):
        rows = range(part * N // 2, (part + 1) * N // 2)
        held = [{"bytes": None, "path": pictures[i]} for i in rows]
        table = pa.table([pa.array(held, image), pa.array([LABELS[i] for i in rows])], schema=schema)
        name = place / f"pets-train-{part:05d}-of-00002.arrow"
        with pa.OSFile(str(name), "wb") as sink, pa.ipc.new_stream(sink, schema) as out:
            out.write_table(table)
    return place


MAKERS: list[Callable[[Path], Path]] = [
    npz,
    zip_of_folders,
    cifar_10,
    cifar_100,
    cifar_binary,
    mnist,
    mnist_file,
    shards_gz,
    shard_tgz,
    shard_bz2,
    shard_xz,
    shard_zst,
    folders_tgz,
    folders_zst,
    compressed_inside,
    mat,
    tensors,
    one_pickle,
    recordio,
    feather,
    orc,
    hdf5,
    cached,
]


def refused(data: str | Path) -> DataError:
    with pytest.raises(DataError) as caught:
        reader = open_reader(str(data))
        next(iter(map(reader.scan, reader.units())))
    return caught.value


def typed(hint: str) -> str:
    """Run the line of a hint in a shell; return what to name afterwards, if it says so."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(hint, shell=True, capture_output=True, text=True, env=os.environ | {"PATH": path})  # noqa: S602
    assert done.returncode == 0, (hint, done.stderr)
    named = re.search(r"# then: prune embed (.*)$", hint)
    return shlex.split(named[1])[0] if named else ""


def read(data: str, tmp_path: Path) -> Dataset:
    return scan(open_reader(data), tmp_path / "scans", SILENT)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_what_is_not_read_is_named_and_the_line_converts_it(make, tmp_path):
    root = tmp_path / "in"
    root.mkdir()
    place = make(root)
    error = refused(place)
    assert str(place) in str(error)
    assert len(str(error).splitlines()) == len(error.hint.splitlines()) == 1
    dataset = read(typed(error.hint) or str(place), tmp_path)
    assert len(dataset) == N
    assert sorted(dataset.labels.tolist()) == sorted(LABELS)


def test_one_batch_is_a_part_of_its_folder(tmp_path):
    dataset = read(typed(refused(cifar_batch(tmp_path)).hint), tmp_path)
    assert dataset.labels.tolist() == LABELS


def test_the_pictures_are_the_same_and_in_order(tmp_path):
    reader = open_reader(typed(refused(cifar_10(tmp_path)).hint))
    samples = scan(reader, tmp_path / "scans", SILENT).samples
    assert all(np.array_equal(image, PIXELS[i]) for i, image in enumerate(reader.payloads(samples)))


def test_images_out_of_a_database_are_without_labels(tmp_path):
    place = lmdb(tmp_path)
    dataset = read(typed(refused(place).hint), tmp_path)
    assert len(dataset) == N
    assert not dataset.classes


@pytest.mark.parametrize("pattern", ["*.tar.gz", "a-{0..1}.tar.gz", "?-*.tar.gz"])
def test_a_pattern_of_compressed_shards_is_named(pattern, tmp_path):
    for i in range(2):
        put(tmp_path / "sh" / f"a-{i}.tar.gz", gzip.compress(tarred([(f"{i}.png", png(i))])))
    error = refused(f"{tmp_path}/sh/{pattern}")
    assert "2 files" in str(error)
    assert "gzip" in str(error)
    assert len(read(typed(error.hint), tmp_path)) == 2


def test_many_shards_are_decompressed_by_one_short_line(tmp_path):
    for i in range(12):
        put(tmp_path / "sh" / f"a-{i:02d}.tar.zst", _stream(tarred([(f"{i}.png", png(i % N))]), "zstd"))
    hint = refused(tmp_path / "sh").hint
    assert len(hint) < 400 + 3 * len(str(tmp_path))
    assert len(read(typed(hint), tmp_path)) == 12


def test_without_the_tool_our_libraries_decompress(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    hint = refused(shard_zst(tmp_path)).hint
    assert hint.startswith(sys.executable)
    assert len(read(typed(hint), tmp_path)) == N


NAMED = {  # where the library that reads it is heavy, the kind is named; these lines are not run here
    "train-00000-of-00002.tfrecord": "TFRecord",
    "imagenet-train.tfrecord-00000-of-01024": "TFRecord",
    "a.tfrec": "TFRecord",
    "train.beton": "FFCV",
    "shard.00000.mds": "MDS",
    "data.mdb": "LMDB",
    "all.rar": "rar",
    "all.7z": "7z",
    "x.hdf5": "HDF5",
}


@pytest.mark.parametrize(("name", "kind"), NAMED.items())
def test_every_format_is_named(name, kind, tmp_path):
    put(tmp_path / "d" / name, b"\1" * 64)
    for place in (tmp_path / "d", tmp_path / "d" / name):
        error = refused(place)
        assert kind in str(error)
        assert str(tmp_path / "d") in error.hint


def test_the_fields_of_a_tfrecord_are_those_of_its_first_example(tmp_path):
    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    features = [("picture/img", field(1, field(1, b"jpeg"))), ("my/target", field(3, field(1, b"\5")))]
    pairs = b"".join(field(1, field(1, name.encode()) + field(2, value)) for name, value in features)
    example = field(1, pairs)
    record = struct.pack("<Q", len(example)) + bytes(4) + example + bytes(4)
    hint = refused(put(tmp_path / "t.tfrecord", record)).hint
    assert '"picture/img"' in hint
    assert '"my/target"' in hint


def test_the_columns_of_mds_are_those_of_its_index(tmp_path):
    index = {"shards": [{"column_names": ["y", "pic"], "column_encodings": ["int", "jpeg"], "format": "mds"}]}
    put(tmp_path / "m" / "index.json", json.dumps(index).encode())
    put(tmp_path / "m" / "shard.00000.mds", bytes(64))
    hint = refused(tmp_path / "m").hint
    assert '"pic"' in hint
    assert '"y"' in hint


def test_a_table_of_labels_names_the_folder_beside_it(tmp_path):
    put(tmp_path / "train" / "1.png", png(0))
    error = refused(put(tmp_path / "labels.csv", b"id,label\n1,cat\n"))
    assert error.hint == f"prune embed {tmp_path}/train --labels {tmp_path}/labels.csv"


@pytest.mark.parametrize(
    "data", [b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd" + b"z" * 100, b"PK\x03\x04" + bytes(99)]
)
@pytest.mark.parametrize(
    "name", ["a.tgz", "a.tar.zst", "x-images-idx3-ubyte.gz", "x.mat", "x.npz", "a.tfrecord"]
)
def test_a_damaged_file_is_named_all_the_same(data, name, tmp_path):
    assert name in str(refused(put(tmp_path / name, data)))


def test_what_is_read_is_not_refused(tmp_path):
    put(tmp_path / "cat" / "1.png", png(0))
    put(tmp_path / "notes.txt", b"")
    refuse_unread(str(tmp_path))
