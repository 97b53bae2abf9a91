"""Three wheels own the module faiss: whatever extra is asked for, one of them is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
OTHERS = [{"sys_platform": "darwin", "platform_machine": "arm64"}, LINUX | {"platform_machine": "aarch64"}]


@pytest.mark.parametrize(
    ("extra", "wheel"), [("", "faiss-cpu"), ("gpu", "faiss-gpu-cuvs"), ("gpu-cu12", "faiss-gpu")]
)
def test_one_wheel_of_faiss_is_asked_for(extra: str, wheel: str) -> None:
    assert _asked(extra, LINUX) == [wheel]
    assert [_asked(extra, other) for other in OTHERS] == [["faiss-cpu"]] * 2


def _asked(extra: str, machine: dict[str, str]) -> list[str]:
    lines = PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])
    asked = [
        required.name
        for required in map(Requirement, lines)
        if required.marker is None or required.marker.evaluate(machine | {"extra": extra})
    ]
    return [name for name in asked if name.startswith("faiss")]
