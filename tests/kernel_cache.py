"""Where tests keep compiled kernels: outside of the clone, by their sources, so that a new clone has them.

numba asks whether the file of a kernel is as it was, and nothing of those whose functions and numbers are
compiled into it. So a folder stands for the text of all of them.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "prune-tests" / "kernels"
_KEPT = 14 * 86400  # seconds that kernels of other sources stay


def keep_kernels_outside() -> None:
    """Let numba keep what it compiles, here and in processes that tests start, where all clones find it."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    folder = HOME / digest_of_kernels()
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in HOME.iterdir():
        if other.stat().st_mtime < time.time() - _KEPT:
            shutil.rmtree(other, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    from numba.core.caching import UserProvidedCacheLocator

    packages = {path.parent for path in _kernels(_texts())}
    for package in packages:  # numba's name for it has the path of the clone in it
        held = folder / package.relative_to(ROOT)
        held.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            name = UserProvidedCacheLocator.get_suitable_cache_subpath(str(package / "kernels.py"))
            (folder / name).symlink_to(held)


def _texts() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in (ROOT / "prune").rglob("*.py")}


def _kernels(texts: Mapping[Path, str]) -> list[Path]:
    return [path for path, text in texts.items() if "@compiled" in text]


def digest_of_kernels() -> str:
    """Return what stands for the sources of all kernels, and of all modules that these import."""
    texts = _texts()
    todo = _kernels(texts)
    held = set(todo)
    while todo:
        for path in _imported(texts[todo.pop()]) & texts.keys() - held:
            held.add(path)
            todo.append(path)
    found = hashlib.sha256()
    for path in sorted(held):
        found.update(f"{path.relative_to(ROOT)}\0{texts[path]}\0".encode())
    return found.hexdigest()[:32]


def _imported(text: str) -> set[Path]:
    """Return where the modules of the package may lie that a text imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
    places = [ROOT.joinpath(*name.split(".")) for name in names if name.startswith("prune")]
    return {p.with_suffix(".py") for p in places} | {p / "__init__.py" for p in places}
