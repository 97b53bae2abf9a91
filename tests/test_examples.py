"""Every example runs, on forty tiny images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
QUICK = ["--proxy", "mlp", "--epochs", "2", "--proxy-size", "8", "--workers", "0"]


def run(*words: object, cwd: Path, **more: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env={**os.environ, "PATH": path, **more},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pipeline_runs_and_runs_again_when_the_data_has_changed(images: Path, elsewhere: Path) -> None:
    script = EXAMPLES / "ci-pipeline" / "prune.sh"
    places = {"DATA": str(images), "OUT": "smaller", "EPOCHS": "1", "SCORE": "el2n"}
    run("sh", script, cwd=elsewhere, **places)
    assert json.loads((elsewhere / "export.json").read_text())["samples"] == 12
    (images / "left" / "000.png").unlink()
    run("sh", script, cwd=elsewhere, **places)
    assert json.loads((elsewhere / "score.json").read_text())["n"] == 39


def test_a_score_of_ones_own(images: Path, elsewhere: Path) -> None:
    run("prune", "score", "--type", "el2n", *QUICK, images, cwd=elsewhere)
    run(sys.executable, EXAMPLES / "custom_scorer.py", cwd=elsewhere)
    run("prune", "score", "--import", "my_score.parquet", cwd=elsewhere)
    out = run("prune", "select", "--method", "bottom", "--score", "unsure", "--count", 10, cwd=elsewhere)
    assert "bottom: 10 of 40 samples kept" in out
    trained = run(
        sys.executable, EXAMPLES / "train.py", "indices", images, ".prune/selections/bottom", cwd=elsewhere
    )
    assert trained.startswith("10 samples")
    run("prune", "export", "--format", "webdataset", cwd=elsewhere)
    assert run(
        sys.executable, EXAMPLES / "train.py", "shards", "pruned-webdataset", cwd=elsewhere
    ).startswith("10 ")


def test_scores_of_one_s_own_training(elsewhere: Path) -> None:
    assert "epoch 3: loss" in run(sys.executable, EXAMPLES / "own_training.py", "3", cwd=elsewhere)
    scored = json.loads(run("prune", "score", "--type", "aum,forgetting", "--json", cwd=elsewhere))
    assert scored["n"] == 1797
    out = run("prune", "select", "--method", "top", "--score", "aum", "--fraction", "0.9", cwd=elsewhere)
    assert "top: 1,617 of 1,797 samples kept" in out


@pytest.mark.slow
def test_cifar10_from_parquet_and_from_shards(images: Path, elsewhere: Path) -> None:
    files = sorted(images.rglob("*.png"))
    pictures = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    labels = np.array([path.parent.name == "right" for path in files], np.int64)
    features = {"image": {"_type": "Image"}, "label": {"names": ["left", "right"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"image": pictures, "label": labels}).replace_schema_metadata(metadata)
    (elsewhere / "hub").mkdir()
    pq.write_table(table, elsewhere / "hub" / "train-00000-of-00001.parquet")
    out = run("sh", EXAMPLES / "cifar10.sh", "hub", "1", cwd=elsewhere)
    assert "selection stratified (latest): 6 samples, 50 %" in out
