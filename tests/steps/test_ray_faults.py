"""Selections on a Ray cluster, and what befalls one: a full disk, a node that hangs, a head that is gone.

Each test is a cluster of its own, and takes a minute or more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.steps.patient_ray import LATE, PATIENT

pytest.importorskip("ray", reason="ray is not installed: pip install 'dataset-prune[ray]'")
pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]


def outcome(scenario: str, folder: Path) -> dict[str, Any]:
    """Let a scenario happen, and return what came of it."""
    words = [sys.executable, "-m", "tests.steps.ray_faults", scenario, str(folder)]
    ran = subprocess.run(
        words, cwd=ROOT, env=os.environ | PATIENT, capture_output=True, text=True, check=False
    )
    if any(words in ran.stderr for words in LATE):
        pytest.skip("Ray gives a node 30 seconds to begin, and this machine is busier than that")
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def again(found: dict[str, Any]) -> str:
    """Return what was said to be done again; it is one thing, and the bytes are those of one process."""
    assert found["same"] is True
    (line,) = [line for line in found["said"] if "again" in line or "elsewhere too" in line]
    return str(line)


def test_selections_are_those_of_one_process_also_where_a_node_dies(tmp_path: Path) -> None:
    found = outcome("selections", tmp_path)
    for nodes in ("1", "2", "4"):
        assert found[nodes] == [True, True, True]
    for choice, unit in (
        ("facility_location", "a partition of facility_location"),
        ("semdedup", "a lot of clusters"),
    ):
        line = again(found[f"{choice} lost"])
        assert line.startswith(f"a node died: {unit} (")
        assert line.endswith(") is done again elsewhere")


def test_a_node_whose_disk_is_full_gets_no_more(tmp_path: Path) -> None:
    line = again(outcome("full_disk", tmp_path))
    assert line.startswith("cannot write to ")
    assert ", which gets no more: part " in line
    assert line.endswith(" of embedding.ngrams is done again elsewhere")


def test_what_a_node_that_hangs_has_is_done_elsewhere_too(tmp_path: Path) -> None:
    line = again(outcome("hanging", tmp_path))
    assert line.startswith("part ")
    assert line.endswith(" s: it is begun elsewhere too")


def test_after_the_head_is_gone_the_same_command_goes_on(tmp_path: Path) -> None:
    found = outcome("head_restarted", tmp_path)
    assert found["code"] == 3
    assert "the head of the Ray cluster at" in found["said"]
    assert found["took"] < 300
    assert found["kept"] == 1
    assert (found["again"], found["same"], found["untouched"]) == (0, True, True)


@pytest.fixture
def namespaces() -> Iterator[None]:
    """Skip where this user may not make network namespaces; leave none behind."""
    words = ["ip", "netns", "add", "pruned-2"]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces can be made here: {error}")
    subprocess.run(["ip", "netns", "del", "pruned-2"], check=True)
    yield
    for host in ("2", "3"):  # had the scenario no time for it
        subprocess.run(["ip", "netns", "del", f"pruned-{host}"], check=False, capture_output=True)
    subprocess.run(["ip", "link", "del", "pruned"], check=False, capture_output=True)


@pytest.mark.usefixtures("namespaces")
def test_hosts_with_addresses_of_which_one_is_cut_off(tmp_path: Path) -> None:
    found = outcome("hosts", tmp_path)
    assert found["whole"]["same"] is True
    assert again(found["cut"]).startswith("part ")
