"""Any classification network of torchvision, by name: what it sees just before it names the class."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prune.core.errors import UnknownNameError
from prune.encoders.encode import Encoder


def torchvision(
    model: str,
    /,
    *,
    weights: str | None = None,
    device: str,
    seed: int,
    say: Callable[[str], None],
) -> Encoder:
    """Penultimate features of a torchvision network: `--encoder resnet50` or any other of its classifiers.

    Parameters
    ----------
    model
        A name that `torchvision.models` has, such as `resnet18` or `vit_b_16`.
    weights
        A file (safetensors, or a plain state dict), `default` to download torchvision's own, `random` for an
        untrained network. By default torchvision's own if an earlier download left them on this machine.
    device
        `cpu` or `cuda`.
    seed
        Of the `random` weights.
    say
        Told when the batch is halved because memory is short.

    Raises
    ------
    OptionError
        There are no weights, they cannot be read, or they belong to another network.

    References
    ----------
    TorchVision maintainers, "TorchVision: PyTorch's Computer Vision library", 2016.
    """
    from prune.encoders.network import open_network  # the half that needs torch

    return open_network(model, weights, device, seed, say)


def require_model(name: str, others: Iterable[str] = ()) -> None:
    """Refuse a name that is no classifier of torchvision; `others` may have been meant as well.

    Raises
    ------
    UnknownNameError
        torchvision has none of this name.
    """
    from torchvision import models

    names = models.list_models(module=models)
    if name not in names:
        raise UnknownNameError("encoder", name, [*names, *others])
