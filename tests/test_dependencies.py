"""What pyproject.toml says is needed is what is imported, and constraints.txt pins all of it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
EXTRA = [one for several in EXTRAS.values() for one in several]
DEVELOPED_WITH = PROJECT["dependency-groups"]["dev"]
MODULES = {  # what a distribution is imported by, where that is not its name
    "faiss-cpu": "faiss",
    "faiss-gpu": "faiss",
    "faiss-gpu-cuvs": "faiss",
    "open-clip-torch": "open_clip",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}
TYPES_ONLY = {"_typeshed"}  # of the type checker, and of nothing that runs
OWN = {"prune", "tests"} | {
    path.stem for folder in ("benchmarks", "docs") for path in (ROOT / folder).glob("*")
}
RUN = {"mypy", "pytest-timeout", "pytest-xdist", "ruff"}  # commands, and what pytest finds by itself
SERVES = {"flask", "flask-cors", "moto"}  # what the server of object stores stands on


def _name(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def _modules(requirements: Iterable[str]) -> set[str]:
    return {MODULES.get(name, name.replace("-", "_")) for name in map(_name, requirements)}


def _imported(folder: str) -> set[str]:
    """Return the packages of others that a folder's modules import, also inside functions."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    return found - sys.stdlib_module_names - OWN - TYPES_ONLY


def test_what_is_imported_is_declared() -> None:
    assert _imported("prune") - _modules([*NEEDED, *EXTRA]) == set()


def test_what_is_declared_is_imported() -> None:
    assert _modules([*NEEDED, *EXTRA]) - _imported("prune") == set()


def test_tests_import_what_is_declared_for_them() -> None:
    assert _imported("tests") - _modules([*NEEDED, *EXTRA, *DEVELOPED_WITH]) == set()


def test_what_is_declared_for_tests_is_used_by_them() -> None:
    used = _imported("tests") | _imported("examples")
    assert _modules(one for one in DEVELOPED_WITH if _name(one) not in RUN | SERVES) - used == set()


def test_nothing_is_declared_twice() -> None:
    names = [_name(one) for one in [*NEEDED, *DEVELOPED_WITH]]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("requirement", [*NEEDED, *EXTRAS.get("cpu", []), *DEVELOPED_WITH])
def test_a_version_is_pinned_and_new_enough(requirement: str) -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    least = re.search(r">=([0-9.]+)", requirement)
    pinned = pins[_name(requirement)]
    assert least is None or _numbers(pinned) >= _numbers(least[1])
    below = re.search(r"<([0-9.]+)", requirement)
    assert below is None or _numbers(pinned) < _numbers(below[1])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
