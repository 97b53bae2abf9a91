"""Any pair of networks of open_clip, by name: pictures and captions in one space."""

from __future__ import annotations

from collections.abc import Callable

from prune.encoders.encode import Encoder


def clip(
    model: str,
    /,
    *,
    weights: str | None = None,
    device: str,
    seed: int,
    say: Callable[[str], None],
) -> Encoder:
    """What the image tower of an open_clip model says: `--encoder clip:ViT-B-32.laion2b_s34b_b79k`.

    Vectors have length 1. Images are resized, cropped and normalised as open_clip's configuration of the
    weights says; the recipe has all of it, and the SHA-256 of the weights. Needs the extra `clip`.

    Parameters
    ----------
    model
        A name of `open_clip.list_models()`, and behind a dot one of the weights that open_clip has for it.
    weights
        A file (safetensors, or a plain state dict), `default` to download those that the name says,
        `random` for an untrained network. By default those that the name says, if an earlier download left
        them on this machine.
    device
        `cpu` or `cuda`.
    seed
        Of the `random` weights.
    say
        Told when the batch is halved because memory is short.

    Raises
    ------
    OptionError
        open_clip is not installed, there are no weights, or they belong to another network.
    UnknownNameError
        open_clip has none of this name.

    References
    ----------
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
    arXiv:2103.00020. Ilharco et al., "OpenCLIP", 2021, doi:10.5281/zenodo.5143773.
    """
    from prune.encoders.clip_network import open_clip_images  # the half that needs torch

    return open_clip_images(model, weights, device, seed, say)
