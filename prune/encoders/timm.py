"""Any image network of timm, by name: what it sees just before it names the class."""

from __future__ import annotations

from collections.abc import Callable

from prune.encoders.encode import Encoder


def timm(
    model: str,
    /,
    *,
    weights: str | None = None,
    device: str,
    seed: int,
    say: Callable[[str], None],
) -> Encoder:
    """Pooled features of a timm network: `--encoder timm:resnet50`, or `timm:vit_base_patch16_224.dino`.

    Images are resized, cropped and normalised as timm's configuration of the weights says; the recipe has
    all of it, the pooling, and the SHA-256 of the weights. Needs the extra `timm`.

    Parameters
    ----------
    model
        A name of `timm.list_models()`, with or without one of its tags.
    weights
        A file (safetensors, or a plain state dict), `default` to download what timm has for the tag (the
        usual one where none is named), `random` for an untrained network. By default timm's own if an
        earlier download left them on this machine.
    device
        `cpu` or `cuda`.
    seed
        Of the `random` weights.
    say
        Told when the batch is halved because memory is short.

    Raises
    ------
    OptionError
        timm is not installed, there are no weights, or they belong to another network.
    UnknownNameError
        timm has none of this name.

    References
    ----------
    Wightman, "PyTorch Image Models", 2019, doi:10.5281/zenodo.4414861.
    """
    from prune.encoders.timm_network import open_timm  # the half that needs torch

    return open_timm(model, weights, device, seed, say)
