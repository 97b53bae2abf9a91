"""The house is in order: imports point down, few rooms, names once; `prune --help` loads nothing heavy."""

from __future__ import annotations

import ast
import collections
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "prune"

LAYERS = [  # what stands in one line may not import one another
    {"__main__"},
    {"cli"},
    {"commands"},
    {"pipeline"},
    {"loaders"},
    {"trace"},
    {"steps"},
    {"exporters", "selectors", "scorers", "encoders", "proxy"},
    {"readers", "optimizers"},
    {"modalities", "index", "store"},
    {"system"},
    {"core"},
]
ENTRIES = 20  # in prune/, beside the mark that it has types
FLOORS = 10  # of imports between rooms
LINES = 300  # of a module


def _modules() -> dict[str, Path]:
    """Return all modules by their name below `prune`; of a package, its name."""
    paths = {path.relative_to(ROOT).with_suffix(""): path for path in sorted(ROOT.rglob("*.py"))}
    return {".".join(part for part in name.parts if part != "__init__"): path for name, path in paths.items()}


MODULES = _modules()


def _imports() -> Iterator[tuple[str, str]]:
    """Yield who imports whom, module by module, also what is imported inside functions."""
    for home, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "prune":
                names = [f"{node.module}.{a.name}" for a in node.names]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            for name in names:
                if name.startswith("prune."):
                    yield home, _known(name.removeprefix("prune."))


def _known(name: str) -> str:
    """Return the module that has a name: the name itself, or what it is an attribute of."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


@functools.cache
def _edges() -> set[tuple[str, str]]:
    return {(home, target) for home, target in _imports() if home and target}


def _room(module: str) -> str:
    return module.partition(".")[0]


def _depth(room: str) -> int:
    return next(depth for depth, layer in enumerate(LAYERS) if room in layer)


def test_imports_point_down() -> None:
    wrong = [
        f"{home} imports {target}"
        for home, target in _edges()
        if _room(home) != _room(target) and _depth(_room(target)) <= _depth(_room(home))
    ]
    assert wrong == []


def test_every_entry_has_a_layer_and_there_are_few() -> None:
    entries = {path.name for path in ROOT.iterdir()} - {"__pycache__", "py.typed"}
    known = set().union(*LAYERS) | {"__init__"}
    assert {entry.removesuffix(".py") for entry in entries} == known
    assert len(entries) <= ENTRIES


def test_no_module_imports_itself_through_others() -> None:
    below = collections.defaultdict(set)
    for home, target in _edges():
        below[home].add(target)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in sorted(below[module]):
                visit(target, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_few_floors() -> None:
    rooms = {(_room(home), _room(target)) for home, target in _edges() if _room(home) != _room(target)}

    @functools.cache
    def floor(room: str) -> int:
        return 1 + max((floor(target) for home, target in rooms if home == room), default=0)

    assert max(map(floor, set().union(*LAYERS))) <= FLOORS


def test_a_class_name_means_one_class() -> None:
    places = collections.defaultdict(list)
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    several = {name for name, where in places.items() if len(where) > 1}
    assert several == {"TraceCallback"}  # called alike in each framework: users have one of them


def test_no_module_is_long() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: length for module, length in lengths.items() if length > LINES} == {}


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
        "modalities.image",
        "system.precision",
        "exporters",
        "scorers",
        "selectors",
        "steps.report",
        "steps.export",
        "steps.select.inputs",
        "steps.select.by_class",
        "steps.select.record",
    ],
)
def test_arithmetic_on_columns_loads_no_torch(module: str) -> None:
    code = f"import sys, prune.{module}; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"
