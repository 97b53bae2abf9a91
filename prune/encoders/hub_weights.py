"""Weights of a model on the Hugging Face hub: those on this machine, or a download that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prune.core.errors import OptionError
from prune.core.safe_text import one_line


def hub_file(name: str, repository: str, files: Sequence[str], *, download: bool) -> Path:
    """Return the first of the files of a model that is there.

    Parameters
    ----------
    name
        Of the encoder, for the error.
    repository, files
        On the hub: `timm/resnet50.a1_in1k`, and what its weights may be called.
    download
        Whether to ask the hub for what is not on this machine.

    Raises
    ------
    OptionError
        None is on this machine, or the hub does not give any.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    for file in files:
        kept = huggingface_hub.try_to_load_from_cache(repository, file)
        if isinstance(kept, str):
            return Path(kept)
    if not download:
        raise OptionError(
            f"encoder {name} has no weights on this machine",
            "add --weights FILE, or --weights default to download them",
        )
    failed: Exception | None = None
    for file in files:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, file))
        except (OSError, ValueError, HfHubHTTPError) as error:
            failed = failed or error  # the first file is the usual one
    assert failed is not None  # there is a file to ask for
    raise OptionError(
        f"the weights of {name} cannot be downloaded: {one_line(failed)}",
        "try again, or fetch the file elsewhere and add --weights FILE",
    ) from failed
