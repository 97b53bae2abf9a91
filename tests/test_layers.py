"""Imports point down, never up and never sideways; `prune --help` loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "prune"

LAYERS = [
    {"__main__"},
    {"cli"},
    {"commands"},
    {"demo"},
    {"pipeline"},
    {"steps"},  # what a verb does, from store to store
    {"importing", "owned", "publishing"},
    {"checkpointing"},
    {"scoring", "selecting", "exporting", "verifying", "collecting"},  # the steps of the verbs
    {"cost"},
    {"training", "unlabelled"},
    {"manifest", "targets", "supplies", "filling", "earlier", "unused_scores"},
    {"candidates", "rows", "embedding", "announcing"},
    {"request"},
    {"spaces", "choosing", "trace", "dynamics", "table_features"},
    {"opening"},
    {"placing"},
    {"exporters"},
    {"readers", "encoders", "proxy", "scorers", "selectors", "report"},
    {"greedy"},  # set functions, engines, matching pursuit
    {"images", "index", "device", "abreast", "remaking", "replacing"},
    {"store", "noise"},
    {"typed", "keywords"},
    {"settings", "quota", "room"},
    {"selection", "progress", "methods", "text", "memory", "raw"},
    {"suspects", "cautions", "effort", "findings"},
    {"files", "local", "locks", "npy", "streams"},
    {"refusals", "ending", "spinning"},
    {"cores"},
    {"arrays", "errors", "epochs", "sealing"},
    {"addresses", "names"},
]


def _depth(name: str) -> int:
    return next(depth for depth, layer in enumerate(LAYERS) if name in layer)


def _imports() -> Iterator[tuple[str, str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        home = relative.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "prune":
                names = [node.module] if "." in node.module else [f"prune.{a.name}" for a in node.names]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names if a.name.startswith("prune.")]
            for name in names:
                target = name.split(".")[1]
                if target != "__version__":
                    yield home, target, relative


def test_imports_point_down() -> None:
    wrong = [
        f"{path} imports prune.{target}"
        for home, target, path in _imports()
        if home not in {"__init__", target}
        and (_depth(target), target) <= (_depth(home), target)
        and not (home == "report" and path.name == "methods.py")  # lists every family
    ]
    assert wrong == []


def test_every_module_has_a_layer() -> None:
    known = set().union(*LAYERS) | {"__init__", "__pycache__"}
    assert {p.name.removesuffix(".py") for p in ROOT.iterdir()} - known == {"py.typed"}


@pytest.mark.parametrize("module", ["prune", "prune.cli"])
def test_help_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {
        "torch",
        "torchvision",
        "numpy",
        "pyarrow",
        "faiss",
        "datasets",
        "webdataset",
        "sklearn",
        "numba",
    }
    assert heavy.isdisjoint(out.split())


@pytest.mark.parametrize(
    "module",
    [
        "readers",
        "images",
        "device",
        "exporters",
        "scorers",
        "selectors",
        "report",
        "exporting",
        "selecting",
        "choosing",
        "manifest",
    ],
)
def test_arithmetic_on_columns_loads_no_torch(module: str) -> None:
    code = f"import sys, prune.{module}; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"
