"""Every example runs, on forty tiny images."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
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


def steps(workflow: str) -> list[str]:
    """The scripts of a workflow, in order."""
    found = re.findall(r"^( +)run: (?:\|\n((?:\1  .*\n)+)|(.*)\n)", workflow, re.MULTILINE)
    return [textwrap.dedent(block) or line for _, block, line in found]


def test_the_workflow_runs_in_a_repository_that_has_the_data_and_nothing_else(
    images: Path, elsewhere: Path
) -> None:
    workflow = (EXAMPLES / "ci-pipeline" / "github-actions.yml").read_text()
    assert "examples/" not in workflow
    images.rename(elsewhere / "data")
    environment = {"DATA": "data/", "FRACTION": "0.3", "PRUNE_STORE": ".prune"}
    for name, value in environment.items():
        assert re.search(rf'^ +{name}: "?{re.escape(value)}"?$', workflow, re.MULTILINE)
    install, *scripts = steps(workflow)
    assert install == "pip install dataset-prune"
    for round_ in range(2):  # the second time with a changed dataset and the store of the first
        for script in scripts:
            short = script.replace("--type grad_norm", f"--type grad_norm {' '.join(QUICK)}")
            run("bash", "-e", "-c", short, cwd=elsewhere, **environment)
        assert json.loads((elsewhere / "export.json").read_text())["samples"] == 12
        assert json.loads((elsewhere / "score.json").read_text())["n"] == 40 - round_
        (elsewhere / "data" / "left" / "000.png").unlink(missing_ok=True)


def test_the_workflow_fails_where_a_command_does(images: Path, elsewhere: Path) -> None:
    for image in (images / "left").iterdir():
        image.write_bytes(b"not an image")
    script = steps((EXAMPLES / "ci-pipeline" / "github-actions.yml").read_text())[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DATA": str(images), "FRACTION": "0.3"}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=elsewhere, env=environment, capture_output=True)
    assert done.returncode == 3
    assert not (elsewhere / "select.json").exists()


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
