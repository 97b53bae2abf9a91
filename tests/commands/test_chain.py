"""The chain as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

Prune = Callable[..., Any]
QUICK = ("--proxy", "mlp", "--epochs", "2", "--proxy-size", "8", "--workers", "0")

MANIFEST = {
    "row": "int64", "key": "string", "split": "string", "shard": "string", "offset": "int64", "size": "int64",
    "label": "int32", "label_name": "string", "selected": "bool", "rank": "int64", "weight": "float",
    "gain": "float", "reason": "string", "duplicate_of": "int64", "duplicate_of_key": "string",
    "score.el2n": "float", "score.el2n.suspect_rank": "int32",
    "score.grad_norm": "float", "score.grad_norm.suspect_rank": "int32",
}  # fmt: skip


def test_the_three_lines(prune: Prune, images: Path, elsewhere: Path) -> None:
    (elsewhere / "data").symlink_to(images)
    assert prune("score", "--type", "grad_norm,el2n", *QUICK, "data/").code == 0
    assert prune("select", "--method", "kcenter", "--fraction", "0.3").code == 0
    assert prune("export", "--format", "webdataset").code == 0
    folder = elsewhere / ".prune" / "selections" / "kcenter"
    table = pq.read_table(folder / "manifest.parquet")
    assert {field.name: str(field.type) for field in table.schema} == MANIFEST
    assert table["row"].to_pylist() == list(range(40))
    kept = np.load(folder / "indices.npy")
    assert kept.dtype == np.int64
    assert kept.tolist() == np.flatnonzero(table["selected"].to_numpy()).tolist()
    assert len(kept) == 12
    ranks = table["rank"].to_pylist()
    assert sorted(rank for rank in ranks if rank is not None) == list(range(12))
    keys = (folder / "keys.txt").read_text().split()
    assert keys == [table["key"][int(row)].as_py() for row in kept]
    about = json.loads((folder / "selection.json").read_text())
    assert about["k"] == 12
    assert about["directions"] == {"el2n": "hard", "grad_norm": "hard"}
    assert about["seconds"]["score"]["total"] > 0
    assert not (folder / "weights.npy").exists()
    exported = elsewhere / "pruned-webdataset" / ".prune-export"
    assert (exported / "keys.txt").read_bytes() == (folder / "keys.txt").read_bytes()
    assert "seconds" not in json.loads((exported / "selection.json").read_text())


def test_json_is_exactly_one_object_on_standard_output(prune: Prune, images: Path, elsewhere: Path) -> None:
    commands = [
        ("embed", "--encoder", "pixels", "--workers", "0", images),
        ("score", "--type", "el2n", *QUICK),
        ("select", "--fraction", "0.3", "--on", "pixels"),
        ("export", "--format", "manifest"),
        ("status",),
        ("methods", "scores"),
    ]
    for words in commands:
        said = prune(*words, "--json")
        assert said.code == 0, said.err
        assert isinstance(json.loads(said.out), dict)
    said = prune("select", "--fraction", "7", "--json")
    assert json.loads(said.out)["exit_code"] == said.code == 2


def test_quiet_says_nothing(prune: Prune, images: Path, elsewhere: Path) -> None:
    said = prune("embed", "--encoder", "pixels", "--workers", "0", "--quiet", images)
    assert (said.code, said.out, said.err) == (0, "", "")


def test_running_again_changes_nothing(prune: Prune, images: Path, elsewhere: Path) -> None:
    def run() -> dict[str, float]:
        assert prune("score", "--type", "el2n", *QUICK, images).code == 0
        assert prune("select", "--fraction", "0.3").code == 0
        assert prune("export", "--format", "webdataset").code == 0
        stable = [
            *(elsewhere / ".prune" / "columns").rglob("*"),
            *(elsewhere / "pruned-webdataset").rglob("*"),
        ]
        return {str(path): path.stat().st_mtime_ns for path in stable if path.is_file()}

    first = run()
    assert run() == first
    assert "is there already" in prune("export", "--format", "webdataset").out


@pytest.fixture
def scored_store(prune: Prune, images: Path, elsewhere: Path) -> Path:
    assert prune("score", "--type", "el2n", *QUICK, images).code == 0
    return elsewhere / ".prune"


def test_what_is_given_is_not_taken_again(prune: Prune, scored_store: Path, elsewhere: Path) -> None:
    prune("select", "--method", "kcenter", "--count", 10, "--name", "first")
    keys = scored_store / "selections" / "first" / "keys.txt"
    prune("select", "--method", "kcenter", "--count", 5, "--given", keys, "--name", "second")
    prune("select", "--method", "kcenter", "--count", 15, "--name", "both")
    manifests = [
        pq.read_table(scored_store / "selections" / name / "manifest.parquet")
        for name in ("first", "second", "both")
    ]
    first, second, both = (set(np.flatnonzero(table["selected"].to_numpy())) for table in manifests)
    assert first | second == both  # farthest-first goes on from what is given
    assert {manifests[1]["reason"][int(row)].as_py() for row in first} == {"given"}


def test_drop_hardest_leaves_the_hardest_out(prune: Prune, scored_store: Path) -> None:
    prune("select", "--method", "top", "--fraction", "0.5", "--drop-hardest", "0.1", "--name", "cut")
    table = pq.read_table(scored_store / "selections" / "cut" / "manifest.parquet")
    order = np.argsort(-table["score.el2n"].to_numpy(), kind="stable")
    assert {table["reason"][int(row)].as_py() for row in order[:4]} == {"hardest 10 %"}
    assert sorted(order[4:24]) == np.flatnonzero(table["selected"].to_numpy()).tolist()


def test_rejected_are_the_others(prune: Prune, scored_store: Path, elsewhere: Path) -> None:
    prune("select", "--fraction", "0.3")
    assert prune("export", "--format", "imagefolder").code == 0
    assert prune("export", "--format", "imagefolder", "--rejected").code == 0
    kept, others = (
        {str(p.relative_to(elsewhere / name)) for p in (elsewhere / name).rglob("*.png")}
        for name in ("pruned-imagefolder", "rejected-imagefolder")
    )
    assert len(kept) == 12
    assert len(others) == 28
    assert kept.isdisjoint(others)


def test_imported_scores_select_like_our_own(
    prune: Prune, scored_store: Path, images: Path, elsewhere: Path
) -> None:
    rows = ["key,mine"]
    rows += [
        f"{path.relative_to(images)},{number}" for number, path in enumerate(sorted(images.rglob("*.png")))
    ]
    (elsewhere / "mine.csv").write_text("\n".join(rows))
    assert prune("score", "--import", "mine.csv").code == 0
    assert prune("select", "--method", "top", "--score", "mine", "--count", 3).code == 0
    assert np.load(scored_store / "selections" / "top" / "indices.npy").tolist() == [37, 38, 39]


def test_several_runs_give_means_and_deviations(prune: Prune, images: Path, elsewhere: Path) -> None:
    assert prune("score", "--type", "el2n,forgetting", *QUICK, "--runs", "2", images, "--seed", "3").code == 0
    columns = json.loads(prune("status", "--json").out)["columns"]
    assert {"trace.0", "trace.1", "score.el2n", "score.el2n.std", "score.forgetting.never"} <= set(columns)


def test_methods_lists_every_table(prune: Prune) -> None:
    listed = json.loads(prune("methods", "--json").out)
    assert {"el2n", "grad_norm", "aum"} <= set(listed["scores"])
    assert set(listed) == {"readers", "encoders", "proxies", "scores", "selectors", "exporters"}
    assert all(about["summary"] for family in listed.values() for about in family.values())


def test_version(prune: Prune) -> None:
    assert prune("--version").out.startswith("prune 0.")


def test_fewer_runs_leave_no_companions_of_more(prune: Prune, images: Path, elsewhere: Path) -> None:
    assert prune("score", "--type", "el2n", *QUICK, "--runs", "2", images).code == 0
    assert prune("score", "--type", "el2n", *QUICK, "--runs", "1", images).code == 0
    columns = set(json.loads(prune("status", "--json").out)["columns"])
    assert columns.isdisjoint({"trace.1", "score.el2n.std"})
    assert json.loads(prune("status", "--json").out)["unfinished"] == []


def test_the_report_measures_in_the_space_of_the_method(prune: Prune, images: Path, elsewhere: Path) -> None:
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    assert prune("score", "--type", "el2n", *QUICK, images).code == 0
    by_default, pixels, proxy = (
        json.loads(prune("select", "--count", 9, *on, "--json").out)["report"]["distance_to_nearest_kept"]
        for on in ((), ("--on", "pixels"), ("--on", "proxy"))
    )
    assert by_default == pixels != proxy
