"""A model of open_clip, its weights, and how images are brought to it."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from prune.core.errors import OptionError, UnknownNameError
from prune.core.safe_text import one_line
from prune.encoders.extras import missing
from prune.encoders.hub_weights import hub_file
from prune.encoders.network import Network, described, drawn
from prune.encoders.weights import State, fit, load, read
from prune.modalities.image import INTERPOLATIONS, Crop

_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")  # the first that is there
_USUAL = ("laion2b", "datacomp_xl", "webli")  # how the names of weights begin that are taken most
_POSITIONS = "text.transformer.embeddings.position_ids"  # in older files, and no weight


@dataclass(frozen=True)
class ClipModel:
    """Two towers that share a space."""

    name: str  # of the encoder
    module: Any
    crop: Crop
    mean: tuple[float, ...]
    std: tuple[float, ...]


def open_clip_images(
    model: str, weights: str | None, device: str, seed: int, say: Callable[[str], None]
) -> Network:
    """Return the image tower of a model of open_clip.

    Raises
    ------
    OptionError, UnknownNameError
        As `prune.encoders.clip`.
    """
    opened = open_model(model, weights, seed)
    network = Network(
        _ImageTower(opened.module),
        name=opened.name,
        crop=opened.crop,
        mean=opened.mean,
        std=opened.std,
        device=device,
        say=say,
    )
    network.described = {**described(opened.crop, opened.mean, opened.std), "normalized": True}
    return network


class _ImageTower(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Return vectors of length 1."""
        embedded: Tensor = self.model.encode_image(pixels, normalize=True)
        return embedded


def open_model(model: str, weights: str | None, seed: int, *, prefix: str = "clip:") -> ClipModel:
    """Build both towers of a model of open_clip and load their weights.

    `prefix` stands before the model in the name of the encoder.

    Raises
    ------
    OptionError, UnknownNameError
        As `prune.encoders.clip`.
    """
    name = f"{prefix}{model}"
    library = _library(name)
    plain, _, tag = model.partition(".")
    _require_model(library, plain, tag, prefix)
    tags = library.list_pretrained_tags_by_model(plain)
    about = library.get_pretrained_cfg(plain, tag or (tags or [""])[0])
    state = _state(name, tag, tags, about, weights)
    with in_silence():
        module = drawn(lambda: _built(library, name, plain, about, gelu=bool(tag)), seed)
    if state is not None:
        fit(module, _converted(module, state), name)
    seen = module.visual.preprocess_cfg
    mean, std = (tuple(map(float, seen[key])) for key in ("mean", "std"))
    return ClipModel(name, module, _crop(name, seen), mean, std)


def _library(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import open_clip
    except ImportError as error:
        raise missing("open_clip_torch", name, "clip") from error
    return open_clip


def _require_model(library: Any, model: str, tag: str, prefix: str) -> None:
    """Refuse a name that open_clip does not know.

    Raises
    ------
    UnknownNameError
        It has no such model, or the model no such weights.
    """
    known = library.list_models()
    if model not in known:
        raise UnknownNameError("encoder", f"{prefix}{model}", [f"{prefix}{one}" for one in known])
    tags = library.list_pretrained_tags_by_model(model)
    if tag and tag not in tags:
        raise UnknownNameError(
            "encoder",
            f"{prefix}{model}.{tag}",
            [f"{prefix}{model}.{one}" for one in tags] or [f"{prefix}{model}"],
        )


def _built(library: Any, name: str, model: str, about: Mapping[str, Any], *, gelu: bool) -> Any:
    try:
        return library.create_model(
            model,
            pretrained_text=False,
            force_quick_gelu=gelu and bool(about.get("quick_gelu")),  # as the weights were trained
            force_preprocess_cfg=dict(about),
        ).eval()
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        why = one_line(error)
        other = f"--encoder {name.partition(':')[0]}:ViT-B-32.laion2b_s34b_b79k"
        raise OptionError(f"the encoder {name} cannot be built: {why}", other) from error


@contextlib.contextmanager
def in_silence() -> Iterator[None]:
    """Let a library neither warn nor log, nor set up logging for the whole process on the way."""
    root, quiet, level = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(quiet)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        root.removeHandler(quiet)


def _crop(name: str, seen: Mapping[str, Any]) -> Crop:
    """Return what becomes of an image, as open_clip's own evaluation has it.

    Raises
    ------
    OptionError
        The model looks at pictures that are not square, or pads them.
    """
    size = seen["size"]
    high, wide = (size, size) if isinstance(size, int) else size
    if high != wide or seen["resize_mode"] not in {"shortest", "squash"}:
        raise OptionError(
            f"the encoder {name} looks at {wide}x{high} pixels, resized by their {seen['resize_mode']} side",
            "name a model that looks at squares, such as --encoder clip:ViT-B-32",
        )
    how = seen["interpolation"] if seen["interpolation"] in INTERPOLATIONS else "bicubic"
    return Crop(high, high, how, seen["resize_mode"] == "squash")


def _state(
    name: str, tag: str, tags: list[str], about: Mapping[str, Any], weights: str | None
) -> State | None:
    """Read the weights that the user means; None stands for random ones.

    Raises
    ------
    OptionError
        There are none on this machine, they cannot be downloaded, are no plain numbers, or are not named.
    """
    if weights not in {None, "default"}:
        return load(name, weights, "")
    if not tags:
        raise OptionError(f"open_clip has no weights for the encoder {name}", "add --weights FILE")
    if not tag and len(tags) > 1:
        usual = next((one for one in reversed(tags) if one.startswith(_USUAL)), tags[0])
        raise OptionError(
            f"open_clip has {len(tags)} kinds of weights for {name}: {', '.join(tags[:4])}, …",
            f"--encoder {name}.{usual} --weights default",
        )
    if about.get("hf_hub"):
        repository, _, file = str(about["hf_hub"]).rpartition("/")
        return read(hub_file(name, repository, (file,) if file else _FILES, download=weights == "default"))
    own = Path("~/.cache/clip").expanduser() / Path(str(about["url"])).name  # where open_clip puts it
    return read(own) if own.is_file() else load(name, weights, str(about["url"]))


def _converted(module: Any, state: State) -> State:
    """Return weights under the names that open_clip has for them today."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    found = dict(convert_state_dict(module, dict(state)))
    if all(key.startswith("module.") for key in found):  # of a training on several GPUs
        found = {key.removeprefix("module."): value for key, value in found.items()}
    if "positional_embedding" in found and not hasattr(module, "positional_embedding"):
        found = dict(convert_to_custom_text_state_dict(found))
    found.pop(_POSITIONS, None)
    for scalar in ("logit_scale", "logit_bias"):
        own = getattr(module, scalar, None)
        if scalar in found and own is not None and found[scalar].numel() == own.numel():
            found[scalar] = found[scalar].reshape(own.shape)
    return found
