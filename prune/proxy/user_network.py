"""A user's network: made by a factory of theirs, with weights from a file that cannot hold code."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from prune.core.errors import OptionError, PruneError
from prune.store.join import count

_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")  # that wrappers put before every name
_FORM = "--model module:factory, or --model path/to/file.py:factory, of a function that returns the model"


@dataclass(frozen=True)
class UserNetwork:
    """What a factory returned."""

    model: nn.Module
    code: str  # SHA-256 of the file that the factory is in, and of its name
    tokenizer: Callable[..., Any] | None = None  # of a model that looks at texts


def build_model(factory: str) -> UserNetwork:
    """Import a factory and call it: it returns a model, or a model and its tokenizer.

    Parameters
    ----------
    factory
        `module:name`, of a module on `sys.path` or in the current folder; or `path/to/file.py:name`.

    Raises
    ------
    OptionError
        There is no such module or name, its code fails, or it returns no module.
    """
    place, colon, name = factory.rpartition(":")
    if not colon or not place or not name:
        raise OptionError(f"--model {factory} names no factory", _FORM)
    with torch.random.fork_rng(devices=[]):
        module = guarded(f"--model {factory} cannot be imported", lambda: _imported(place))
        make = getattr(module, name, None)
        if not callable(make):
            raise OptionError(f"{place} has no function {name!r}", _FORM)
        model = guarded(f"{factory} failed", make)
    tokenizer = None
    match model:
        case (nn.Module() as first, second) if callable(second):
            model, tokenizer = first, second
    if not isinstance(model, nn.Module):
        raise OptionError(f"{factory} returned a {type(model).__name__}, not a torch.nn.Module", _FORM)
    source = inspect.getsourcefile(module)
    code = Path(source).read_bytes() if source else b""
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return UserNetwork(model.float().eval(), hashlib.sha256(code + name.encode()).hexdigest(), tokenizer)


def fit_weights(model: nn.Module, state: Mapping[str, Tensor], file: str) -> None:
    """Load a state dict; prefixes that wrappers put before every name are taken off.

    Raises
    ------
    OptionError
        Weights are missing, have another shape, or belong to nothing in the model.
    """
    own = model.state_dict()
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state) and not any(key.startswith(prefix) for key in own):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    lacking = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    foreign = [key for key in state if key not in own]
    shaped = [key for key in own if key in state and own[key].shape != state[key].shape]
    told = [
        f"{what} {count('tensor', keys)}"
        for what, keys in (("lacks", lacking), ("has unexpected", foreign), ("has other shapes of", shaped))
        if keys
    ]
    if told:
        raise OptionError(
            f"{file} does not fit the model: it {', and '.join(told)}",
            "let --model return the network that was trained, with as many outputs",
        )
    model.load_state_dict(dict(state), strict=False)


def guarded(what: str, call: Callable[[], Any], hint: str = "") -> Any:
    """Call code of the user's, and tell its errors, of whatever kind they are, in one sentence.

    Raises
    ------
    OptionError
        It failed.
    """
    try:
        return call()
    except PruneError:
        raise
    except (Exception, SystemExit) as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise OptionError(f"{what}: {line[:200]}", hint or "try it in Python first") from error


def _imported(place: str) -> ModuleType:
    path = Path(place)
    if path.suffix != ".py":
        with _found_in(Path.cwd()):
            return importlib.import_module(place)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {place}")
    module = importlib.util.module_from_spec(spec)
    with _found_in(path.resolve().parent):
        before = sys.modules.get(path.stem)
        sys.modules[path.stem] = module
        try:
            spec.loader.exec_module(module)
        finally:
            if before is not None:
                sys.modules[path.stem] = before
    return module


@contextlib.contextmanager
def _found_in(folder: Path) -> Iterator[None]:
    """Let Python find modules in a folder, as it does for a script there."""
    place = str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the user's code may have changed it
            sys.path.remove(place)
