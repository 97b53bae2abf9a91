"""A timm network without its head, and the weights that timm has for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from prune.core.errors import OptionError, UnknownNameError
from prune.encoders.extras import missing
from prune.encoders.hub_weights import hub_file
from prune.encoders.network import Network, described, drawn
from prune.encoders.weights import State, fit, load, read
from prune.modalities.image import INTERPOLATIONS, Crop

_OTHER = "name a network that looks at square colour pictures, such as --encoder timm:resnet50"
_FILES = ("model.safetensors", "pytorch_model.bin")  # of a model on the hub; the first that is there


def open_timm(model: str, weights: str | None, device: str, seed: int, say: Callable[[str], None]) -> Network:
    """Build a network of timm without its head and load its weights.

    Raises
    ------
    OptionError, UnknownNameError
        As `prune.encoders.timm`.
    """
    name = f"timm:{model}"
    library = _library(name)
    _require_model(library, model)
    about = library.models.get_pretrained_cfg(model)
    crop = _crop(name, about)
    state = _state(name, about, weights)
    module = drawn(lambda: library.create_model(model, pretrained=False, num_classes=0), seed)
    if state is not None:
        fit(module, _headless(state, about.classifier, module), name)
    mean, std = (tuple(map(float, values)) for values in (about.mean, about.std))
    network = Network(module, name=name, crop=crop, mean=mean, std=std, device=device, say=say)
    network.described = described(crop, mean, std, pooling=_pooling(module))
    return network


def _library(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that it no longer wants
            import timm
    except ImportError as error:
        raise missing("timm", name, "timm") from error
    return timm


def _require_model(library: Any, model: str) -> None:
    """Refuse a name that timm does not know.

    Raises
    ------
    UnknownNameError
        There is none of this name, or it has no such tag.
    """
    plain, dot, _ = model.partition(".")
    known = set(library.list_models()) | set(library.list_pretrained())
    if model not in known:
        alike = [one for one in known if one.startswith(f"{plain}.")] if dot else []
        raise UnknownNameError("encoder", f"timm:{model}", [f"timm:{one}" for one in alike or known])


def _crop(name: str, about: Any) -> Crop:
    """Return what becomes of an image, as timm's own evaluation has it.

    Raises
    ------
    OptionError
        The network looks at something else than square pictures of three colours, or pads them.
    """
    channels, high, wide = about.input_size
    if channels != 3 or high != wide or about.crop_mode not in {"center", "squash"}:
        seen = f"{wide}x{high} pixels of {channels} channels, crop mode {about.crop_mode}"
        raise OptionError(f"the encoder {name} looks at {seen}", _OTHER)
    how = about.interpolation if about.interpolation in INTERPOLATIONS else "bicubic"
    return Crop(max(int(high / about.crop_pct), high), high, how, about.crop_mode == "squash")


def _state(name: str, about: Any, weights: str | None) -> State | None:
    """Read the weights that the user means; None stands for random ones.

    Raises
    ------
    OptionError
        There are none on this machine, they cannot be downloaded, or are no plain numbers.
    """
    if about.hf_hub_id and weights in {None, "default"} and not about.custom_load:
        files = (about.hf_hub_filename,) if about.hf_hub_filename else _FILES
        return read(hub_file(name, about.hf_hub_id, files, download=weights == "default"))
    url = "" if about.custom_load else about.url
    if not url and weights in {None, "default"}:
        raise OptionError(f"timm has no weights for the encoder {name}", "add --weights FILE")
    return load(name, weights, str(url))


def _headless(state: State, classifier: str | tuple[str, ...] | None, module: Any) -> State:
    """Return weights without those of the head, which may be more than the layer that timm calls so."""
    layers = (classifier,) if isinstance(classifier, str) else classifier or ()
    heads = tuple(f"{layer.rpartition('.')[0] or layer}." for layer in layers)
    own = module.state_dict()
    return {key: value for key, value in state.items() if key in own or not key.startswith(heads)}


def _pooling(module: Any) -> str:
    """Return how a network makes one vector of all places, in timm's words."""
    head = getattr(module, "head", None)
    for place in (module, head):
        found = getattr(place, "global_pool", None)
        how = found if isinstance(found, str) else getattr(found, "pool_type", None)
        if isinstance(how, str) and how:
            return how
    return "its own"
