"""The text tower of a model of open_clip: captions in the space of its images."""

from __future__ import annotations

from collections.abc import Callable

from prune.encoders.encode import Encoder


def clip_text(
    model: str,
    /,
    *,
    weights: str | None = None,
    device: str,
    seed: int,
    say: Callable[[str], None],
) -> Encoder:
    """What the text tower of an open_clip model says: `--encoder clip_text:ViT-B-32.laion2b_s34b_b79k`.

    Vectors have length 1, in the space of those of the encoder `clip`. On images with captions, `--encoder
    clip:NAME` makes both columns. Needs the extra `clip`.

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
        Told when fewer texts go through the network at once because memory is short.

    Raises
    ------
    OptionError
        open_clip is not installed, there are no weights, they belong to another network, or its tokenizer is
        neither a part of open_clip nor on this machine.
    UnknownNameError
        open_clip has none of this name.

    References
    ----------
    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
    arXiv:2103.00020. Ilharco et al., "OpenCLIP", 2021, doi:10.5281/zenodo.5143773.
    """
    from prune.encoders.clip_text_tower import ClipTexts  # the half that needs torch

    return ClipTexts(model, weights, device, seed, say)
