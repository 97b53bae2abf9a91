"""Every example runs, on forty tiny images."""

from __future__ import annotations

import json
import os
import re
import shutil
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


QUICK_RECIPE = 'proxy = "mlp"\nepochs = 2\nproxy-size = 8\n'


def in_repository(home: Path, images: Path, *changes: tuple[str, str]) -> tuple[list[str], dict[str, str]]:
    """Put the data and the file of the chain where the workflow has them; its scripts, and what they read."""
    images.rename(home / "data")
    recipe = (EXAMPLES / "ci-pipeline" / "prune.toml").read_text()
    for old, new in [("[score]\n", f"[score]\n{QUICK_RECIPE}"), *changes]:
        assert old in recipe
        recipe = recipe.replace(old, new)
    (home / "prune.toml").write_text(recipe)
    workflow = (EXAMPLES / "ci-pipeline" / "github-actions.yml").read_text()
    assert "examples/" not in workflow
    install, *scripts = steps(workflow)
    assert install == "pip install dataset-prune"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return scripts, {"PATH": path, "GITHUB_OUTPUT": "outputs", "GITHUB_STEP_SUMMARY": "summary"}


def test_the_workflow_runs_in_a_repository_that_has_the_data_and_the_chain(
    images: Path, elsewhere: Path
) -> None:
    scripts, environment = in_repository(elsewhere, images)
    for round_ in range(2):  # the second time with a changed dataset and the store of the first
        for script in scripts[:-1]:
            run("bash", "-e", "-c", script, cwd=elsewhere, **environment)
        done = json.loads((elsewhere / "run.json").read_text())["steps"]
        assert [step["status"] for step in done] == ["done", "done", "passed", "done"]
        assert done[0]["result"]["n"] == 40 - round_
        assert done[-1]["result"]["samples"] == 12
        assert (elsewhere / "outputs").read_text() == "code=0\n" * (round_ + 1)
        (elsewhere / "data" / "left" / "000.png").unlink(missing_ok=True)


@pytest.mark.parametrize(("code", "change"), [(3, "images"), (5, "condition")])
def test_the_workflow_fails_where_the_chain_does(
    images: Path, elsewhere: Path, code: int, change: str
) -> None:
    changes = [("min-per-class = 5", "min-per-class = 7")] if change == "condition" else []
    scripts, environment = in_repository(elsewhere, images, *changes)
    if change == "images":
        for image in (elsewhere / "data" / "left").iterdir():
            image.write_bytes(b"not an image")
    done = subprocess.run(
        ["bash", "-e", "-c", scripts[0]],
        cwd=elsewhere,
        env={**os.environ, **environment},
        capture_output=True,
    )
    assert done.returncode == code
    assert (elsewhere / "outputs").read_text() == f"code={code}\n"
    assert not (elsewhere / "smaller").exists()
    if code == 5 and shutil.which("jq"):
        said = subprocess.run(
            ["bash", "-e", "-c", scripts[-1]],
            cwd=elsewhere,
            env={**os.environ, **environment},
            capture_output=True,
        )
        assert said.returncode == 5, said.stderr
        assert "- --min-per-class 7" in (elsewhere / "summary").read_text()


@pytest.mark.slow
def test_the_stages_of_dvc_run_in_their_order(images: Path, elsewhere: Path) -> None:
    """As `dvc repro` runs them: a stage where what it depends on is there, which then makes its outputs."""
    images.rename(elsewhere / "data")
    recipe = (EXAMPLES / "dvc" / "prune.toml").read_text()
    (elsewhere / "prune.toml").write_text(recipe.replace("[score]\n", f"[score]\n{QUICK_RECIPE}"))
    for name, command, needed, made in stages((EXAMPLES / "dvc" / "dvc.yaml").read_text()):
        assert f"[{name}]" in recipe
        assert [one for one in needed if not (elsewhere / one).exists()] == []
        run("bash", "-e", "-c", command, cwd=elsewhere)
        assert [one for one in made if not (elsewhere / one).exists()] == []
    assert len((elsewhere / "kept.txt").read_text().split()) == 12


def stages(text: str) -> list[tuple[str, str, list[str], list[str]]]:
    """Name, command, dependencies and outputs of the stages of a dvc.yaml, by their indents."""
    found = []
    for part in re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE)[1:]:
        name, command = part.partition(":")[0], re.search(r"^    cmd: (.*)$", part, re.MULTILINE)
        lists = {
            kind: re.findall(r"^      - ([\w.]+)", block, re.MULTILINE)
            for kind, block in re.findall(r"^    (deps|outs):\n((?:      .*\n?)+)", part, re.MULTILINE)
        }
        assert command
        found.append((name, command[1], lists["deps"], lists["outs"]))
    return found


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
