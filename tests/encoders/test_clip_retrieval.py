"""Folders of clip-retrieval: embeddings that were computed elsewhere, in numbered parts with metadata."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prune as library
from prune.core.errors import DataError
from tests.conftest import draw

Prune = Callable[..., Any]
N, WIDTH = 23, 6
KEYS = [f"{n // 12:03}{n:06}" for n in range(N)]


def embedding(rows: Sequence[int]) -> np.ndarray:
    return np.stack([np.full(WIDTH, n + 1, np.float16) for n in rows])


def clip(
    folder: Path, cuts: Sequence[int] = (10, 11), *, names: str = "image_path", kind: str = "img_emb"
) -> Path:
    """Write parts that hold the rows in reverse, the last of two digits: part 10 stands behind part 9."""
    order = list(reversed(range(N)))
    for place in (kind, "metadata"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for number, rows in zip((0, 9, 10), np.split(order, [10, 11]), strict=True):
        np.save(folder / kind / f"{kind}_{number}.npy", embedding(rows))
        about = {names: [KEYS[n] for n in rows], "caption": [f"caption number {n} of some" for n in rows]}
        pq.write_table(pa.table(about), folder / "metadata" / f"metadata_{number}.parquet")
    return folder


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for shard in range(2):
        with tarfile.open(folder / f"{shard:03}.tar", "w") as tar:
            for n in range(12 * shard, min(N, 12 * shard + 12)):
                out = io.BytesIO()
                draw(n).save(out, "PNG")
                info = tarfile.TarInfo(f"{KEYS[n]}.png")
                info.size = len(out.getvalue())
                tar.addfile(info, io.BytesIO(out.getvalue()))
    return folder


def read(store: Path) -> np.ndarray:
    return np.asarray(library.Store(store).column("embedding.precomputed").read())


@pytest.mark.parametrize("names", ["image_path", "key", "uid"])
def test_samples_find_their_embedding_by_name(names: str, shards: Path, tmp_path: Path) -> None:
    library.embed(tmp_path / "s", str(shards), features=str(clip(tmp_path / "clip", names=names)))
    assert np.array_equal(read(tmp_path / "s"), embedding(range(N)))


def test_a_column_of_lists_names_no_sample(shards: Path, tmp_path: Path) -> None:
    folder = clip(tmp_path / "clip")
    for path in (folder / "metadata").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.append_column("key", pa.array([["x", "y"]] * len(table))), path)
    library.embed(tmp_path / "s", str(shards), features=str(folder))
    assert np.array_equal(read(tmp_path / "s"), embedding(range(N)))


def test_files_of_images_are_found_by_their_paths(tmp_path: Path) -> None:
    for n in range(N):
        (tmp_path / "data" / "ab"[n % 2]).mkdir(parents=True, exist_ok=True)
        draw(n).save(tmp_path / "data" / "ab"[n % 2] / f"{KEYS[n]}.png")
    folder = clip(tmp_path / "clip")
    for path in (folder / "metadata").iterdir():
        table = pq.read_table(path)
        paths = [f"/elsewhere/images/{key}.png" for key in table["image_path"].to_pylist()]
        pq.write_table(table.set_column(0, "image_path", pa.array(paths)), path)
    library.embed(tmp_path / "s", str(tmp_path / "data"), features=str(folder))
    keys = library.Store(tmp_path / "s").dataset.samples["key"].to_pylist()
    order = [KEYS.index(key.rpartition("/")[2].removesuffix(".png")) for key in keys]
    assert np.array_equal(read(tmp_path / "s"), embedding(order))


def test_numbers_of_the_metadata_are_scores(shards: Path, tmp_path: Path) -> None:
    folder = clip(tmp_path / "clip")
    for path in (folder / "metadata").iterdir():
        table = pq.read_table(path)
        likeness = [KEYS.index(key) / N for key in table["image_path"].to_pylist()]
        pq.write_table(table.append_column("similarity", pa.array(likeness)), path)
    library.embed(tmp_path / "s", str(shards), features=str(folder))
    library.score(tmp_path / "s", imports=str(folder / "metadata"), high="similarity=easy")
    found = library.Store(tmp_path / "s").column("score.similarity").read()
    assert np.allclose(found, np.arange(N) / N)


def test_the_metadata_may_be_the_dataset(tmp_path: Path, prune: Prune) -> None:
    folder = clip(tmp_path / "clip", kind="text_emb")
    said = prune(
        "embed",
        folder / "metadata",
        "--text-field",
        "caption",
        "--features",
        folder,
        "--store",
        tmp_path / "s",
    )
    assert said.code == 0, said.err
    captions = pq.read_table(folder / "metadata")["caption"].to_pylist()
    shown = library.Store(tmp_path / "s").dataset.samples
    texts = {
        (path.name, at): text
        for path in (folder / "metadata").iterdir()
        for at, text in enumerate(pq.read_table(path)["caption"].to_pylist())
    }
    places = zip(shown["shard"].to_pylist(), shown["index"].to_pylist(), strict=True)
    rows = [int(texts[place].split()[2]) for place in places]
    assert sorted(rows) == list(range(N)) != rows
    assert len(captions) == N
    assert np.array_equal(read(tmp_path / "s"), embedding(rows))


def test_metadata_of_more_rows_than_there_are_embeddings_is_refused(tmp_path: Path) -> None:
    folder = clip(tmp_path / "clip", kind="text_emb")
    other = clip(tmp_path / "other") / "metadata"
    rows = [f"another caption, number {n}" for n in range(30)]
    pq.write_table(pa.table({"caption": rows}), other / "metadata_0.parquet")
    bare = library.Settings(reading={"text_field": "caption"})
    with pytest.raises(DataError, match="fewer embeddings than the dataset has rows"):
        library.embed(tmp_path / "s", str(other), features=str(folder), settings=bare)


def test_without_metadata_rows_are_those_of_the_dataset(shards: Path, tmp_path: Path) -> None:
    (tmp_path / "clip/img_emb").mkdir(parents=True)
    np.save(tmp_path / "clip/img_emb/img_emb_0.npy", embedding(range(N)))
    library.embed(tmp_path / "s", str(shards), features=str(tmp_path / "clip"))
    assert np.array_equal(read(tmp_path / "s"), embedding(range(N)))


def test_the_same_again_changes_nothing_and_other_numbers_do(shards: Path, tmp_path: Path) -> None:
    folder = clip(tmp_path / "clip")
    library.embed(tmp_path / "s", str(shards), features=str(folder))
    first = library.Store(tmp_path / "s").state["columns"]
    library.embed(tmp_path / "s", str(shards), features=str(folder))
    assert library.Store(tmp_path / "s").state["columns"] == first
    np.save(folder / "img_emb/img_emb_9.npy", embedding([7]))
    library.embed(tmp_path / "s", str(shards), features=str(folder))
    assert library.Store(tmp_path / "s").state["columns"] != first
    assert (read(tmp_path / "s") == 8).all(1).sum() == 2


def no_embeddings(folder: Path) -> None:
    for path in (folder / "img_emb").iterdir():
        path.unlink()


def no_part(folder: Path) -> None:
    (folder / "img_emb/img_emb_9.npy").unlink()


def short(folder: Path) -> None:
    np.save(folder / "img_emb/img_emb_10.npy", embedding(range(5)))


def narrow(folder: Path) -> None:
    np.save(folder / "img_emb/img_emb_9.npy", np.ones((1, 3), np.float16))


def no_matrix(folder: Path) -> None:
    (folder / "img_emb/img_emb_0.npy").write_bytes(b"\x93NUMPY\x01\x00")


def no_table(folder: Path) -> None:
    (folder / "metadata/metadata_9.parquet").write_bytes(b"PAR1 is not one")


def another_key(folder: Path) -> None:
    path = folder / "metadata/metadata_9.parquet"
    pq.write_table(pq.read_table(path).set_column(0, "image_path", pa.array(["none"])), path)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (no_embeddings, "holds no embeddings"),
        (no_part, "only one of embeddings and metadata of part 9"),
        (short, "has 5 rows, and metadata_10.parquet has 12"),
        (narrow, "different widths: 3, 6"),
        (no_matrix, "cannot be read as .npy"),
        (no_table, "cannot be read as a parquet file"),
        (another_key, "lacks 1 key"),
    ],
)
def test_what_does_not_fit_is_said(
    harm: Callable[[Path], None], message: str, shards: Path, tmp_path: Path
) -> None:
    folder = clip(tmp_path / "clip")
    harm(folder)
    with pytest.raises(DataError, match=message):
        library.embed(tmp_path / "s", str(shards), features=str(folder))
