"""A torchvision network without its head, on a device, fed pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torchvision import models

from prune.core.arrays import Embeddings, Images
from prune.encoders.at_once import AtOnce
from prune.encoders.image_encoder import ImageEncoder
from prune.encoders.weights import digest, fit, load
from prune.modalities.image import Crop
from prune.system.precision import precision_of

Module = TypeVar("Module", bound=nn.Module)

_SMALLER = "add --device cpu, or choose a smaller --encoder"
_BATCH = {"cpu": 8, "cuda": 256}  # a core is busy with few images, a GPU is not


class Network(ImageEncoder):
    """An encoder around a module that maps (b, 3, s, s) normalised pixels to (b, d)."""

    def __init__(
        self,
        module: nn.Module,
        *,
        name: str,
        crop: Crop,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        device: str,
        say: Callable[[str], None],
    ) -> None:
        self.name, self.crop, self.batch = name, crop, _BATCH[device]
        self.precision = precision_of(device)
        self.described: Mapping[str, Any] = {}  # more that its recipe says: see `described`
        self._weights = digest(module)
        self._at_once = AtOnce(name, "image", self.batch, _SMALLER, say)
        self._device = torch.device(device)
        self._layout = torch.channels_last if self._is_faster_last(module) else torch.contiguous_format
        self._module = self._at_once.moved(module, self._device, memory_format=self._layout)
        self._mean, self._std = (
            (255 * torch.tensor(values)).view(1, 3, 1, 1).to(self._device) for values in (mean, std)
        )

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on; the weights by their SHA-256."""
        return {
            "encoder": self.name,
            "weights": self._weights,
            "resize": self.crop.resize,
            "crop": self.crop.size,
            "batch": self.batch,
            "precision": self.precision,
            "version": 1,
            **self.described,
        }

    def encode(self, images: Images) -> Embeddings:
        """Embed uint8 images (b, 3, s, s) as float32 (b, d), in smaller pieces if the GPU's memory is short.

        Raises
        ------
        OptionError
            Not even one image fits.
        """
        return np.concatenate(self._at_once.parts(len(images), lambda part: self._embed(images[part])))

    def _embed(self, images: Images) -> Embeddings:
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self.precision == "bfloat16"),
        ):
            pixels = torch.tensor(images, device=self._device).float().sub_(self._mean).div_(self._std)
            out: Tensor = self._module(pixels.contiguous(memory_format=self._layout))
            embeddings: Embeddings = out.flatten(1).float().cpu().numpy()
        return embeddings

    def _is_faster_last(self, module: nn.Module) -> bool:
        convolutions = sum(isinstance(m, nn.Conv2d) for m in module.modules())
        known = self._device.type == "cpu" or self.precision == "bfloat16"
        return known and convolutions > 1  # a transformer has one


def open_network(
    name: str, weights: str | None, device: str, seed: int, say: Callable[[str], None]
) -> Network:
    """Build a network of torchvision, load its weights and take off its head.

    Raises
    ------
    OptionError
        As `prune.encoders.torchvision`.
    """
    default = models.get_model_weights(name).DEFAULT
    state = load(name, weights, default.url)
    seen = default.transforms()
    size = int(seen.crop_size[0])
    module, head = _behead(_build(name, size, seed, trained=state is not None))
    if state is not None:
        fit(module, state, name, head)
    return Network(
        module,
        name=name,
        crop=Crop(int(seen.resize_size[0]), size),
        mean=tuple(seen.mean),
        std=tuple(seen.std),
        device=device,
        say=say,
    )


def _build(name: str, size: int, seed: int, *, trained: bool) -> nn.Module:
    options: dict[str, Any] = {}
    if name.startswith("vit_"):
        options = {"image_size": size}
    elif name in {"googlenet", "inception_v3"}:
        # Their weights come from elsewhere and want other means, which `transform_input` sees to.
        options = {"aux_logits": False, "transform_input": True, "init_weights": not trained}
    return drawn(lambda: models.get_model(name, weights=None, **options), seed)


def drawn(build: Callable[[], Module], seed: int) -> Module:
    """Build a network whose random weights follow the seed; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def described(
    crop: Crop, mean: tuple[float, ...], std: tuple[float, ...], **others: str
) -> dict[str, str | bool | list[float]]:
    """Return what a recipe says of how images are brought to a network, where its name alone does not say it.

    What stands in every recipe of a network, the sizes, is left out; so is what is as usual.
    """
    squashed: dict[str, str | bool | list[float]] = {"squash": True} if crop.squash else {}
    seen = {"mean": [float(m) for m in mean], "std": [float(s) for s in std]}
    return {**seen, "interpolation": crop.interpolation, **squashed, **others}


def _behead(module: nn.Module) -> tuple[nn.Module, str]:
    """Replace the last linear layer (the last convolution where there is none) by the identity."""
    layers = list(module.named_modules())
    linear = [path for path, layer in layers if isinstance(layer, nn.Linear)]
    head = linear[-1] if linear else [path for path, layer in layers if isinstance(layer, nn.Conv2d)][-1]
    module.set_submodule(head, nn.Identity())
    return module, head
