"""The folder of a model of texts, and its JSON files."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.readers.foreign.shell_lines import word

_MOST_JSON = 64 << 20  # bytes of a file of settings or a tokenizer: a large vocabulary has a third of that


@contextlib.contextmanager
def plain_exceptions_as(told: Callable[[Exception], OptionError]) -> Iterator[None]:
    """Tell an error of `tokenizers`, which has no class of its own and raises a bare `Exception`."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise told(error) from error


def model_folder(weights: str | None, encoder: str, what: str) -> Path:
    """Return the folder that was named.

    Raises
    ------
    OptionError
        None was named, or there is none.
    """
    if weights is None or not Path(weights).is_dir():
        said = f"--encoder {encoder} wants --weights" if weights is None else f"there is no folder {weights}"
        raise OptionError(said, f"--encoder {encoder} --weights FOLDER   # {what}")
    return Path(weights)


def require_model(folder: Path, names: Sequence[str], what: str) -> None:
    """Raise `OptionError` for a folder that has none of these files; where one inside it has, name that."""
    if any((folder / name).is_file() for name in names):
        return
    inside = sorted({path.parent for name in names for path in folder.glob(f"*/{name}")})
    hint = f"--weights {word(inside[0])}" if inside else f"--weights FOLDER   # {what}"
    raise OptionError(f"{folder} holds no model: there is no {' or '.join(names)}", hint)


def read_settings(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one where there is no file.

    Raises
    ------
    OptionError
        It is something else.
    """
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MOST_JSON:
            raise ValueError("it is too large")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError(f"{path} cannot be read as JSON", "get the folder of the model anew") from error
    if not isinstance(found, dict):
        raise OptionError(f"{path} holds no JSON object", "get the folder of the model anew")
    return found


def digest_of_files(paths: Sequence[Path]) -> str:
    """SHA-256 of files, one after the other; of those that are not there, of that."""
    sha256 = hashlib.sha256()
    for path in paths:
        held = path.read_bytes() if path.is_file() else b""
        sha256.update(f"{path.name} {len(held)}\0".encode())
        sha256.update(held)
    return sha256.hexdigest()
