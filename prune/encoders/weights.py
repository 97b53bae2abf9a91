"""Weights of a network: where they come from, and whether they fit; never code, only numbers."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from prune.core.errors import OptionError
from prune.core.safe_text import one_line
from prune.store.join import count

State = Mapping[str, Tensor]

_NOT_PLAIN = (
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
)
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts keep the weights under
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # heads that only training uses
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.")  # torch keeps the start of the SHA-256 in the name
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


def load(name: str, weights: str | None, url: str) -> State | None:
    """Read the weights that the user means; None stands for random ones.

    Raises
    ------
    OptionError
        There are none on this machine, they cannot be downloaded, or the file is not a plain state dict.
    """
    if weights == "random":
        return None
    if weights not in {None, "default"}:
        return read(Path(str(weights)))
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not path.exists():
        if weights is None:
            raise OptionError(
                f"encoder {name} has no weights on this machine",
                "add --weights FILE, or --weights default to download them",
            )
        _download(name, url, path)
    return read(path)


def read(path: Path) -> State:
    """Read a state dict from a file, without running what is in it.

    Raises
    ------
    OptionError
        It is missing, damaged, or needs code to be read.
    """
    if not path.is_file():
        raise OptionError(f"there is no file {path}", "--weights FILE, --weights default or --weights random")
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file must not write to the terminal
            return _unwrap(torch.load(path, map_location="cpu", weights_only=True), path)
    except pickle.UnpicklingError as error:
        raise OptionError(f"{path} is not a plain state dict: reading it may run code", _CONVERT) from error
    except (*_NOT_PLAIN, safetensors.SafetensorError) as error:
        raise OptionError(f"{path} cannot be read as weights", _CONVERT) from error


_CONVERT = (
    "convert it, where you trust it: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
)


def fit(module: nn.Module, state: State, name: str, head: str = "") -> None:
    """Load a state dict into a network without its head, whose weights are left out where it is named.

    Raises
    ------
    OptionError
        Weights are missing, have another shape, or belong to nothing here.
    """
    state = _named(state, head)
    own = module.state_dict()
    if not hasattr(state, "_metadata"):  # lost in safetensors; torchvision's MNASNet cannot do without
        state._metadata = {"": own._metadata[""]}  # type: ignore[attr-defined]
    shaped = [key for key, value in state.items() if key in own and own[key].shape != value.shape]
    if shaped:
        first = f"{tuple(state[shaped[0]].shape)} for {tuple(own[shaped[0]].shape)}"
        raise OptionError(
            f"the weights are not of {name}: {count('key', shaped)} of another shape, {first}", _OTHER
        )
    lacking, foreign = module.load_state_dict(state, strict=False)
    lacking = [key for key in lacking if not key.endswith("num_batches_tracked")]
    if lacking or foreign:
        told = [
            f"{what} {count('key', keys)}" for what, keys in (("no", lacking), ("extra", foreign)) if keys
        ]
        raise OptionError(f"the weights are not of {name}: {', '.join(told)}", _OTHER)


_OTHER = "name the network that they were trained with: --encoder NAME"


def digest(module: nn.Module) -> str:
    """SHA-256 of every tensor of a network, with its name, type and shape."""
    sha256 = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        sha256.update(f"{key} {array.dtype} {tuple(array.shape)}\0".encode())
        sha256.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def _download(name: str, url: str, path: Path) -> None:
    digest_start = _DIGEST.search(path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            url, str(path), hash_prefix=digest_start[1] if digest_start else None, progress=False
        )
    except (OSError, RuntimeError, HTTPException) as error:
        raise OptionError(
            f"the weights of {name} cannot be downloaded: {one_line(error)}",
            "try again, or fetch the file elsewhere and add --weights FILE",
        ) from error


def _unwrap(found: Any, path: Path) -> State:
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping) or not found:
        raise OptionError(f"{path} holds no state dict", _CONVERT)
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise OptionError(f"{path} holds no state dict: {key!r} is not a tensor", _CONVERT)
    return found


def _named(state: State, head: str) -> OrderedDict[str, Tensor]:
    """Give every tensor the name that torchvision gives it today."""
    parallel = all(key.startswith("module.") for key in state)
    named: OrderedDict[str, Tensor] = OrderedDict()
    for key, value in state.items():
        plain = _OLD_DENSENET.sub(r"\1\2.", key.removeprefix("module.") if parallel else key)
        if not plain.startswith((f"{head}.", *_AUXILIARY)):
            named[plain] = value
    metadata = getattr(state, "_metadata", None)
    if metadata and not parallel:
        named._metadata = metadata  # type: ignore[attr-defined]
    return named
