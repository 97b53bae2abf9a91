from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.store import Store

VECTORS = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
KINDS = [
    pa.list_(pa.float32()),
    pa.large_list(pa.float64()),
    pa.list_(pa.float32(), 5),
    pa.list_(pa.float16()),
]


def tables(root: Path, kinds: list[pa.DataType], **columns: list) -> Path:
    root.mkdir()
    for part, kind in enumerate(kinds):
        rows = slice(6 * part, 6 * part + 6)
        vectors = pa.array(VECTORS[rows].tolist(), pa.list_(pa.float64())).cast(kind)
        held = {"id": [f"a{n}" for n in range(12)], "caption": [f"dog {n}" for n in range(12)], **columns}
        made = {name: values[rows] for name, values in held.items()}
        pq.write_table(pa.table({**made, "emb": vectors}), root / f"train-{part:05d}-of-00002.parquet")
    return root


def test_the_refusal_names_the_column(tmp_path):
    with pytest.raises(DataError, match="no column holds images") as caught:
        open_reader(str(tables(tmp_path / "d", KINDS[:1])))
    assert caught.value.hint == "--features-column emb takes its lists of numbers"


@pytest.mark.parametrize("kinds", [[KINDS[0], KINDS[1]], [KINDS[2], KINDS[0]]])
def test_the_chain_runs_on_ids_captions_and_embeddings(kinds, tmp_path, prune):
    data, store = tables(tmp_path / "d", kinds), ["--store", tmp_path / "s"]
    assert prune("embed", data, "--features-column", "emb", "--dtype", "float32", *store).code == 0
    assert np.array_equal(Store(tmp_path / "s").column("embedding.precomputed").read(), VECTORS)
    assert prune("select", "--count", "5", *store).code == 0
    chosen = (tmp_path / "s/selections/kcenter/keys.txt").read_text().split()
    assert set(chosen) <= {f"a{n}" for n in range(12)}
    for form in ("parquet", "manifest", "huggingface"):
        said = prune("export", "--format", form, "--out", tmp_path / form, *store)
        assert said.code == 0, said.err
    kept = pa.concat_tables(
        [
            pq.read_table(path).select(["id", "caption"])
            for path in sorted((tmp_path / "parquet").glob("[!.]*/*.parquet"))
        ]
    )
    assert kept["id"].to_pylist() == sorted(chosen, key=lambda key: int(key[1:]))
    assert kept["caption"].to_pylist() == [f"dog {key[1:]}" for key in kept["id"].to_pylist()]
    again = scan(open_reader(str(tmp_path / "parquet"), features_column="emb"), tmp_path / "scans", SILENT)
    assert again.keys == kept["id"].to_pylist()
    said = prune("export", "--format", "webdataset", "--out", tmp_path / "w", *store)
    assert said.code == 3
    assert "--format parquet" in said.err


def test_halves_and_nothing_are_numbers_and_a_reject(tmp_path):
    data = tables(tmp_path / "d", [KINDS[3]])
    path = next(data.glob("*.parquet"))
    table = pq.read_table(path)
    vectors = table["emb"].to_pylist()
    vectors[2] = None
    pq.write_table(table.set_column(2, "emb", pa.array(vectors, KINDS[3])), path)
    dataset = scan(open_reader(str(data), features_column="emb"), tmp_path / "scans", SILENT)
    assert dataset.rejects == {2: "has no features"}


@pytest.mark.parametrize(
    ("ids", "keys"),
    [
        (list(range(12)), [str(n) for n in range(12)]),
        (["a"] * 12, [f"{n:08d}" for n in range(12)]),
        ([None, *"bcdefghijkl"], [f"{n:08d}" for n in range(12)]),
    ],
)
def test_keys_are_ids_where_they_tell_rows_apart(ids, keys, tmp_path):
    reader = open_reader(str(tables(tmp_path / "d", KINDS[:2], id=ids)), features_column="emb")
    assert scan(reader, tmp_path / "scans", SILENT).keys == keys


def test_lists_of_different_lengths_are_named(tmp_path, prune):
    data = tmp_path / "d"
    data.mkdir()
    pq.write_table(pa.table({"emb": [[1.0, 2.0], [1.0]]}), data / "train.parquet")
    said: SimpleNamespace = prune("embed", data, "--features-column", "emb", "--store", tmp_path / "s")
    assert said.code == 3
    assert "lists of different lengths: 1 and 2" in said.err


def test_another_column_cannot_be_chosen(tmp_path):
    with pytest.raises(OptionError, match="is called 'caption'") as caught:
        open_reader(str(tables(tmp_path / "d", KINDS[:1])), features_column="caption")
    assert caught.value.hint == "choose: --features-column emb"
