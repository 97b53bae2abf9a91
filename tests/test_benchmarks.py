"""The benchmarks start, and the loops that they compare with choose what prune chooses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def printed(program: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / program), *words], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_gradnorm_finds_the_norms_of_the_loop_and_of_vmap(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["--nets", "lenet,resnet8", "--n", "12", "--batch", "5", "--rounds", "1"]
    shown = printed("gradnorm.py", *words, "--json", str(figures))
    assert "resnet8: loop" in shown
    found = json.loads(figures.read_text())
    assert all(net["difference"][way] < 1e-4 for net in found.values() for way in ("loop", "vmap"))


@pytest.mark.slow
def test_noise_compares_every_score_on_wrong_labels(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["--images", "400", "--epochs", "6", "--workers", "0", "--types", "el2n,aum,input_norm"]
    shown = printed("noise.py", *words, "--json", str(figures))
    assert "| `aum` | easy | " in shown
    found = json.loads(figures.read_text())["digits"]
    assert found["auroc"]["el2n"] > 0.9
    assert found["auroc"]["input_norm"] < 0.6  # it does not look at labels
    assert found["spearman"][0][1] > 0  # el2n and aum, both with the hard end up


@pytest.mark.slow
def test_leaks_finds_the_copies_that_it_plants() -> None:
    shown = printed("leaks.py", "--images", "200")
    assert "| as PNG | 100.00 % | 0 |" in shown


@pytest.mark.slow
def test_loaders_reads_no_more_than_what_is_kept() -> None:
    shown = printed("loaders.py", "--part", "0.02", "--rounds", "1")
    tables = shown.split("shards of ")[1:]
    assert [table.split(":")[0] for table in tables] == [
        f"{size}, {share} kept" for size in ("3 KB", "100 KB") for share in ("100%", "30%", "10%")
    ]
    rows = [line for table in tables for line in table.splitlines() if line.startswith("prune webdataset")]
    assert len(rows) == 12
    assert all(row.split("×")[0].endswith(" 1.00") for row in rows)


@pytest.mark.slow
def test_scores_compares_runs_with_what_was_published(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["--images", "300", "--epochs", "3", "--runs", "2", "--proxy", "lenet", "--workers", "0"]
    shown = printed("scores.py", *words, "--json", str(figures))
    assert "| `el2n`, `grad_norm` | " in shown
    found = json.loads(figures.read_text())
    assert (found["about"]["n"], found["about"]["runs"], found["scores"][-1]) == (300, 2, "grad_norm at 0")
    correlations = np.array(found["spearman"])
    np.testing.assert_allclose(correlations, correlations.T, atol=1e-12)
    assert (
        np.abs(correlations[~np.eye(len(correlations), dtype=bool)]) < 0.999
    ).all()  # no score twice, no NaN


@pytest.mark.slow
def test_select_prints_one_table_and_hides_no_module_of_the_standard_library() -> None:
    words = [str(BENCHMARKS / "select.py"), "--kernels", "kcenter,herding", "--n", "300", "--d", "16"]
    done = subprocess.run(
        [sys.executable, *words, "--rounds", "1"], capture_output=True, text=True, check=True
    )
    lines = [line.split("|") for line in done.stdout.splitlines() if line.startswith("|")]
    loops = [cells for cells in lines if cells[2].strip() == "numpy loop"]
    assert len(loops) == 2
    assert all(cells[8].strip() == "100.00% of 30" for cells in loops)


@pytest.mark.slow
def test_ablation_has_a_row_for_every_piece_and_what_only_saves_time_changes_no_row() -> None:
    shown = printed("ablation.py", "--n", "300", "--rounds", "1")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines()[2:]]
    same = {"int8_screening", "random_view_kernels", "kl_farthest_kernels"}
    assert {row[0] for row in rows} == {"approximate", "mode=partitioned", *same}
    assert all(float(row[6]) == pytest.approx(1, abs=0.02) for row in rows)
    assert all(row[6:] == ["1.000000", "100.0%"] for row in rows if row[0] in same)


@pytest.mark.slow
def test_lists_of_faiss_find_as_many_neighbours_as_they_should() -> None:
    shown = printed("index.py", "--kinds", "by_lists", "--sizes", "2000x32x10", "--rounds", "1")
    found = {
        cells[2].strip(): float(cells[5]) for cells in (line.split("|") for line in shown.splitlines()[2:])
    }
    assert set(found) == {"prune", "faiss, decided", "faiss, 16 lists"}
    assert min(found["prune"], found["faiss, decided"]) > 0.98


@pytest.mark.slow
def test_adaptive_keeps_every_cell_and_prints_random_first(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path), "--images", "300", "--epochs", "4", "--every", "2", "--seeds", "2"]
    printed("adaptive.py", *words, "--fractions", "0.2", "--methods", "adaptive random")
    kept = {path: path.read_bytes() for path in tmp_path.glob("*.json")}
    assert len(kept) == 4
    shown = printed("adaptive.py", *words, "--fractions", "0.2")
    assert {path: path.read_bytes() for path in kept} == kept
    found = {path: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    again = next(path for path, one in found.items() if (one["method"], one["seed"]) == ("glister", 1))
    again.unlink()
    for state in tmp_path.glob("*.pt"):
        state.unlink()
    printed("adaptive.py", *words, "--fractions", "0.2")  # from its beginning: the same training
    assert json.loads(again.read_text())["accuracy"] == found[again]["accuracy"]
    rows = [line.split(" | ")[0] for line in shown.splitlines() if line.startswith("| ")]
    assert rows == [
        "| method",
        "| **adaptive random**",
        "| static random",
        "| gradmatch, per batch",
        "| glister",
        "| craig",
        "| everything",
    ]
    assert "[" in shown
