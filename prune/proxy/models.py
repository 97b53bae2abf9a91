"""A proxy by name: ours, or any torchvision classification model, and its penultimate feature."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from prune.core.errors import OptionError, UnknownNameError
from prune.proxy.config import LINEAR, NGRAM
from prune.proxy.ngram_network import ngram
from prune.proxy.small_networks import lenet, mlp, resnet8, resnet9, resnet20

SMALL = 64  # pixels; up to here a stem that shrinks the image at once gives way to a 3×3 convolution


def linear(size: int, classes: int) -> nn.Module:
    """A linear head on an embedding of `size` numbers: `--on embedding.NAME`."""
    return nn.Linear(size, classes)


PROXIES: dict[str, Callable[[int, int], nn.Module]] = {
    "resnet8": resnet8,
    "resnet9": resnet9,
    "resnet20": resnet20,
    "lenet": lenet,
    "mlp": mlp,
    "linear": linear,
    "ngram": ngram,
}
_WANTS = {  # of those that look at no images: what they look at, and where it comes from
    LINEAR: ("an embedding", "name one with --on embedding.NAME"),
    NGRAM: ("texts", "--proxy ngram takes ngrams.LENGTH"),
}


def build(name: str, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Return a network with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    name
        In `PROXIES`, or a torchvision classification model.
    shape
        Of one sample: (3, s, s), or (d,) for `linear`; for `ngram`, (how many ids there are,).
    classes
        Width of the head, c ≥ 2.

    Raises
    ------
    UnknownNameError
        No network is called `name`.
    OptionError
        It cannot take samples of this shape, or has no linear head.
    """
    if (name in _WANTS) != (len(shape) == 1):
        wants, hint = _WANTS.get(name, ("images", f"--proxy {LINEAR} takes embeddings"))
        raise OptionError(f"proxy {name} wants {wants}, but was given samples of shape {shape}", hint)
    require_known(name)
    if name in PROXIES:
        return PROXIES[name](shape[-1], classes)
    return _torchvision(name, shape[-1], classes)


def require_known(name: str) -> None:
    """Raise UnknownNameError, with the nearest name, where no network is called `name`."""
    if name not in PROXIES and name not in _torchvision_names():
        raise UnknownNameError("proxy", name, [*PROXIES, *_torchvision_names()])


class Headed(nn.Module):
    """A network of which it is known which layer gives the logits; it may return an object with `logits`."""

    def __init__(self, model: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.model = model
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits; the inputs are laid out as most people's code expects them."""
        return logits_of(self.model(inputs.contiguous()))


def head_of(model: nn.Module) -> nn.Linear:
    """Return the last linear layer, or raise ValueError where there is none."""
    if isinstance(model, Headed):
        return model.head
    layers = linears(model)
    if not layers:
        raise ValueError(f"{type(model).__name__} has no linear layer")
    return layers[-1]


def logits_of(output: Any) -> Tensor:
    """Return the logits in what a model returns: a tensor, an object or mapping with `logits`, a tuple.

    Raises
    ------
    OptionError
        There are none.
    """
    if isinstance(output, Mapping):
        output = output.get("logits")
    elif not isinstance(output, Tensor) and hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, tuple) and output:
        output = output[0]
    if isinstance(output, Tensor) and output.ndim == 2:
        return output
    what = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise OptionError(f"the model returns {what}, not logits of shape (samples, classes)")


def linears(model: nn.Module) -> list[nn.Linear]:
    """Return the linear layers, in the order of their definition."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


@contextlib.contextmanager
def watched(layers: Sequence[nn.Module]) -> Iterator[dict[nn.Module, tuple[Tensor, Any]]]:
    """Note what each layer was given and gave when it was last called, in the order of the calls."""
    seen: dict[nn.Module, tuple[Tensor, Any]] = {}

    def note(layer: nn.Module, given: tuple[Tensor, ...], output: Any) -> None:
        seen.pop(layer, None)
        seen[layer] = (given[0], output)

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def head_giving(seen: Mapping[nn.Module, tuple[Tensor, Any]], logits: Tensor, name: str) -> nn.Linear:
    """Return the layer whose output the logits are: the last of those that were called.

    Raises
    ------
    OptionError
        There is none: the logits are not what a linear layer gave.
    """
    for layer, (_, output) in reversed(list(seen.items())):
        if isinstance(layer, nn.Linear) and (output is logits or _same(output, logits)):
            return layer
    found = "none of its linear layers gives" if seen else "it has no linear layer that gives"
    raise OptionError(
        f"the last linear layer of {name} cannot be found: {found} the logits",
        "let the model return the output of its last linear layer, without softmax; in Python, head=LAYER "
        "names another layer, and head=None goes without features",
    )


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.to(other.dtype), other)


def with_features(model: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits (b, c) and what the head sees, the penultimate feature h (b, d)."""
    seen: list[Tensor] = []
    hook = head_of(model).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        logits: Tensor = model(inputs)
    finally:
        hook.remove()
    return logits, seen[-1].flatten(1)


def _torchvision_names() -> list[str]:
    from torchvision import models  # which takes as long to load as torch

    return models.list_models(module=models)


def _torchvision(name: str, size: int, classes: int) -> nn.Module:
    from torchvision import models

    options: dict[str, Any] = {"num_classes": classes}
    if name in {"googlenet", "inception_v3"}:
        options |= {"aux_logits": False, "init_weights": False}
    if name.startswith("vit_"):
        options["image_size"] = size
    if name.startswith("maxvit"):
        options["input_size"] = (size, size)
    try:
        model: nn.Module = models.get_model(name, weights=None, **options)
        if size <= SMALL:
            _shrink_stem(model)
        _try(model, size)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise OptionError(
            f"proxy {name} cannot take images of {size} pixels a side", "try --proxy-size 224"
        ) from error
    if not any(isinstance(m, nn.Linear) and m.out_features == classes for m in model.modules()):
        raise OptionError(f"proxy {name} has no linear head", "choose another one, such as resnet18")
    return model


def _shrink_stem(model: nn.Module) -> None:
    """Where the first convolution halves the image, put a 3×3 of stride 1, and drop the pooling after it."""
    name, first = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    if first.stride != (2, 2):
        return
    wide = nn.Conv2d(first.in_channels, first.out_channels, 3, 1, 1, bias=first.bias is not None)
    model.set_submodule(name, wide)
    for pool in [n for n, _ in model.named_modules() if n.split(".")[-1] in {"maxpool", "maxpool1", "pool0"}]:
        model.set_submodule(pool, nn.Identity())


def _try(model: nn.Module, size: int) -> None:
    model.eval()
    with torch.inference_mode():
        model(torch.zeros(1, 3, size, size))
    model.train()
