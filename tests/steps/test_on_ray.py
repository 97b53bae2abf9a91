"""A Ray cluster of several nodes here: the bytes of one process, also where a node dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import OptionError
from prune.system.executors.ray_cluster import RayCluster
from tests.steps.patient_ray import LATE, PATIENT

pytest.importorskip("ray", reason="ray is not installed: pip install 'dataset-prune[ray]'")
pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of runs on one, two and four nodes, and of one that loses a node in each verb."""
    script = Path(__file__).with_name("on_ray.py")
    words = [sys.executable, script, tmp_path_factory.mktemp("on_ray")]
    ran = subprocess.run(words, env=os.environ | PATIENT, capture_output=True, text=True, check=False)
    if any(words in ran.stderr for words in LATE):
        pytest.skip("Ray gives a node 30 seconds to begin, and this machine is busier than that")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)  # and nothing else: what Ray has to say goes elsewhere


@pytest.mark.parametrize("nodes", ["1", "2", "4"])
def test_columns_and_exports_are_those_of_one_process(found: dict[str, Any], nodes: str) -> None:
    assert found[nodes]["same"] == [True, True, True]


def test_a_node_that_dies_costs_its_unit_and_that_is_said(found: dict[str, Any]) -> None:
    assert found["lost"]["same"] == [True, True, True]
    (embedded,) = [words for words in found["lost"]["embed"] if "again" in words]
    (exported,) = [words for words in found["lost"]["export"] if "again" in words]
    (scored,) = [words for words in found["lost"]["score"] if "again" in words]
    assert scored.endswith(" of the proxy is done again elsewhere")
    assert embedded.endswith(" of embedding.ngrams is done again elsewhere")
    assert exported.endswith(".tar is done again elsewhere")
    assert "node died" in embedded


def test_no_cluster_is_an_option_that_does_not_fit() -> None:
    cluster = RayCluster("127.0.0.1:9", print, memory=1, gpu=False, most=0)
    with pytest.raises(OptionError, match="no Ray cluster at 127.0.0.1:9 can be joined") as caught:
        next(cluster.each(print, (), [()]))
    assert caught.value.hint.startswith("ray start --head")
